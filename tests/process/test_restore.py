"""`seshat snapshot restore`: a snapshot of one node becomes a new cluster."""

import json
import pathlib
import shutil
import signal
import subprocess

import pytest

from cluster import BINARY, Cluster, Node, free_ports, seshat, wait_until

KEYS = 200
TTL_S = 3600


def restore(snapshot, node, *arguments):
    """Of `node` and the members it is configured with."""
    members = ["--initial-members", node.members] if node.members else []
    return seshat("snapshot", "restore", "--from", snapshot, "--data-dir", node.directory,
                  "--node-id", node.id, *members, *arguments)


def inspect(directory):
    result = seshat("inspect", "--data-dir", directory, "--json")
    return result.returncode, json.loads(result.stdout)


def cluster_id(directory):
    return inspect(directory)[1]["identity"]["cluster_id"]


def take_snapshot(node):
    result = seshat("snapshot", "create", "--admin", f"127.0.0.1:{node.admin_port}", "--json")
    assert result.returncode == 0, result.stderr
    return node.directory / "snapshots" / json.loads(result.stdout)["name"]


BINARY_KEY = b"\0binary\xff"


def write_all_kinds(client):
    for i in range(KEYS):
        client.set(f"key{i}", f"value {i}")
    client.set(BINARY_KEY, bytes(range(256)))
    client.set("lasting", "v", ex=TTL_S)
    client.set("soon", "v", px=1)
    client.incrby("counter", 41)


def holds_all(client):
    """Every key with its value and expiry, and no other: there is no command that lists them."""
    assert client.mget([f"key{i}" for i in range(KEYS)]) == \
        [f"value {i}".encode() for i in range(KEYS)]
    assert client.get(BINARY_KEY) == bytes(range(256))
    assert client.get("counter") == b"41"
    assert client.ttl("key1") == client.ttl(BINARY_KEY) == -1
    assert client.get("lasting") == b"v"
    assert TTL_S - 600 < client.ttl("lasting") <= TTL_S
    assert client.exists("soon", "later") == 0
    assert client.dbsize() == KEYS + 3
    return True


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    """The directories of three nodes that were stopped, and of node 2 a snapshot."""
    directory = tmp_path_factory.mktemp("old")
    with Cluster(directory) as cluster:
        client = cluster.node(1).client()
        write_all_kinds(client)
        wait_until(lambda: client.get("soon") is None, 10, "a key expires")
        # A read there: the node whose snapshot it is has applied everything.
        assert holds_all(cluster.node(2).client())
        snapshot = take_snapshot(cluster.node(2))
        client.set("later", "is not in it")
        client.delete("key0")
    yield {"nodes": cluster.nodes, "snapshot": snapshot}


@pytest.fixture
def snapshot(old, tmp_path):
    """A copy that may be damaged, away from any node's directory."""
    return pathlib.Path(shutil.copytree(old["snapshot"], tmp_path / "copied" / "backup"))


def flip(path, offset):
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(bytes(content))


def test_three_nodes_hold_all_of_the_snapshot_and_go_on(old, snapshot, tmp_path):
    new = Cluster(tmp_path / "new")
    ids = set()
    for node in new.nodes:
        result = restore(snapshot, node)
        assert result.returncode == 0, result.stderr
        assert f"for node {node.id}" in result.stdout
        status, document = inspect(node.directory)
        assert (status, document["damage"], document["notes"]) == (0, [], [])
        ids.add(document["identity"]["cluster_id"])
    assert len(ids) == 1
    assert ids != {cluster_id(old["nodes"][0].directory)}
    stores = {inspect(node.directory)[1]["identity"]["store_id"] for node in new.nodes}
    assert len(stores) == 3

    with new:
        for node in new.nodes:
            assert holds_all(node.client())
        client = new.node(1).client()
        assert client.incr("counter") == 42
        new.leader().kill()
        survivors = [node for node in new.nodes if node.is_running()]
        new.leader(among=survivors)
        assert survivors[0].client().set("after", "the leader died")
        assert survivors[1].client().get("after") == b"the leader died"
    assert all(inspect(node.directory)[0] == 0 for node in new.nodes)


def test_a_single_node_without_a_list_of_members(snapshot, tmp_path):
    node = Node(1, tmp_path / "alone", free_ports(3), None)
    assert restore(f"{snapshot}/", node).returncode == 0
    node.start()
    try:
        wait_until(node.is_ready, 30, "ready")
        assert holds_all(node.client())
        assert node.client().set("new", "write")
    finally:
        assert node.stop() == 0


def test_a_node_of_the_old_cluster_is_refused_by_the_new_one(old, snapshot, tmp_path):
    new = Cluster(tmp_path / "new")
    for node in new.nodes:
        assert restore(snapshot, node).returncode == 0
    intruder = new.node(3)
    intruder.directory = pathlib.Path(
        shutil.copytree(old["nodes"][2].directory, tmp_path / "old-3"))
    for node in new.nodes:
        node.start()
    try:
        new.wait_ready(new.nodes[:2])
        wait_until(lambda: "belongs to another cluster" in intruder.log_path.read_text(), 20,
                   "the old node is told so")
        assert not intruder.is_ready()
        assert new.node(1).client().set("new", "cluster")
        assert new.node(2).client().get("new") == b"cluster"
    finally:
        new.__exit__()


