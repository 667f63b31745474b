"""`seshat leader transfer` against real nodes: from any of them, and every way it can be refused."""

import concurrent.futures
import json

from cluster import free_ports, seshat, wait_until


def transfer(node, *arguments, group="data"):
    return seshat("leader", "transfer", "--group", group, "--admin",
                  f"127.0.0.1:{node.admin_port}", *arguments)


def group_on(node, name="data"):
    return next(group for group in node.status()["groups"] if group["name"] == name)


def leads(node, name="data"):
    return group_on(node, name)["role"] == "leader"


def test_any_node_has_leadership_handed_to_the_node_named(cluster):
    for asked in cluster.nodes:
        leader = cluster.leader()
        target = cluster.others(leader)[0]

        result = transfer(asked, "--to", str(target.id))

        assert result.returncode == 0, result.stderr
        assert result.stdout == (f"node {target.id} leads group data now; "
                                 f"node {leader.id} handed over\n")
        wait_until(lambda node=target: leads(node), 5, "the new leader's own word")
    assert cluster.node(1).client().set("k", "v")


def test_without_a_name_the_best_placed_node_takes_over(cluster):
    leader = cluster.leader()

    result = transfer(leader, "--json", group="1")

    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    successor = cluster.node(answer.pop("leader"))
    assert answer == {"outcome": "done", "group_id": 1, "group": "data", "node_id": leader.id,
                      "leader_admin_address": "", "problem": ""}
    assert successor is not leader
    wait_until(lambda: leads(successor), 5, "the new leader's own word")


def test_the_system_group_has_a_leader_of_its_own(cluster):
    def system_leader():
        return next((node for node in cluster.nodes if leads(node, "system")), None)
    leader = wait_until(system_leader, 10, "a leader of the system group")
    target = cluster.others(leader)[1]

    result = transfer(target, "--to", str(target.id), group="system")

    assert result.returncode == 0, result.stderr
    wait_until(lambda: leads(target, "system"), 5, "the new leader's own word")


def test_refusals_say_why(cluster):
    leader = cluster.leader()
    follower = cluster.others(leader)[0]
    for arguments, group, why in [
            (("--to", str(leader.id)), "data", f"node {leader.id} leads already"),
            (("--to", "9"), "data", "node 9 is no voter of the group"),
            ((), "7", f"node {follower.id} has no group shard 7")]:
        result = transfer(follower, *arguments, group=group)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == f"seshat leader transfer: {why}\n"

        answer = transfer(follower, *arguments, "--json", group=group)
        assert answer.returncode == 1
        document = json.loads(answer.stdout)
        assert (document["outcome"], document["problem"]) == ("refused", why)
    assert leads(leader)


def test_a_node_that_is_down_does_not_take_over_and_the_leader_goes_on(cluster):
    leader = cluster.leader()
    victim = cluster.others(leader)[0]
    victim.kill()

    result = transfer(leader, "--to", str(victim.id))

    assert result.returncode == 1
    assert result.stderr == f"seshat leader transfer: node {victim.id} did not take over in time\n"
    assert leads(leader)
    assert leader.client().set("k", "v")


def test_while_a_transfer_is_under_way_another_is_refused(cluster):
    leader = cluster.leader()
    victim = cluster.others(leader)[0]
    victim.pause()  # the first lasts until it is given up
    with concurrent.futures.ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: transfer(leader, "--to", str(victim.id)), range(2)))
    victim.resume()

    assert [result.returncode for result in both] == [1, 1]
    assert sorted(result.stderr for result in both) == [
        f"seshat leader transfer: another transfer is under way on node {leader.id}: try again\n",
        f"seshat leader transfer: node {victim.id} did not take over in time\n"]


def test_without_a_majority_no_leader_is_known(cluster):
    survivor = cluster.node(1)
    cluster.node(2).kill()
    cluster.node(3).kill()
    wait_until(lambda: group_on(survivor)["leader"] == 0, 20, "it knows that there is no leader")

    result = transfer(survivor)

    assert result.returncode == 1
    assert result.stderr == "seshat leader transfer: node 1 knows no leader of group data\n"


def test_bad_usage_and_nobody_there_are_status_2():
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    for arguments, word in [
            (["--group", "data", "--admin", nobody], nobody),
            (["--group", "what", "--admin", nobody], "allowed: data, system"),
            (["--group", "data", "--to", "0", "--admin", nobody], "--to"),
            (["--admin", nobody], "--group")]:
        result = seshat("leader", "transfer", *arguments)
        assert result.returncode == 2, result
        assert word in result.stdout + result.stderr


def test_writes_go_on_while_leadership_moves(cluster):
    client = cluster.node(1).client()
    total = 0
    for _ in range(6):
        assert transfer(cluster.node(2)).returncode == 0
        for _ in range(20):
            total += 1
            assert client.incr("n") == total
