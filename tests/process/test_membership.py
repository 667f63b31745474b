"""Members that join, leave and are replaced, while clients go on."""

import json
import shutil

import pytest

from cluster import Cluster, seshat, wait_until
from history import Load, let_it_run
from test_linearizability import Clients

JOIN_DEADLINE_S = 60


@pytest.fixture(name="secret")
def secret_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text("s" * 32)
    return path


@pytest.fixture(name="closed")
def cluster_with_secret(tmp_path, secret):
    """Three nodes with a secret: whoever knows it may join."""
    with Cluster(tmp_path, extra=["--cluster-secret-file", str(secret)]) as running:
        yield running


def admin(node):
    return ["--admin", node.admin_address]


def members(node):
    """The state of each member, by id, as `node` knows it."""
    listed = seshat("node", "list", "--json", *admin(node))
    assert listed.returncode == 0, listed.stderr
    return {each["node_id"]: each["state"] for each in json.loads(listed.stdout)["nodes"]}


def voters(node, group="data"):
    status = node.status()
    return next(each["voters"] for each in status["groups"] if each["name"] == group)


def wait_for_members(nodes, wanted):
    """Until every one of `nodes` knows exactly `wanted` for voters of every group."""
    def settled():
        for node in nodes:
            status = node.status()
            if status is None or not status["groups"]:
                return False
            if {each["node_id"]: each["state"] for each in status["nodes"]} != {
                    each: "voter" for each in wanted}:
                return False
            if any(group["voters"] != wanted or group["learners"] for group in status["groups"]):
                return False
        return True
    wait_until(settled, JOIN_DEADLINE_S, f"members {wanted}; " +
               "; ".join(f"{node.id}: {node.status()}" for node in nodes[:1]))


def join(cluster, node_id, member=None):
    node = cluster.start_joining(node_id, member or cluster.nodes[0])
    cluster.wait_ready([node], JOIN_DEADLINE_S)
    wait_for_members(cluster.nodes, sorted(each.id for each in cluster.nodes))
    return node


def remove(cluster, node, by=None):
    asked = by or cluster.others(node)[0]
    done = seshat("node", "remove", node.id, *admin(asked))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"node {node.id} is no member any more\n"
    wait_until(lambda: not node.is_running(), 30, f"node {node.id} stopped")
    cluster.forget(node)
    wait_for_members(cluster.nodes, sorted(each.id for each in cluster.nodes))


def refused(node, *text):
    """`node`, which was started, ends by itself and says all of `text`."""
    wait_until(lambda: not node.is_running(), 30, f"node {node.id} gives up")
    assert node.process.returncode != 0
    log = node.log_tail(200)
    for each in text:
        assert each in log


def fill(node, keys):
    with node.client() as client, client.pipeline(transaction=False) as pipeline:
        for i in range(keys):
            pipeline.set(f"key:{i}", f"value:{i}")
        pipeline.execute()


def test_a_node_that_knows_the_secret_joins_and_has_everything(closed):
    fill(closed.node(1), 500)

    node = join(closed, 4)

    with node.client() as client:
        assert client.dbsize() == 500
        assert client.get("key:499") == b"value:499"
    assert members(closed.node(2)) == {1: "voter", 2: "voter", 3: "voter", 4: "voter"}


def test_a_node_that_joined_is_a_member_after_a_restart_with_and_without_the_flag(closed):
    node = join(closed, 4)
    node.kill()
    node.start()
    closed.wait_ready([node])
    node.stop()
    node.join = None
    node.start()

    closed.wait_ready([node])

    assert voters(node) == [1, 2, 3, 4]


def test_without_a_secret_a_node_has_to_be_added_first(cluster):
    early = cluster.start_joining(4, cluster.node(1))
    refused(early, "this node may not join", "seshat node add 4")
    cluster.forget(early)

    added = seshat("node", "add", 4, *admin(cluster.node(2)))
    assert added.returncode == 0, added.stderr
    assert "seshat serve --node-id 4 --data-dir DIR --join 127.0.0.1:" in added.stdout
    join(cluster, 4)


