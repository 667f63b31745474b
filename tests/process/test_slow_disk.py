"""Disks that become slow under load: leadership leaves them, and moves for no other reason."""

import contextlib
import itertools
import re
import time

import pytest
import redis

from cluster import Cluster
from slow_disk import SlowDisks

SLOW_MS = 1000
PAUSE_S = 1


class Writer:
    """Writes a key after the other through one node, and knows which were acknowledged."""

    def __init__(self, node):
        self.client = node.client(socket_timeout=40)  # longer than a request may take
        self.acknowledged = []
        self.numbers = itertools.count()

    def write(self):
        key = f"key:{next(self.numbers)}"
        with contextlib.suppress(redis.ResponseError):  # not applied, or the outcome is unknown
            if self.client.set(key, key):
                self.acknowledged.append(key)

    def write_until(self, condition, deadline_s, what):
        end = time.monotonic() + deadline_s
        while not condition():
            assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
            self.write()

    def write_for(self, seconds, check):
        """For what must not happen: `check` all the while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.write()
            check()


@contextlib.contextmanager
def running(tmp_path):
    disks = SlowDisks(tmp_path)
    cluster = Cluster(tmp_path)
    for node in cluster.nodes:
        node.environment = disks.environment(node)
    with cluster:
        try:
            yield cluster, disks
        finally:
            for node in cluster.nodes:
                disks.heal(node)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setenv("SESHAT_SLOW_DISK_SUSTAINED_MS", "1000")
    monkeypatch.setenv("SESHAT_SLOW_DISK_PAUSE_SECONDS", str(PAUSE_S))


def metric(node, name, **labels):
    for line in node.admin("/metrics")[1].splitlines():
        found = re.fullmatch(name + r"\{(.*)\} (\S+)", line)
        if found and labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"', found[1])).items():
            return float(found[2])
    raise AssertionError(f"node {node.id} has no metric {name} {labels}")


def figure(node):
    return metric(node, "raft_log_sync_seconds", raft_group="data")


def hand_overs(node):
    return metric(node, "raft_leader_handovers_total", raft_group="data", reason="slow_disk")


def data_group(node):
    return next(group for group in node.status()["groups"] if group["name"] == "data")


def test_leadership_leaves_a_slow_disk_and_stays_away(tmp_path):
    with running(tmp_path) as (cluster, disks):
        slow = cluster.leader()
        others = cluster.others(slow)
        writer = Writer(others[0])
        writer.write_until(lambda: all(figure(node) > 0 for node in cluster.nodes), 60,
                           "each node knows its disk")

        disks.slow(slow, SLOW_MS)
        writer.write_until(lambda: cluster.leader() is not slow, 60, "another node leads")
        successor = cluster.leader()
        writer.write_until(lambda: figure(slow) > SLOW_MS / 2000, 60, "its disk is still slow")

        def stays():
            assert cluster.leader() is successor
        writer.write_for(5 * PAUSE_S, stays)
        assert [hand_overs(node) for node in cluster.nodes] == [
            float(node is slow) for node in cluster.nodes]
        assert "this node's disk is slow, another's is not: handing leadership over" in \
            slow.log_path.read_text()
        assert others[0].client().mget(writer.acknowledged) == [
            key.encode() for key in writer.acknowledged]


def test_a_sync_that_does_not_return_holds_up_nobody_for_long(tmp_path):
    with running(tmp_path) as (cluster, disks):
        stuck = cluster.leader()
        others = cluster.others(stuck)
        writer = Writer(others[0])
        writer.write_until(lambda: all(figure(node) > 0 for node in cluster.nodes), 60,
                           "each node knows its disk")

        disks.slow(stuck, 3_600_000)
        writer.write_until(lambda: cluster.leader() is not stuck, 60, "another node leads")
        before = len(writer.acknowledged)
        writer.write_until(lambda: len(writer.acknowledged) >= before + 100, 60, "writes go on")

        disks.heal(stuck)
        assert stuck.client(socket_timeout=60).mget(writer.acknowledged) == [
            key.encode() for key in writer.acknowledged]
        assert hand_overs(stuck) == 1


def nobody_moves(cluster, writer, leader):
    term = data_group(leader)["term"]

    def stays():
        assert (data_group(leader)["leader"], data_group(leader)["term"]) == (leader.id, term)
    writer.write_for(5 * PAUSE_S, stays)
    assert [hand_overs(node) for node in cluster.nodes] == [0, 0, 0]


def test_where_every_disk_is_slow_nobody_moves(tmp_path):
    with running(tmp_path) as (cluster, disks):
        leader = cluster.leader()
        writer = Writer(leader)
        for node in cluster.nodes:
            disks.slow(node, SLOW_MS)
        writer.write_until(
            lambda: all(figure(node) > SLOW_MS / 2000 for node in cluster.nodes), 120,
            "each node knows that its disk is slow")

        nobody_moves(cluster, writer, leader)


def test_switched_off_nobody_moves(tmp_path, monkeypatch):
    monkeypatch.setenv("SESHAT_SLOW_DISK_HAND_OVER", "no")
    with running(tmp_path) as (cluster, disks):
        leader = cluster.leader()
        writer = Writer(leader)
        disks.slow(leader, SLOW_MS)
        writer.write_until(lambda: figure(leader) > SLOW_MS / 2000, 60, "its disk is slow")

        nobody_moves(cluster, writer, leader)
