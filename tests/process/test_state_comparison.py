"""Replicas compare their state while clients write: no false alarm, whatever happens to the nodes."""

import os
import re
import threading

import pytest

from cluster import Cluster, wait_until


def total(node, name):
    """The sum of a counter over all labels; 0 while the node is down."""
    text = node.admin("/metrics")[1] if node.is_running() else ""
    return sum(float(value) for value in re.findall(rf"^{name}{{.*}} (\S+)$", text, re.MULTILINE))


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "SESHAT_STATE_COMPARISON_SECONDS", "1")
    with Cluster(tmp_path) as running:
        yield running


def test_replicas_compare_equal_under_load_and_after_a_kill(cluster):
    stop = threading.Event()

    def write():
        client = cluster.leader().client()
        count = 0
        while not stop.is_set():
            count += 1
            try:
                client.set(f"k{count % 50}", count, px=20 + count % 300)
                client.incr("n")
                if count % 200 == 0:
                    client.flushall()
            except Exception:  # the leader is being killed: what counts is the state afterwards
                client = cluster.nodes[count % 3].client()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for node in cluster.nodes:
            wait_until(lambda: total(node, "state_comparisons_total") >= 2, 60, "two comparisons")
        victim = cluster.leader()
        victim.kill()
        victim.start()
        cluster.wait_ready()
        for node in cluster.nodes:
            before = total(node, "state_comparisons_total")
            wait_until(lambda: total(node, "state_comparisons_total") > before, 60,
                       f"a comparison after the restart on node {node.id}")
    finally:
        stop.set()
        writer.join(timeout=60)
    for node in cluster.nodes:
        assert node.is_running()
        assert total(node, "state_mismatches_total") == 0
