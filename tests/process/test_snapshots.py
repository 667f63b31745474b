"""Logs that are cut, and nodes that come back after that: with small bounds, so that it is soon."""

import os
import random

import pytest

from cluster import Cluster, wait_until
from history import Load, let_it_run
from snapshots import cut_logs, holds, kept_snapshots, log_bytes, write

# A snapshot every few entries, and no tail of the log for those that are slow.
SOON = {
    "SESHAT_SNAPSHOTS_ENTRIES": "50",
    "SESHAT_SNAPSHOTS_INTERVAL_SECONDS": "0",
    "SESHAT_SNAPSHOTS_LOG_TAIL_BYTES": "0",
}


@pytest.fixture(autouse=True)
def snapshots_soon(monkeypatch):
    for name, value in SOON.items():
        monkeypatch.setenv(name, value)


def test_a_log_is_cut_and_a_restart_finds_everything(cluster):
    write(cluster.node(1), 1000)
    cut_logs(cluster.nodes, "more")
    wait_until(lambda: all(log_bytes(node) < 100_000 for node in cluster.nodes), 30, "short logs")
    with cluster.node(1).client() as client:
        keys = client.dbsize()

    for node in cluster.nodes:
        node.kill()
    for node in cluster.nodes:
        node.start()
    cluster.wait_ready()

    for node in cluster.nodes:
        with node.client() as client:
            assert client.dbsize() == keys
            assert client.get("key:999") == b"v" * 100
        assert len(kept_snapshots(node)) <= 2


def test_a_node_that_was_away_gets_the_state(cluster):
    away = cluster.others(cluster.leader())[0]
    away.kill()
    others = cluster.others(away)
    write(others[0], 500)
    cut_logs(others, "meanwhile")
    with others[0].client() as client:
        keys = client.dbsize()

    away.start()
    cluster.wait_ready([away])

    assert holds(away, keys)
    assert "installed a snapshot" in away.log_tail(400)
    write(others[0], 1, prefix="after")
    with away.client() as client:
        assert client.get("after:0") == b"v" * 100


def test_what_was_flushed_does_not_come_back_with_a_snapshot(cluster):
    write(cluster.node(1), 300, prefix="gone")
    away = cluster.others(cluster.leader())[0]
    away.kill()
    others = cluster.others(away)
    with others[0].client() as client:
        client.flushall()
    cut_logs(others, "kept")
    with others[0].client() as client:
        keys = client.dbsize()

    away.start()
    cluster.wait_ready([away])

    assert holds(away, keys)
    with away.client() as client:
        assert client.get("gone:7") is None


def test_an_empty_keyspace_travels_too(cluster):
    away = cluster.others(cluster.leader())[0]
    away.kill()
    others = cluster.others(away)
    cut_logs(others, "short-lived")
    with others[0].client() as client:
        client.flushall()
    before = kept_snapshots(others[0])
    with others[0].client() as client:
        wait_until(lambda: client.delete("nothing") == 0 and kept_snapshots(others[0]) != before, 60,
                   "a snapshot of nothing")

    away.start()
    cluster.wait_ready([away])

    assert holds(away, 0)


def test_a_node_killed_again_and_again_while_it_catches_up(cluster):
    """Whatever the step at which it dies: the old state or the new, and at last the new."""
    chance = random.Random(4)
    away = cluster.others(cluster.leader())[0]
    others = cluster.others(away)
    with Load(others) as load:
        for _ in range(8):
            away.kill()
            let_it_run(load)
            cut_logs(others, f"round-{chance.random()}")
            away.start()
            # Somewhere between its first breath and having caught up.
            moment = chance.random() * 1.5
            wait_until(lambda: away.process.poll() is not None or alive_for(away, moment), 10,
                       "its moment")
            assert away.is_running(), away.log_tail()
        cluster.wait_ready()
        let_it_run(load)
        load.stop()
        for node in cluster.nodes:
            load.check_on(node)


def alive_for(node, seconds):
    """Whether the node's process is older than that."""
    ticks = os.sysconf("SC_CLK_TCK")
    started = int(open(f"/proc/{node.process.pid}/stat").read().rsplit(")", 1)[1].split()[19]) / ticks
    uptime = float(open("/proc/uptime").read().split()[0])
    return uptime - started > seconds


def test_a_leader_that_goes_while_it_sends_is_replaced(tmp_path, monkeypatch):
    # So slow that the follower is still at it.
    monkeypatch.setenv("SESHAT_SNAPSHOTS_SEND_BYTES_PER_SECOND_MAX", "20000")
    with Cluster(tmp_path) as cluster:
        leader = cluster.leader()
        away, other = cluster.others(leader)
        away.kill()
        write(leader, 2000, value=os.urandom(100))
        cut_logs([leader, other], "cut")
        with leader.client() as client:
            keys = client.dbsize()
        away.start()
        wait_until(lambda: "fetching a snapshot" in away.log_tail(100), 30, "the fetch")

        leader.kill()
        # Without it there is a majority only once the one that was away has caught up.
        wait_until(lambda: "installed a snapshot" in away.log_tail(100), 60, "the installation")
        cluster.wait_ready([away, other])

        assert holds(away, keys)
        leader.start()
        cluster.wait_ready()
