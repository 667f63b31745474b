"""Health, readiness and metrics of real nodes."""

import json
import re

from cluster import wait_until

METRICS = [
    "raft_term", "raft_is_leader", "raft_commit_index", "raft_log_size_bytes",
    "storage_db_size_bytes", "storage_num_keys", "requests_total",
    "request_duration_seconds_bucket", "requests_in_flight", "cluster_nodes_healthy",
    "cluster_shards_healthy",
]


def metric(text, name, **labels):
    """The value of the first sample of `name` that has all `labels`."""
    for line in text.splitlines():
        if re.match(rf"{name}[{{ ]", line) and all(f'{k}="{v}"' in line for k, v in labels.items()):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no {name} with {labels} in:\n{text}")


def test_health_pages_answer_json(shared_cluster):
    for node in shared_cluster.nodes:
        for path in ("/health", "/ready", "/live"):
            status, body = node.admin(path)
            assert status == 200, body
            assert isinstance(json.loads(body), dict)
        assert node.admin("/no-such-page")[0] == 404


def test_metrics_have_the_specified_names_and_labels(shared_cluster):
    node = shared_cluster.node(1)
    node.client().set("m", 1)
    node.client().get("m")
    text = node.admin("/metrics")[1]
    for name in METRICS:
        assert re.search(rf"^{name}[{{ ]", text, re.MULTILINE), name
    assert metric(text, "requests_total", node_id=1, command="GET", status="ok") >= 1
    assert metric(text, "raft_term", node_id=1, raft_group="data") >= 1
    assert metric(text, "cluster_nodes_healthy") == 3
    assert metric(text, "cluster_shards_healthy") == 1


def test_exactly_one_leader_a_group(shared_cluster):
    for group in ("system", "data"):
        def leaders(group=group):
            return sum(metric(node.admin("/metrics")[1], "raft_is_leader", node_id=node.id,
                              raft_group=group) for node in shared_cluster.nodes)
        wait_until(lambda: leaders() == 1, 10, f"one leader of {group}")


def test_a_node_without_quorum_says_why(cluster):
    node = cluster.node(1)
    cluster.node(2).kill()
    cluster.node(3).kill()
    wait_until(lambda: node.admin("/health")[0] == 503, 10, "unhealthy")
    reasons = node.admin("/health")[1]
    assert "2" in reasons and "3" in reasons
    assert node.admin("/live")[0] == 200


def test_key_count_is_exact(cluster):
    client = cluster.node(1).client()
    for i in range(50):
        client.set(f"k:{i}", i)
    client.delete("k:0", "k:1", "nothing")

    def counts():
        return [metric(node.admin("/metrics")[1], "storage_num_keys", node_id=node.id)
                for node in cluster.nodes]
    wait_until(lambda: counts() == [48, 48, 48], 10, f"48 keys everywhere, not {counts()}")


def test_an_idle_node_stays_under_100_mb(cluster):
    for node in cluster.nodes:
        with open(f"/proc/{node.process.pid}/status") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        assert resident < 100_000, f"node {node.id} holds {resident} kB"
