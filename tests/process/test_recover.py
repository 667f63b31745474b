"""`seshat recover`: one of three nodes goes on when the other two are lost for good."""

import json
import pathlib
import shutil
import signal
import subprocess

import pytest
import redis

from cluster import BINARY, Cluster, Node, free_ports, seshat, wait_until

KEYS = 200
TTL_S = 3600


def recover(directory, *arguments):
    return seshat("recover", "--data-dir", directory, *arguments)


def inspect(directory):
    result = seshat("inspect", "--data-dir", directory, "--json")
    return result.returncode, json.loads(result.stdout)


def picture(directory):
    """Every name below, with content and time of last change."""
    return {path: (path.stat().st_mtime_ns, path.is_file() and path.read_bytes())
            for path in sorted(directory.rglob("*"))}


def write_all_kinds(client):
    for i in range(KEYS):
        client.set(f"key{i}", f"value {i}")
    client.set("lasting", "v", ex=TTL_S)
    client.set("soon", "v", px=1)
    wait_until(lambda: client.get("soon") is None, 10, "a key expires")


def holds_all(client, more=0):
    """Every key with its value and expiry, and `more` others."""
    assert client.mget([f"key{i}" for i in range(KEYS)]) == \
        [f"value {i}".encode() for i in range(KEYS)]
    assert client.get("lasting") == b"v"
    assert TTL_S - 600 < client.ttl("lasting") <= TTL_S
    assert client.ttl("key1") == -1
    assert client.exists("soon") == 0
    assert client.dbsize() == KEYS + 1 + more
    return True


@pytest.fixture(scope="module")
def lost(tmp_path_factory):
    """Three nodes that died at once with the same data, one of them in the middle of a write that
    it could not finish: its name, and the nodes."""
    with Cluster(tmp_path_factory.mktemp("lost")) as cluster:
        write_all_kinds(cluster.node(1).client())
        for node in cluster.nodes:
            assert holds_all(node.client())
        leader = cluster.leader()
        for node in cluster.others(leader):
            node.pause()
        before = log_bytes(leader)
        with pytest.raises(redis.RedisError):
            leader.client(socket_timeout=1).set("unfinished", "outcome unknown")
        wait_until(lambda: log_bytes(leader) > before, 10, "the leader has the write in its log")
        for node in cluster.nodes:
            node.kill()
    return {"nodes": cluster.nodes, "leader": leader}


def log_bytes(node):
    for line in node.admin("/metrics")[1].splitlines():
        if line.startswith("raft_log_size_bytes{") and 'raft_group="data"' in line:
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError("no metric raft_log_size_bytes")


@pytest.fixture
def survivor(lost, tmp_path):
    """A follower's directory, to be written to, as a node with ports of its own."""
    node = next(node for node in lost["nodes"] if node is not lost["leader"])
    copy = Node(node.id, tmp_path / "survivor", free_ports(3), None)
    shutil.copytree(node.directory, copy.directory)
    return copy


def serves(node, more=0):
    node.start()
    try:
        wait_until(node.is_ready, 30, "ready")
        assert holds_all(node.client(), more)
        assert node.client().set("new", "write")
        assert node.client().get("new") == b"write"
    finally:
        assert node.stop() == 0
    assert inspect(node.directory)[0] == 0
    return True


def test_without_the_flag_it_tells_what_it_would_do_and_changes_nothing(survivor):
    before = picture(survivor.directory)

    result = recover(survivor.directory)

    assert result.returncode == 2
    assert "--accept-data-loss" in result.stderr
    assert f"node         {survivor.id}" in result.stdout
    assert result.stdout.count("member   ") == 3
    assert "DATA MAY BE LOST" in result.stdout
    _, document = inspect(survivor.directory)
    data = next(group for group in document["groups"] if group["name"] == "data")
    assert f"last entry {data['log']['last']} of term" in result.stdout
    assert document["identity"]["cluster_id"] in result.stdout
    assert picture(survivor.directory) == before


def test_the_survivor_serves_all_it_holds_as_a_cluster_of_its_own(survivor, lost):
    former = inspect(survivor.directory)[1]["identity"]

    result = recover(survivor.directory, "--accept-data-loss")

    assert result.returncode == 0, result.stderr
    assert "DATA MAY BE LOST" in result.stdout
    status, document = inspect(survivor.directory)
    assert (status, document["damage"], document["notes"]) == (0, [], [])
    assert document["identity"]["cluster_id"] != former["cluster_id"]
    assert document["identity"]["store_id"] != former["store_id"]
    assert document["identity"]["cluster_id"] in result.stdout
    for group in document["groups"]:
        assert group["compacted"]["configuration"]["voters"] == [survivor.id]
    assert serves(survivor)


def test_what_the_log_holds_without_an_outcome_counts_as_done(lost, tmp_path):
    leader = lost["leader"]
    node = Node(leader.id, tmp_path / "leader", free_ports(3), None)
    shutil.copytree(leader.directory, node.directory)

    assert recover(node.directory, "--accept-data-loss").returncode == 0

    assert serves(node, more=1)
    node.start()
    try:
        wait_until(node.is_ready, 30, "ready")
        assert node.client().get("unfinished") == b"outcome unknown"
    finally:
        node.stop()


