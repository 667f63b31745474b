"""Snapshots and their installation while disks are full, files are damaged and processes die."""

import contextlib
import datetime
import json
import os
import random
import subprocess
import time

import pytest
import redis

from cluster import BINARY, Cluster, wait_until
from history import Load, let_it_run
from snapshots import (assert_all_agree, assert_holds_all, create, data_group, kept_snapshots,
                       leave_behind, snapshot_and_cut, take, values, write_all)

SMALL_DISK_MIB = 128
DISK_FAILED = 70  # the exit status
PAUSE_AFTER_FAILURE_S = 5  # before another snapshot is fetched


@pytest.fixture(autouse=True)
def when_asked(monkeypatch):
    monkeypatch.setenv("SESHAT_SNAPSHOTS_ENTRIES", "1000000000")
    monkeypatch.setenv("SESHAT_SNAPSHOTS_LOG_TAIL_BYTES", "0")
    # Log files have the length of a write buffer from the start: several have to fit.
    monkeypatch.setenv("SESHAT_STORAGE_WRITE_BUFFER_BYTES", str(8 << 20))
    # The guard would keep the disk from ever becoming full.
    monkeypatch.setenv("SESHAT_LIMITS_FREE_DISK_BYTES_MIN", "0")
    monkeypatch.setenv("SESHAT_LIMITS_FREE_DISK_PERCENT_MIN", "0")


@contextlib.contextmanager
def small_disk(folder):
    """A file system of its own for `folder`, of SMALL_DISK_MIB."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MIB}m", "none",
                              str(folder)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount: " + mounted.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def cluster_with_small_disk(directory):
    """Three nodes of which the last has the small disk and does not lead."""
    with small_disk(directory / "node-3"), Cluster(directory) as cluster:
        small = cluster.node(3)
        if cluster.leader() is small:
            assert cluster.node(1).client().execute_command("CLUSTER", "FAILOVER")
            wait_until(lambda: cluster.leader() is not small, 20, "another leader")
        yield cluster, small


def use_up(node, leave=0):
    """Fills the node's disk with a file, but for `leave` bytes."""
    path = node.directory / "lost+found"  # the one foreign name that a node leaves alone
    path.mkdir(exist_ok=True)
    with open(path / "filler", "ab", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                facts = os.statvfs(node.directory)
                room = facts.f_bavail * facts.f_frsize - leave
                if room <= 0 or not file.write(b"x" * min(room, 1 << 20)):
                    break


def make_room(node):
    (node.directory / "lost+found" / "filler").unlink()


def incoming_files(node):
    return sorted((node.directory / "incoming").glob("*/*.sst"))


def wait_for_staged_file(node, at_least=1 << 20):
    """The file into which the node writes a state that comes in, once so much is on the disk."""
    def find():
        return [path for path in incoming_files(node) if path.stat().st_size >= at_least]
    return wait_until(find, 30, "a staged file")[0]


def failed_fetches(node):
    """What the node's log says of installations that it gave up."""
    lines = node.log_path.read_text(errors="replace").splitlines()
    return [json.loads(line) for line in lines if "could not fetch a snapshot" in line]


def time_of(event):
    """In seconds, by the node's own clock."""
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def is_fetching(node):
    group = data_group(node)
    return group is not None and group["fetching_snapshot"] > 0


def flip_in_the_middle(path):
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0x10]))


def test_a_full_disk_refuses_a_snapshot_and_nothing_else(tmp_path):
    with cluster_with_small_disk(tmp_path) as (cluster, small), \
            Load(cluster.nodes, writers=4) as load:
        let_it_run(load)
        use_up(small)
        errors = [len(writer.errors) for writer in load.writers]

        refused = create(small)

        assert refused.returncode == 1
        assert "0 MiB of disk are free, a snapshot needs 16 MiB" in refused.stderr
        assert kept_snapshots(small) == []
        let_it_run(load)  # through this node too: its log file has the room that it will need
        assert [len(writer.errors) for writer in load.writers] == errors
        make_room(small)
        take(small)
        let_it_run(load)
        load.stop()
        assert small.is_running()
        assert_all_agree(cluster)


def test_a_disk_that_is_full_for_the_log_stops_the_node_and_nothing_is_lost(tmp_path):
    with cluster_with_small_disk(tmp_path) as (cluster, small):
        others = cluster.others(small)
        with Load(others, writers=4) as load:
            let_it_run(load)
            use_up(small)
            rows = values(1, 300, 50_000)
            write_all(others[0], rows)
            assert wait_until(lambda: small.process.poll() is not None and small.process.returncode,
                              30, "the node stops") == DISK_FAILED
            assert "No space left on device" in small.log_tail()
            let_it_run(load)
            make_room(small)
            small.start()
            cluster.wait_ready()
            load.stop()
            assert [writer.errors for writer in load.writers] == [[]] * 4
            for node in cluster.nodes:
                load.check_on(node)
        assert_holds_all(small, rows)
        assert_all_agree(cluster)


