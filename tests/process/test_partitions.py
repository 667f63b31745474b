"""Networks that are cut, under load: nodes that do not hear each other and all hear clients."""

import pytest
import redis

from cluster import Cluster, seshat, wait_until
from history import Load, let_it_run
from network import Network
from test_membership import admin, voters, wait_for_members

EXTRA = ["--insecure-internal", "--protected-mode", "no"]
ELECTION_DEADLINE_S = 20


@pytest.fixture(name="network")
def network_of_their_own():
    with Network() as network:
        yield network


@pytest.fixture(name="cluster")
def cluster_in_a_network(tmp_path, network):
    with Cluster(tmp_path, extra=EXTRA, network=network) as cluster:
        yield cluster


def group_at(node, name):
    return next(group for group in node.status()["groups"] if group["name"] == name)


def start_added(cluster, node_id, asked):
    added = seshat("node", "add", node_id, *admin(asked))
    assert added.returncode == 0, added.stderr
    return cluster.start_joining(node_id, asked)


def go_on_and_check(cluster, load):
    """All nodes are there again, and have every write that was acknowledged."""
    cluster.wait_ready()
    let_it_run(load)
    load.stop()
    for node in cluster.nodes:
        load.check_on(node)


def test_a_leader_that_is_cut_off_acknowledges_nothing_and_serves_nothing_old(cluster):
    leader = cluster.leader()
    others = cluster.others(leader)
    with leader.client() as client:
        client.set("key", "old")
    with Load(cluster.nodes) as load:
        let_it_run(load)
        cluster.network.cut_off(leader)
        cluster.leader(among=others, deadline_s=ELECTION_DEADLINE_S)
        with others[0].client() as client:
            client.set("key", "new")

        with leader.client(socket_timeout=40) as client:
            with pytest.raises(redis.RedisError):
                client.get("key")
            with pytest.raises(redis.RedisError):
                client.set("key", "lost")
        let_it_run(load)
        cluster.network.heal(leader)
        go_on_and_check(cluster, load)
        for node in cluster.nodes:
            with node.client() as client:
                assert client.get("key") == b"new"


def test_a_node_joins_while_the_leader_of_the_members_is_cut_off(cluster):
    """It is asked, and cannot answer: the request goes to its successor."""
    away = cluster.node(group_at(cluster.node(1), "system")["leader"])
    present = cluster.others(away)
    with Load(present) as load:
        let_it_run(load)
        cluster.network.cut_off(away)
        newcomer = start_added(cluster, 4, present[0])
        wait_until(lambda: voters(present[0]) == [1, 2, 3, 4], 60, "node 4 votes")
        let_it_run(load)
        cluster.network.heal(away)
        wait_for_members(cluster.nodes, [1, 2, 3, 4])
        load.stop()
        for node in (away, newcomer):
            load.check_on(node)


def test_a_member_that_is_removed_while_it_is_cut_off_disturbs_nobody_afterwards(cluster):
    away = cluster.others(cluster.leader())[0]
    present = cluster.others(away)
    with Load(present) as load:
        let_it_run(load)
        cluster.network.cut_off(away)
        removed = seshat("node", "remove", away.id, *admin(present[0]))
        assert removed.returncode == 0, removed.stderr
        before = group_at(present[0], "data")["term"]
        assert away.is_running()  # nobody could tell it

        cluster.network.heal(away)
        wait_until(lambda: not away.is_running(), 30, "it stops")

        assert "was removed from this cluster" in away.log_tail(200)
        let_it_run(load)
        assert group_at(present[0], "data")["term"] == before
        load.stop()
        cluster.forget(away)
        wait_for_members(cluster.nodes, sorted(node.id for node in present))
        for node in present:
            load.check_on(node)


@pytest.mark.parametrize("writes", [20, 60, 100])
def test_the_leader_is_cut_off_while_a_node_joins(cluster, writes):
    """So many writes after it began: the others finish the change, or begin it again."""
    leader = cluster.leader()
    others = cluster.others(leader)
    with Load(others) as load:
        let_it_run(load)
        start_added(cluster, 4, others[0])
        let_it_run(load, writes=writes)
        cluster.network.cut_off(leader)
        wait_until(lambda: voters(others[0]) == [1, 2, 3, 4], 60, "node 4 votes")
        let_it_run(load)
        cluster.network.heal(leader)
        wait_for_members(cluster.nodes, [1, 2, 3, 4])
        load.stop()
        for node in cluster.nodes:
            load.check_on(node)


def test_an_operator_is_told_that_no_majority_decides(cluster):
    leader = cluster.leader()
    with Load(cluster.nodes) as load:
        let_it_run(load)
        for node in cluster.others(leader):
            cluster.network.cut_off(node)

        added = seshat("node", "add", 4, *admin(leader))

        assert added.returncode == 1
        assert "outcome unknown" in added.stderr or "no leader" in added.stderr
        for node in cluster.others(leader):
            cluster.network.heal(node)
        go_on_and_check(cluster, load)
