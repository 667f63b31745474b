"""What happens to real clusters around snapshots: long absences, empty states, slow and overtaken
installations. Nodes take snapshots only when asked and keep no log behind them, unless a test says
otherwise."""

import os
import random
import subprocess

import pytest

from cluster import Cluster, wait_until
from history import Load, let_it_run
from snapshots import (assert_all_agree, assert_holds_all, data_group, holds, kept_snapshots,
                       leave_behind, log_bytes, snapshot_and_cut, take, values, write, write_all)

# How long the follower is away; the figure is 100000, which takes over a minute.
AWAY_ENTRIES = int(os.environ.get("SESHAT_AWAY_ENTRIES", "15000"))


@pytest.fixture(autouse=True)
def when_asked(monkeypatch):
    monkeypatch.setenv("SESHAT_SNAPSHOTS_ENTRIES", "1000000000")
    monkeypatch.setenv("SESHAT_SNAPSHOTS_LOG_TAIL_BYTES", "0")


def last_index(node):
    return node.client().info("raft")["group_1_last_index"]


def installed(node):
    """How often the node's state of the data group was replaced since it started."""
    return node.client().info("raft")["group_1_snapshots_installed"]


def wait_for_installation(node):
    """The node's status is renewed a few times a second, and tells it a little later."""
    wait_until(lambda: installed(node) == 1, 30, f"one installation on node {node.id}")


def fetched_index(node):
    """The index of the snapshot that the node fetches at the moment, or 0."""
    group = data_group(node)
    return group["fetching_snapshot"] if group else 0


def fill(leader, entries):
    """Writes from many clients until the log has so many entries more; over 20,000 keys."""
    target = last_index(leader) + entries

    def enough():
        subprocess.run(["redis-benchmark", "-p", str(leader.client_port), "-t", "set", "-c", "50",
                        "-n", "10000", "-d", "20", "-r", "20000", "-q"],
                       stdout=subprocess.DEVNULL, timeout=60, check=True)
        return last_index(leader) >= target
    wait_until(enough, 300, f"{entries} entries more")


def test_a_follower_that_was_away_for_many_entries(tmp_path, monkeypatch):
    """With the policy that nodes have by default, but for the pause between two snapshots."""
    monkeypatch.setenv("SESHAT_SNAPSHOTS_ENTRIES", "10000")
    monkeypatch.setenv("SESHAT_SNAPSHOTS_INTERVAL_SECONDS", "0")
    with Cluster(tmp_path) as cluster:
        leader = cluster.leader()
        away, other = cluster.others(leader)
        away.kill()
        left_at = last_index(leader)
        fill(leader, AWAY_ENTRIES)
        for node in (leader, other):
            wait_until(lambda: data_group(node)["snapshot"] > left_at, 30, "a snapshot by itself")
        keys = leader.client().dbsize()

        away.start()
        cluster.wait_ready([away])

        wait_until(lambda: installed(away) >= 1, 30, "an installation")
        assert holds(away, keys)
        client = leader.client(socket_timeout=30)
        client.set("after", "all")
        assert client.execute_command("WAIT", 2, 20_000) == 2
        assert_all_agree(cluster)


@pytest.mark.parametrize("way", ["installed", "restarted"])
def test_what_was_flushed_stays_away_though_an_older_snapshot_has_it(cluster, way):
    """On a node that installs the empty state, and on all after a crash."""
    write(cluster.node(1), 300, prefix="gone")
    for node in cluster.nodes:
        take(node)
    away = cluster.others(cluster.leader())[0]
    others = cluster.others(away)
    if way == "installed":
        away.kill()
    with others[0].client() as client:
        client.flushall()
    snapshot_and_cut(others if way == "installed" else cluster.nodes)

    if way == "installed":
        away.start()
    else:
        for node in cluster.nodes:
            node.kill()
            node.start()
    cluster.wait_ready()

    if way == "installed":
        wait_for_installation(away)
    for node in cluster.nodes:
        with node.client() as client:
            assert client.dbsize() == 0
            assert client.exists(*[f"gone:{i}" for i in range(300)]) == 0
    assert_all_agree(cluster)


def test_a_database_that_never_had_a_key(cluster):
    """Its log holds no client's entry, only those of leaders that took office."""
    away = cluster.others(cluster.leader())[0]
    away.kill()
    others = cluster.others(away)
    seen = data_group(others[0])["applied"]
    for _ in range(3):
        leader = cluster.leader(among=others)
        leader.kill()
        leader.start()
        cluster.wait_ready(others)
    assert data_group(others[0])["applied"] > seen
    snapshot_and_cut(others)

    away.start()
    cluster.wait_ready([away])

    wait_for_installation(away)
    assert holds(away, 0)
    write(others[0], 1, prefix="first")
    with away.client() as client:
        assert client.get("first:0") == b"v" * 100
    assert_all_agree(cluster)


