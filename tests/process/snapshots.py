"""Snapshots of running nodes for tests: taking them, cutting logs, filling and comparing nodes."""

import json
import random

from cluster import seshat, wait_until


def create(node, *arguments):
    """`seshat snapshot create` on a node: the finished process."""
    return seshat("snapshot", "create", "--admin", node.admin_address, *arguments)


def take(node):
    """Has `node` take a snapshot; returns once it is kept, with the name."""
    result = create(node)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()[0]


def kept_snapshots(node):
    return sorted(path.name for path in (node.directory / "snapshots").glob("snapshot-*"))


def metric(node, name, group="data"):
    """The gauge's value for a group on this node."""
    for line in node.admin("/metrics")[1].splitlines():
        if line.startswith(name + "{") and f'raft_group="{group}"' in line:
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no metric {name}")


def log_bytes(node):
    """The size of the data group's log by the node's metrics."""
    return metric(node, "raft_log_size_bytes")


def data_group(node):
    """The data group's part of the node's status; nothing before there is one."""
    groups = (node.status() or {}).get("groups", [])
    return next((group for group in groups if group["name"] == "data"), None)


def values(seed, keys, value_bytes, prefix="key"):
    """{key: value} that no compression makes smaller, the same for the same seed."""
    chance = random.Random(seed)
    return {f"{prefix}:{i}": chance.randbytes(value_bytes) for i in range(keys)}


def write_all(node, rows):
    with node.client() as client:
        with client.pipeline(transaction=False) as pipeline:
            for key, value in rows.items():
                pipeline.set(key, value)
                if len(pipeline) == 100:
                    pipeline.execute()
            pipeline.execute()


def leave_behind(cluster, rows):
    """Kills a follower and writes `rows`, which the others' logs do not hold any more: only a
    snapshot can bring them. (the leader, the follower)"""
    leader = cluster.leader()
    away, other = cluster.others(leader)
    away.kill()
    write_all(leader, rows)
    snapshot_and_cut([leader, other])
    return leader, away


def write(node, keys, value=b"v" * 100, prefix="key"):
    write_all(node, {f"{prefix}:{i}": value for i in range(keys)})


def assert_holds_all(node, rows):
    """Every value, read on `node` itself."""
    names = list(rows)
    with node.client() as client:
        for first in range(0, len(names), 100):
            some = names[first:first + 100]
            assert client.mget(some) == [rows[name] for name in some], f"on node {node.id}"


def cut_logs(nodes, prefix):
    """Writes until every one of `nodes` has taken a snapshot and cut its log for it."""
    before = {node.id: kept_snapshots(node) for node in nodes}
    rounds = 0

    def all_have_cut():
        nonlocal rounds
        rounds += 1
        for i in range(20):
            write(nodes[0], 5, prefix=f"{prefix}:{rounds}:{i}")
        return all(kept_snapshots(node) != before[node.id] for node in nodes)

    wait_until(all_have_cut, 60, "snapshots of all nodes")


def snapshot_and_cut(nodes):
    """Each of `nodes` takes a snapshot and cuts off all that is in it. Pre: no tail is kept."""
    for node in nodes:
        # The core may not have been told yet that the last entry is applied, and keep it.
        nodes[0].client().delete("nothing")
        take(node)
        wait_until(lambda: log_bytes(node) < 10_000, 20, f"a short log on node {node.id}")


def holds(node, keys):
    """Whether `node`, asked for what it has applied itself, has as many keys."""
    with node.client() as client:
        return client.dbsize() == keys


def inspect(node):
    """What `seshat inspect` says of a node that does not run."""
    result = seshat("inspect", "--data-dir", node.directory, "--json")
    assert result.returncode in (0, 1), result.stderr
    return json.loads(result.stdout)


def assert_all_agree(cluster):
    """Ends an idle cluster with kill -9 once all have applied the same: equal keys, equal digests,
    and nothing on the disks is damaged."""
    for node in cluster.nodes:
        node.client(socket_timeout=30).dbsize()  # answered once all that is committed is applied
    for node in cluster.nodes:
        node.process.kill()
    for node in cluster.nodes:
        node.process.wait()
    states = {}
    for node in cluster.nodes:
        document = inspect(node)
        assert document["is_sound"], document["damage"]
        applied = next(group for group in document["groups"] if group["name"] == "data")["applied"]
        states[node.id] = (applied["index"], applied["key_count"], applied["digest"])
    assert len(set(states.values())) == 1, states