def test_an_empty_node_with_the_same_flags_founds_nothing_beside_it(snapshot, tmp_path):
    """Two of three were forgotten: together they would be a majority of empty disks."""
    new = Cluster(tmp_path / "new")
    assert restore(snapshot, new.node(1)).returncode == 0
    for node in new.nodes:
        node.start()
    try:
        wait_until(lambda: "different lists of initial members" in new.node(2).log_path.read_text(),
                   20, "the empty node is refused")
        assert not any(node.is_ready() for node in new.nodes)
        new.node(2).stop()
        new.node(3).stop()
        assert inspect(new.node(2).directory)[1]["identity"]["cluster_id"] == ""
    finally:
        new.__exit__()


def test_members_and_name_make_another_cluster_of_the_same_snapshot(snapshot, tmp_path):
    ids = []
    for i, arguments in enumerate([[], ["--cluster-name", "second"],
                                   ["--initial-members", "1=127.0.0.1:7379,2=127.0.0.1:7380"]]):
        node = Node(1, tmp_path / f"node-{i}", free_ports(3), None)
        assert restore(snapshot, node, *arguments).returncode == 0
        ids.append(cluster_id(node.directory))
    again = Node(1, tmp_path / "again", free_ports(3), None)
    assert restore(snapshot, again).returncode == 0
    assert len(set(ids)) == 3
    assert cluster_id(again.directory) == ids[0]


def test_a_second_run_and_any_directory_that_holds_something_are_refused(old, snapshot, tmp_path):
    node = Node(1, tmp_path / "node", free_ports(3), None)
    assert restore(snapshot, node).returncode == 0
    before = inspect(node.directory)
    result = restore(snapshot, node)
    assert result.returncode == 2
    assert f"{node.directory} holds the data of node 1" in result.stderr
    assert inspect(node.directory) == before

    foreign = Node(1, tmp_path / "foreign", free_ports(3), None)
    foreign.directory.mkdir()
    (foreign.directory / "photo.jpg").write_text("mine")
    result = restore(snapshot, foreign)
    assert result.returncode == 2
    assert 'it holds "photo.jpg"' in result.stderr

    lost = pathlib.Path(shutil.copytree(old["nodes"][0].directory, tmp_path / "lost"))
    (lost / "IDENTITY").unlink()
    foreign.directory = lost
    assert restore(snapshot, foreign).returncode == 2
    assert sorted(path.name for path in foreign.directory.iterdir()).count("IDENTITY") == 0


@pytest.mark.parametrize("pattern", ["METADATA", "MANIFEST-*", "*.sst"])
def test_a_damaged_snapshot_is_refused_by_the_name_of_its_file(snapshot, pattern, tmp_path):
    damaged = max(snapshot.glob(pattern), key=lambda path: path.stat().st_size)
    flip(damaged, 40 if pattern != "*.sst" else 10)
    node = Node(1, tmp_path / "node", free_ports(3), None)

    result = restore(snapshot, node)

    assert result.returncode == 1
    assert damaged.name in result.stderr or "MANIFEST" in result.stderr, result.stderr
    assert str(snapshot) in result.stderr
    assert not node.directory.exists()


def test_a_missing_table_file_is_found(snapshot, tmp_path):
    table = max(snapshot.glob("*.sst"), key=lambda path: path.stat().st_size)
    table.unlink()
    node = Node(1, tmp_path / "node", free_ports(3), None)
    result = restore(snapshot, node)
    assert result.returncode == 1
    assert table.stem in result.stderr  # RocksDB looks for its old extension last


def test_bad_usage(snapshot, tmp_path):
    target = tmp_path / "target"
    good = ["--from", snapshot, "--data-dir", target]
    for arguments in (["--data-dir", target], ["--from", snapshot],
                      ["--from", tmp_path / "none", "--data-dir", target],
                      [*good, "--node-id", "0"],
                      [*good, "--initial-members", "nonsense"],
                      [*good, "--initial-members", "1=a:1,1=b:1"],
                      [*good, "--node-id", "3", "--initial-members", "1=a:1,2=b:1"]):
        result = seshat("snapshot", "restore", *arguments)
        assert result.returncode == 2, arguments
        assert result.stdout == "" and result.stderr != ""
    assert not target.exists()
    # A folder that is none of a snapshot is named.
    result = seshat("snapshot", "restore", "--from", tmp_path, "--data-dir", target)
    assert result.returncode == 1 and "METADATA" in result.stderr


def kill_in_the_middle(arguments, has_begun):
    """kill -9 as soon as it has begun; true when that was before its end."""
    process = subprocess.Popen([BINARY, *map(str, arguments)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    while process.poll() is None and not has_begun():
        pass
    process.kill()
    return process.wait() == -signal.SIGKILL


def test_a_restore_that_was_killed_is_refused_by_a_node_and_finished_by_another(snapshot, tmp_path):
    """Wherever it was killed; one kill at least must have come in the middle."""
    was_half_done = False
    for attempt in range(20):
        node = Node(1, tmp_path / f"node-{attempt}", free_ports(3), None)
        kill_in_the_middle(["snapshot", "restore", "--from", snapshot, "--data-dir",
                            node.directory], (node.directory / "IDENTITY").exists)
        status, document = inspect(node.directory)
        was_half_done = status == 1
        if was_half_done:
            break
    assert was_half_done
    assert any("`seshat snapshot restore` was interrupted in here" in finding
               for finding in document["damage"]), document["damage"]
    node.start()
    assert node.process.wait(timeout=30) == 1
    assert "`seshat snapshot restore` was interrupted" in node.log_tail()

    assert restore(snapshot, node).returncode == 0

    assert inspect(node.directory)[0] == 0
    node.start()
    try:
        wait_until(node.is_ready, 30, "ready")
        assert holds_all(node.client())
    finally:
        assert node.stop() == 0