def test_a_removed_node_stops_and_is_not_let_in_again(closed):
    node = join(closed, 4)
    remove(closed, node)
    assert "was removed from this cluster" in node.log_tail()
    assert members(closed.node(1)) == {1: "voter", 2: "voter", 3: "voter"}

    node.start()
    refused(node, "was removed from this cluster")
    again = closed.start_joining(4, closed.node(1))
    # The directory is the old one: a fresh one with the old id is not let in either.
    refused(again, "was removed from this cluster")
    closed.forget(again)


def test_a_removed_id_is_not_used_again(closed, tmp_path):
    remove(closed, join(closed, 4))
    closed.directory = tmp_path / "fresh"
    closed.directory.mkdir()

    node = closed.start_joining(4, closed.node(2))

    refused(node, "this node may not join", "node 4 was removed from this cluster")
    closed.forget(node)


def test_a_removed_node_that_was_away_learns_it_when_it_returns(closed):
    node = join(closed, 4)
    node.kill()
    done = seshat("node", "remove", 4, *admin(closed.node(1)))
    assert done.returncode == 0, done.stderr

    node.start()

    refused(node, "was removed from this cluster")
    closed.forget(node)
    wait_for_members(closed.nodes, [1, 2, 3])


def test_a_node_without_the_secret_is_refused(closed):
    closed.extra = []
    node = closed.start_joining(4, closed.node(1))

    refused(node, "this node may not join", "has a cluster secret and node 4 has none")
    closed.forget(node)


def test_an_id_that_another_node_has_is_refused(closed, tmp_path):
    closed.directory = tmp_path / "fresh"
    closed.directory.mkdir()

    node = closed.start_joining(2, closed.node(1))

    refused(node, "this node may not join", "node id 2 belongs to a node with other data")
    closed.nodes.pop()


def test_the_leader_is_removed_with_writes_in_flight(closed):
    join(closed, 4)
    leader = closed.leader()
    with Load(closed.others(leader)) as load:
        let_it_run(load)
        remove(closed, leader)
        let_it_run(load)
    load.check_on(closed.nodes[0])


def test_a_removal_may_be_asked_of_the_node_that_goes(closed):
    node = join(closed, 4)

    remove(closed, node, by=node)


def test_two_nodes_join_at_once(closed):
    nodes = [closed.start_joining(node_id, closed.node(1)) for node_id in (4, 5)]

    closed.wait_ready(nodes, JOIN_DEADLINE_S)

    wait_for_members(closed.nodes, [1, 2, 3, 4, 5])


def test_one_change_at_a_time(cluster):
    """Node 4 is expected and does not come: until it is called back, nobody else may."""
    assert seshat("node", "add", 4, *admin(cluster.node(1))).returncode == 0

    second = seshat("node", "add", 5, *admin(cluster.node(2)))
    assert second.returncode == 1
    assert "one change of members at a time: node 4 is joining" in second.stderr
    leaving = seshat("node", "remove", 3, *admin(cluster.node(2)))
    assert leaving.returncode == 1
    assert "one change of members at a time" in leaving.stderr

    assert seshat("node", "remove", 4, *admin(cluster.node(1))).returncode == 0
    wait_for_members(cluster.nodes, [1, 2, 3])
    assert seshat("node", "remove", 3, *admin(cluster.node(2))).returncode == 0


def test_too_few_voters_left_is_refused(cluster):
    cluster.node(3).kill()
    asked = cluster.node(1)
    wait_until(lambda: not next(each for each in asked.status()["nodes"]
                                if each["node_id"] == 3)["is_connected"], 30, "node 3 is missed")

    done = seshat("node", "remove", 2, *admin(asked))

    assert done.returncode == 1
    assert "without node 2 the cluster would have 2 voters" in done.stderr
    assert "(node 3): no majority" in done.stderr