def test_a_node_that_fetches_a_snapshot_is_not_ready(tmp_path, monkeypatch):
    """From its first breath on: whoever asks for a node to serve clients is not sent there."""
    monkeypatch.setenv("SESHAT_SNAPSHOTS_SEND_BYTES_PER_SECOND_MAX", str(1 << 20))
    with Cluster(tmp_path) as cluster:
        leader = cluster.leader()
        away, other = cluster.others(leader)
        away.kill()
        for i in range(150):
            write(leader, 1, prefix=f"each an entry:{i}")
        write_all(leader, values(5, 100, 10_000))
        snapshot_and_cut([leader, other])
        commit = data_group(leader)["commit"]

        away.start()
        wait_until(away.is_ready, 30, "ready")

        assert commit - data_group(away)["applied"] < 100  # what ready means
        wait_for_installation(away)


def test_few_entries_may_be_much_data_and_who_fetches_it_is_not_ready(tmp_path, monkeypatch):
    monkeypatch.setenv("SESHAT_SNAPSHOTS_SEND_BYTES_PER_SECOND_MAX", str(1 << 20))
    rows = values(8, 40, 100_000)
    with Cluster(tmp_path) as cluster:
        _, away = leave_behind(cluster, rows)

        away.start()
        wait_until(lambda: fetched_index(away), 30, "the fetch")

        assert not away.is_ready()
        assert data_group(away)["lag_entries"] < 100  # which alone would be near enough
        wait_until(away.is_ready, 60, "ready")
        assert fetched_index(away) == 0
        wait_for_installation(away)
        assert_holds_all(away, rows)


def test_a_snapshot_overtaken_while_it_is_installed(tmp_path, monkeypatch):
    # Some 3 s for what there is.
    monkeypatch.setenv("SESHAT_SNAPSHOTS_SEND_BYTES_PER_SECOND_MAX", str(1 << 20))
    rows = values(6, 300, 10_000)
    with Cluster(tmp_path) as cluster:
        leader, away = leave_behind(cluster, rows)
        sent = kept_snapshots(leader)[0]
        away.start()
        offered = wait_until(lambda: fetched_index(away), 30, "the fetch")

        # Two are kept: the second of these would have been the end of the one that is being sent.
        for turn in range(3):
            write(leader, 20, prefix=f"meanwhile:{turn}")
            take(leader)
        assert fetched_index(away) == offered
        assert sent in kept_snapshots(leader) and len(kept_snapshots(leader)) == 3
        assert data_group(leader)["snapshot"] > offered
        cluster.wait_ready([away])

        wait_for_installation(away)
        assert_holds_all(away, rows)
        assert holds(away, 300 + 60)
        wait_until(lambda: len(kept_snapshots(leader)) == 2, 20, "nobody needs the third any more")
        assert_all_agree(cluster)


def test_logs_are_cut_while_a_follower_streams_within_the_tail(tmp_path, monkeypatch):
    """It falls behind and catches up, again and again, and needs no snapshot for it."""
    tail = 2 << 20
    monkeypatch.setenv("SESHAT_SNAPSHOTS_ENTRIES", "50")
    monkeypatch.setenv("SESHAT_SNAPSHOTS_INTERVAL_SECONDS", "0")
    monkeypatch.setenv("SESHAT_SNAPSHOTS_LOG_TAIL_BYTES", str(tail))
    chance = random.Random(7)
    with Cluster(tmp_path) as cluster:
        leader = cluster.leader()
        slow = cluster.others(leader)[0]
        others = cluster.others(slow)
        written = 0
        with Load(others, writers=4) as load:
            while written < 3 * tail:
                slow.pause()
                before = kept_snapshots(leader)
                write(leader, 500, value=chance.randbytes(2_000), prefix=f"k:{chance.random()}")
                written += 500 * 2_000
                wait_until(lambda: kept_snapshots(leader) != before, 30, "a snapshot, and a cut")
                committed = data_group(leader)["commit"]
                slow.resume()
                # What it says itself of its lag may be from before the pause.
                wait_until(lambda: data_group(slow)["applied"] >= committed, 30, "caught up")
            wait_until(lambda: log_bytes(leader) < 1.5 * tail, 30, "a log with nothing but a tail")
            load.stop()
        cluster.wait_ready()
        assert [installed(node) for node in cluster.nodes] == [0, 0, 0]
        for node in cluster.nodes:
            load.check_on(node)
        assert_all_agree(cluster)
