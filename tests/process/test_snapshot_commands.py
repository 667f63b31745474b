"""Snapshots of real nodes: BGSAVE, LASTSAVE, INFO, and `seshat snapshot create`."""

import json
import time

import pytest
import redis

from cluster import Cluster, free_ports, seshat, wait_until
from snapshots import create, data_group, kept_snapshots, metric


@pytest.fixture
def keeping_no_tail(tmp_path, monkeypatch):
    """Three nodes that take no snapshot by themselves and keep no log behind one."""
    monkeypatch.setenv("SESHAT_SNAPSHOTS_ENTRIES", "1000000000")
    monkeypatch.setenv("SESHAT_SNAPSHOTS_LOG_TAIL_BYTES", "0")
    with Cluster(tmp_path) as running:
        yield running


def persistence(node):
    return node.client().info("persistence")


def bgsave(node):
    """BGSAVE, and waits until it is kept."""
    saves = persistence(node)["rdb_saves"]
    assert node.client().execute_command("BGSAVE") is True  # "Background saving started"
    wait_until(lambda: persistence(node)["rdb_saves"] > saves, 20, "the snapshot is kept")


def test_lastsave_is_the_start_until_bgsave_and_then_its_time(shared_cluster):
    node = shared_cluster.node(1)
    before = node.client().execute_command("LASTSAVE").timestamp()
    assert persistence(node)["rdb_last_save_time"] == int(before)
    assert persistence(node)["rdb_last_bgsave_time_sec"] == -1
    wait_until(lambda: time.time() > before + 2, 10, "the clock's seconds go on")

    bgsave(node)

    after = node.client().execute_command("LASTSAVE").timestamp()
    assert before < after
    info = persistence(node)
    assert info["rdb_last_save_time"] == int(after)
    assert info["rdb_last_bgsave_status"] == "ok"
    assert info["rdb_bgsave_in_progress"] == 0
    assert info["rdb_last_bgsave_time_sec"] >= 0
    assert info["rdb_current_bgsave_time_sec"] == -1
    assert len(kept_snapshots(node)) == 1


def test_a_snapshot_is_of_the_node_that_is_asked(shared_cluster):
    node, other = shared_cluster.nodes[1:]
    bgsave(node)
    assert len(kept_snapshots(node)) == 1
    assert kept_snapshots(other) == []
    assert persistence(other)["rdb_saves"] == 0


def test_info_and_metrics_count_what_came_since(shared_cluster):
    node = shared_cluster.node(3)
    client = node.client()
    for i in range(50):
        client.set(f"since:{i}", "v")
    wait_until(lambda: persistence(node)["rdb_changes_since_last_save"] >= 50, 10, "the count")

    bgsave(node)

    # Nothing is written meanwhile but what nodes tell each other about themselves.
    wait_until(lambda: persistence(node)["rdb_changes_since_last_save"] < 10, 10, "a fresh count")
    assert metric(node, "raft_log_entries_since_snapshot") < 10
    assert metric(node, "raft_snapshot_fetching") == 0
    assert metric(node, "raft_snapshots_installed_total") == 0
    raft = client.info("raft")
    assert raft["group_1_snapshot_index"] >= 50
    assert raft["group_1_log_size_bytes"] > 0
    assert raft["group_1_snapshots_installed"] == 0
    assert data_group(node)["snapshot"] == raft["group_1_snapshot_index"]
    assert data_group(node)["fetching_snapshot"] == 0


def test_bad_arguments_are_redis_errors(shared_cluster):
    client = shared_cluster.node(1).client()
    for command in [("BGSAVE", "NOW"), ("BGSAVE", "SCHEDULE", "x")]:
        with pytest.raises(redis.ResponseError, match="syntax error"):
            client.execute_command(*command)
    with pytest.raises(redis.ResponseError, match="unknown command"):
        client.execute_command("SAVE")


def test_snapshot_create_waits_and_names_what_it_made(shared_cluster):
    node = shared_cluster.node(1)
    before = node.client().execute_command("LASTSAVE")
    result = create(node)

    assert result.returncode == 0, result.stderr
    name = result.stdout.split()[0]
    assert name in kept_snapshots(node)
    assert f"node {node.id}, in " in result.stdout
    assert result.stderr == ""  # progress is for terminals
    assert node.client().execute_command("LASTSAVE") >= before

    node.client().set("another", "index")
    document = json.loads(create(node, "--json").stdout)
    assert document["outcome"] == "done"
    assert document["node_id"] == node.id
    assert document["name"] in kept_snapshots(node)
    assert document["size_bytes"] > 0
    assert document["problem"] == ""


def test_a_snapshot_that_finds_no_room_says_so_everywhere(tmp_path, monkeypatch):
    # More than any disk has free, by the rule that a snapshot needs two write buffers.
    monkeypatch.setenv("SESHAT_STORAGE_WRITE_BUFFER_BYTES", str(1 << 40))
    with Cluster(tmp_path, count=1) as cluster:
        node = cluster.node(1)
        result = create(node)

        assert result.returncode == 1
        assert result.stdout == ""
        assert "a snapshot needs" in result.stderr
        assert persistence(node)["rdb_last_bgsave_status"] == "err"
        assert kept_snapshots(node) == []
        wait_until(lambda: "could not take a snapshot" in node.log_tail(), 10, "the log has it")
        assert "a snapshot needs" in node.log_tail()


def test_nobody_there_and_bad_usage_are_status_2():
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    for arguments, word in [
            (["create", "--admin", nobody], nobody),
            (["create", "--admin", nobody, "--what"], "--what"),
            ([], "subcommand")]:
        result = seshat("snapshot", *arguments)
        assert result.returncode == 2, result
        assert word in result.stdout + result.stderr


def test_the_log_shrinks_once_a_snapshot_holds_what_it_held(keeping_no_tail):
    node = keeping_no_tail.node(2)
    client = node.client()
    for i in range(64):
        client.set(f"k:{i}", "v" * (64 << 10))
    full = wait_until(lambda: metric(node, "raft_log_size_bytes") > (1 << 20)
                      and metric(node, "raft_log_size_bytes"), 20, "a log of some size")

    bgsave(node)

    wait_until(lambda: metric(node, "raft_log_size_bytes") < full / 10, 20, "a short log")
    assert client.get("k:63") == b"v" * (64 << 10)