def test_a_second_run_is_refused_and_changes_nothing(survivor):
    assert recover(survivor.directory, "--accept-data-loss").returncode == 0
    before = picture(survivor.directory)
    result = recover(survivor.directory, "--accept-data-loss")
    assert result.returncode == 2
    assert "there is nothing to recover" in result.stderr
    assert picture(survivor.directory) == before


def test_old_nodes_that_come_back_are_refused(lost, tmp_path):
    """With all their data and their old flags, at the addresses where they were."""
    nodes = {node.id: node for node in lost["nodes"]}
    back = []
    for number, node in nodes.items():
        copy = Node(number, tmp_path / f"node-{number}",
                    (node.client_port, node.internal_port, node.admin_port), node.members)
        shutil.copytree(node.directory, copy.directory)
        back.append(copy)
    assert recover(back[0].directory, "--accept-data-loss").returncode == 0
    try:
        back[0].start()
        wait_until(back[0].is_ready, 30, "ready")
        back[1].start()
        wait_until(lambda: "belongs to another cluster" in back[1].log_path.read_text(), 20,
                   "the old node is told so")
        assert not back[1].is_ready()
        assert back[0].client().set("new", "cluster")
        # The two old ones are a majority of the old cluster: that is its own affair.
        back[2].start()
        wait_until(back[2].is_ready, 30, "the old majority")
        assert back[2].client().get("new") is None
        assert back[0].client().get("new") == b"cluster"
    finally:
        for node in back:
            if node.process is not None:
                node.stop()


def test_a_running_node_is_refused_and_not_disturbed(tmp_path):
    with Cluster(tmp_path) as cluster:
        node = cluster.node(1)
        result = recover(node.directory, "--accept-data-loss")
        assert result.returncode == 2
        assert "in use by another process" in result.stderr
        assert node.client().set("k", "v")


def test_a_damaged_directory_is_refused_by_the_name_of_its_file(survivor):
    identity = survivor.directory / "IDENTITY"
    content = identity.read_bytes()
    identity.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    result = recover(survivor.directory, "--accept-data-loss")
    assert result.returncode == 1
    assert str(identity) in result.stderr
    identity.write_bytes(content)

    log = max((survivor.directory / "rocksdb").glob("*.log"))
    flipped = bytearray(log.read_bytes())
    flipped[20] ^= 1
    log.write_bytes(bytes(flipped))
    before = picture(survivor.directory)
    result = recover(survivor.directory, "--accept-data-loss")
    assert result.returncode == 1
    assert str(log) in result.stderr
    assert picture(survivor.directory) == before


def test_what_cannot_be_recovered_from(survivor, tmp_path):
    for directory in (tmp_path / "none", tmp_path):
        result = recover(directory, "--accept-data-loss")
        assert result.returncode == 2
        assert result.stdout == "" and str(directory) in result.stderr
    assert recover(survivor.directory, "--nonsense").returncode == 2
    assert seshat("recover").returncode == 2

    alone = Node(1, tmp_path / "alone", free_ports(3), None).start()
    wait_until(alone.is_ready, 30, "ready")
    alone.stop()
    result = recover(alone.directory, "--accept-data-loss")
    assert result.returncode == 2
    assert "the only member" in result.stderr


def test_a_recovery_that_was_killed_is_refused_by_a_node_and_finished_by_another(survivor,
                                                                                tmp_path):
    """Wherever it was killed; one kill at least must have come in the middle."""
    original = survivor.directory
    identity = (original / "IDENTITY").read_bytes()
    was_half_done = False
    for attempt in range(20):
        survivor.directory = pathlib.Path(shutil.copytree(original, tmp_path / f"try-{attempt}"))
        process = subprocess.Popen(
            [BINARY, "recover", "--data-dir", str(survivor.directory), "--accept-data-loss"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and \
                (survivor.directory / "IDENTITY").read_bytes() == identity:
            pass
        process.kill()
        was_half_done = process.wait() == -signal.SIGKILL and inspect(survivor.directory)[0] == 1
        if was_half_done:
            break
    assert was_half_done
    survivor.start()
    assert survivor.process.wait(timeout=30) == 1
    assert "`seshat recover` was interrupted" in survivor.log_tail()

    result = recover(survivor.directory, "--accept-data-loss")

    assert result.returncode == 0, result.stderr
    assert "interrupted here" in result.stdout
    assert serves(survivor)


def test_the_survivor_becomes_three_again_and_may_die_then(survivor, tmp_path):
    assert recover(survivor.directory, "--accept-data-loss").returncode == 0
    nodes = [survivor.start()]
    try:
        wait_until(survivor.is_ready, 30, "ready")
        for number in (4, 5):
            admin = ["--admin", f"127.0.0.1:{survivor.admin_port}"]
            assert seshat("node", "add", number, *admin).returncode == 0
            nodes.append(Node(number, tmp_path / f"joined-{number}", free_ports(3), None,
                              join=survivor.internal_address).start())
            assert seshat("node", "add", number, "--wait", *admin).returncode == 0
        survivor.kill()
        with nodes[1].client() as client:
            wait_until(lambda: nodes[1].is_ready() and nodes[2].is_ready(), 30, "a new leader")
            assert holds_all(client)
    finally:
        for node in nodes:
            node.stop()