def test_a_state_that_does_not_fit_is_fetched_again_once_there_is_room(tmp_path):
    """And not over and over meanwhile: that would be the leader's loss."""
    with cluster_with_small_disk(tmp_path) as (cluster, small):
        others = cluster.others(small)
        small.kill()
        rows = values(2, 400, 50_000)
        write_all(others[0], rows)
        snapshot_and_cut(others)
        # Enough for a log file and a manifest, which a start makes, and for half of the state.
        use_up(small, leave=14 << 20)
        with Load(others, writers=4) as load:
            small.start()
            failures = wait_until(lambda: len(failed_fetches(small)) >= 2 and failed_fetches(small),
                                  30, "two failures")
            assert "No space left on device" in failures[0]["fields"]["why"]
            assert time_of(failures[1]) - time_of(failures[0]) >= PAUSE_AFTER_FAILURE_S
            let_it_run(load)
            assert small.is_running()
            assert not small.is_ready()
            make_room(small)
            cluster.wait_ready()
            load.stop()
            assert [writer.errors for writer in load.writers] == [[]] * 4
            for node in cluster.nodes:
                load.check_on(node)
        assert incoming_files(small) == []
        assert_holds_all(small, rows)
        assert_all_agree(cluster)


def begin_slow_installation(cluster, rows):
    """A follower that needs all `rows`, and is getting them; and the staged file that is there."""
    _, away = leave_behind(cluster, rows)
    away.start()
    return away, wait_for_staged_file(away)


def test_a_staged_file_that_was_damaged_between_two_starts_is_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SESHAT_SNAPSHOTS_SEND_BYTES_PER_SECOND_MAX", str(3 << 20))
    rows = values(3, 200, 40_000)
    with Cluster(tmp_path) as cluster:
        away, staged = begin_slow_installation(cluster, rows)
        away.kill()
        # Under names that a second attempt would not use itself.
        left_behind = staged.parent.rename(staged.parent.with_name("1-99")) / staged.name
        flip_in_the_middle(left_behind)

        away.start()
        cluster.wait_ready([away])

        assert not left_behind.exists()
        assert incoming_files(away) == []
        assert_holds_all(away, rows)
        assert_all_agree(cluster)


def test_a_staged_file_that_is_damaged_under_a_running_node_is_never_served(tmp_path, monkeypatch):
    """The disk's fault: what it holds is not what was written. Whoever meets it stops."""
    monkeypatch.setenv("SESHAT_SNAPSHOTS_SEND_BYTES_PER_SECOND_MAX", str(3 << 20))
    rows = values(4, 200, 40_000)
    with Cluster(tmp_path) as cluster:
        away, staged = begin_slow_installation(cluster, rows)
        away.pause()
        flip_in_the_middle(staged)
        away.resume()
        wait_until(lambda: away.process.poll() is not None or away.is_ready(), 30, "an end of it")

        wrong = []
        for key, value in rows.items():
            try:
                with away.client() as client:
                    found = client.get(key)
            except redis.RedisError:
                continue
            if found != value:
                wrong.append(key)

        assert wrong == []
        assert wait_until(lambda: away.process.poll() is not None and away.process.returncode, 30,
                          "the node stops") == DISK_FAILED
        assert ".sst" in away.log_tail() and "checksum mismatch" in away.log_tail()
        for node in cluster.others(away):
            assert_holds_all(node, rows)


def pass_moment(seconds):
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= end, seconds + 1, "a moment")


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_at_any_moment_of_taking(cluster, seed):
    """Each node in turn: the snapshot is there or not, and what was acknowledged is there."""
    chance = random.Random(seed)
    with Load(cluster.nodes, writers=4) as load:
        for turn in range(6):
            victim = cluster.nodes[turn % 3]
            before = kept_snapshots(victim)
            taking = subprocess.Popen(
                [BINARY, "snapshot", "create", "--admin", f"127.0.0.1:{victim.admin_port}"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            if turn % 2 == 0:
                pass_moment(chance.random() * 0.15)
            else:
                taking.wait(timeout=30)  # the moment in which it was promised
            victim.kill()
            said = taking.communicate(timeout=30)[0]
            found = kept_snapshots(victim)
            assert set(before[-1:]) <= set(found)
            if taking.returncode == 0:
                assert said.split()[0] in found
            victim.start()
            cluster.wait_ready()
            let_it_run(load, writes=50)
        load.stop()
        for node in cluster.nodes:
            load.check_on(node)
    assert_all_agree(cluster)


@pytest.mark.parametrize("side", ["sender", "receiver", "both"])
def test_kill_at_any_moment_of_installing(tmp_path, monkeypatch, side):
    """The old state or the new one: with every write that was acknowledged, at last."""
    # Some 2 s for an installation.
    monkeypatch.setenv("SESHAT_SNAPSHOTS_SEND_BYTES_PER_SECOND_MAX", str(1 << 20))
    chance = random.Random(side)
    rows = values(5, 50, 40_000)
    with Cluster(tmp_path) as cluster, Load(cluster.nodes, writers=4) as load:
        for turn in range(3):
            leader = cluster.leader()
            away, other = cluster.others(leader)
            away.kill()
            write_all(leader, rows)
            for node in (leader, other):
                take(node)
            away.start()
            wait_until(lambda: is_fetching(away), 30, "the fetch")
            pass_moment(chance.random() * 2.5)
            for victim in {"sender": [leader], "receiver": [away], "both": [leader, away]}[side]:
                victim.kill()
            for node in cluster.nodes:
                if not node.is_running():
                    node.start()
            cluster.wait_ready()
            let_it_run(load, writes=50)
        load.stop()
        for node in cluster.nodes:
            load.check_on(node)
            assert_holds_all(node, rows)
        assert_all_agree(cluster)
