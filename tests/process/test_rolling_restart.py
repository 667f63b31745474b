"""Nodes restarted one after the other under load: a leader hands over first, nothing is lost."""

from cluster import wait_until
from history import Load, let_it_run


def term_of_data_group(node):
    return next(group["term"] for group in node.status()["groups"] if group["name"] == "data")


def test_a_stopping_leader_hands_over(cluster):
    leader = cluster.leader()
    term = term_of_data_group(leader)

    assert leader.stop() == 0

    assert '"handed leadership over","fields":{"group":1}' in leader.log_tail(200)
    successor = cluster.leader(among=cluster.others(leader))
    wait_until(lambda: term_of_data_group(successor) > term, 10, "the successor's own word")
    assert term_of_data_group(successor) == term + 1


def test_every_node_restarted_in_turn_under_load(cluster):
    with Load(cluster.nodes) as load:
        for node in cluster.nodes:
            let_it_run(load)
            assert node.stop() == 0
            let_it_run(load)
            node.start()
            cluster.wait_ready()
        let_it_run(load)
        load.stop()
        for node in cluster.nodes:
            load.check_on(node)