def test_removals_that_make_no_sense_are_refused(cluster):
    def refusal(node_id):
        done = seshat("node", "remove", node_id, *admin(cluster.node(1)))
        assert done.returncode == 1
        return done.stderr

    assert "node 9 is not a member of this cluster" in refusal(9)


def test_the_last_member_stays(tmp_path):
    with Cluster(tmp_path, count=1) as single:
        done = seshat("node", "remove", 1, *admin(single.node(1)))

        assert done.returncode == 1
        assert "node 1 is the only member of this cluster" in done.stderr


def test_a_wiped_node_is_replaced_under_load(closed, tmp_path):
    wiped = closed.node(3)
    asked = closed.node(1)
    with Load([closed.node(1), closed.node(2)]) as load:
        let_it_run(load)
        wiped.kill()
        shutil.rmtree(wiped.directory)
        wiped.start()
        refused(wiped, "already belongs to cluster")
        closed.forget(wiped)
        newcomer = closed.start_joining(4, asked)
        done = seshat("node", "replace", 3, 4, *admin(asked))
        assert done.returncode == 0, done.stderr
        assert done.stdout == "node 4 has taken the place of node 3\n"
        let_it_run(load)
    wait_for_members(closed.nodes, [1, 2, 4])
    load.check_on(newcomer)


def test_a_change_that_is_asked_for_while_nobody_leads_waits_for_a_leader(closed):
    """As a client's command does: an election is no reason for an operator to ask again."""
    leading = next(group["leader"] for group in closed.node(1).status()["groups"]
                   if group["name"] == "system")
    asked = closed.others(closed.node(leading))[0]

    closed.node(leading).kill()
    done = seshat("node", "add", 4, *admin(asked))

    assert done.returncode == 0, done.stderr
    assert members(asked)[4] == "joining"


def test_joins_and_leaves_go_on_while_a_member_is_cut_off(closed):
    away = closed.others(closed.leader())[0]
    present = closed.others(away)
    with Load(present) as load:
        let_it_run(load)
        away.pause()
        node = closed.start_joining(4, present[0])
        wait_until(lambda: voters(present[0]) == [1, 2, 3, 4], JOIN_DEADLINE_S, "node 4 votes")
        let_it_run(load)
        away.resume()
        wait_for_members(closed.nodes, [1, 2, 3, 4])
        node.pause()
        done = seshat("node", "remove", 4, *admin(present[0]))
        assert done.returncode == 0, done.stderr
        let_it_run(load)
    node.resume()
    wait_until(lambda: not node.is_running(), 30, "node 4 stops")
    closed.forget(node)
    load.check_on(away)


def test_a_cluster_of_one_grows(tmp_path, secret):
    with Cluster(tmp_path, count=1, extra=["--cluster-secret-file", str(secret)]) as single:
        fill(single.node(1), 100)
        join(single, 2)
        node = join(single, 3)
        single.node(1).kill()

        with node.client() as client:
            wait_until(lambda: client.dbsize() == 100, 30, "all keys")
            client.set("more", 1)


def test_status_and_inspection_know_the_members(closed):
    node = join(closed, 4)
    remove(closed, node)

    status = closed.node(1).status()

    assert status["removed_nodes"] == [4]
    assert [each["node_id"] for each in status["nodes"]] == [1, 2, 3]


def test_three_nodes_become_five_and_three_others_linearizably(closed):
    with Clients(closed) as clients:
        clients.let_them_run(500)
        for node_id in (4, 5):
            node = join(closed, node_id)
            for client in clients.add(node):
                client.start()
            clients.let_them_run(500)
        for _ in range(2):
            remove(closed, closed.leader())
            clients.let_them_run(500)
    assert len(closed.nodes) == 3
    clients.check()
