"""What Redis has for replication: WAIT, ROLE, CLUSTER FAILOVER and CLUSTER REPLICAS on real nodes."""

import time

import pytest
import redis

from cluster import wait_until


def role_of(node):
    return node.client().execute_command("ROLE")


def leads(node):
    return next(group for group in node.status()["groups"]
                if group["name"] == "data")["role"] == "leader"


def caught_up_replicas(leader):
    """The replicas that the leader lists, once they hold all that it has."""
    def find():
        _, offset, replicas = role_of(leader)
        level = [replica for replica in replicas if int(replica[2]) == offset]
        return replicas if len(level) == 2 else None
    return wait_until(find, 10, "both replicas level")


def test_wait_counts_every_node_from_every_node(cluster):
    for node in cluster.nodes:
        client = node.client()
        for i in range(20):
            client.set(f"k:{node.id}", i)
            assert client.execute_command("WAIT", 2, 10_000) == 2
        assert client.execute_command("WAIT", 0, 0) >= 1


def test_with_a_node_down_the_count_falls_and_only_the_waiter_waits(cluster):
    leader = cluster.leader()
    victim, other = cluster.others(leader)
    victim.kill()
    for node in (leader, other):
        waiter = node.client()
        waiter.set("k", node.id)  # nobody else will have it
        assert waiter.execute_command("WAIT", 1, 10_000) == 1
        connection = waiter.connection_pool.get_connection("WAIT")
        started = time.monotonic()
        connection.send_command("WAIT", 2, 1_500)
        bystander = node.client()
        answered = 0
        while not connection.can_read(timeout=0):
            bystander.incr("n")
            answered += 1
        assert connection.read_response() == 1
        assert time.monotonic() - started >= 1.4, "the waiter's own timeout"
        assert answered > 10, "another client was held up"
        waiter.connection_pool.release(connection)

    victim.start()
    cluster.wait_ready()
    assert leader.client().execute_command("WAIT", 2, 20_000) == 2


def test_a_wait_ends_as_soon_as_the_node_is_back(cluster):
    leader = cluster.leader()
    victim = cluster.others(leader)[0]
    victim.pause()
    client = leader.client(socket_timeout=40)
    client.set("k", "v")
    connection = client.connection_pool.get_connection("WAIT")
    connection.send_command("WAIT", 2, 0)
    assert not connection.can_read(timeout=1)
    victim.resume()

    assert connection.read_response() == 2  # at its timeout it would be 1
    client.connection_pool.release(connection)


def test_without_a_majority_wait_ends_with_an_error(cluster):
    survivor = cluster.node(1)
    cluster.node(2).kill()
    cluster.node(3).kill()
    client = survivor.client()

    wait_until(lambda: not leads(survivor), 20, "it leads no more")

    with pytest.raises(redis.ResponseError, match="CLUSTERDOWN"):
        client.execute_command("WAIT", 1, 200)


def test_the_leader_lists_the_others_as_replicas_in_role_and_info(cluster):
    leader = cluster.leader()
    leader.client().set("k", "v")

    replicas = caught_up_replicas(leader)

    others = cluster.others(leader)
    assert [(ip.decode(), int(port)) for ip, port, _ in replicas] == [
        ("127.0.0.1", node.client_port) for node in others]
    info = leader.client().info("replication")
    assert info["role"] == "master"
    assert info["connected_slaves"] == 2
    for i, node in enumerate(others):
        assert info[f"slave{i}"]["port"] == node.client_port
        assert info[f"slave{i}"]["state"] == "online"
        assert info[f"slave{i}"]["offset"] <= info["master_repl_offset"]
    for node in others:
        assert role_of(node)[0] == b"master"
        assert role_of(node)[2] == []
        assert node.client().info("replication")["connected_slaves"] == 0


def test_a_dead_node_leaves_the_list(cluster):
    leader = cluster.leader()
    victim = cluster.others(leader)[0]
    victim.kill()

    wait_until(lambda: len(role_of(leader)[2]) == 1, 10, "one replica is left")
    assert leader.client().info("replication")["connected_slaves"] == 1


def test_cluster_failover_makes_the_node_asked_the_leader(cluster):
    for _ in range(3):
        leader = cluster.leader()
        target = cluster.others(leader)[0]
        client = target.client()

        assert client.execute_command("CLUSTER", "FAILOVER") in (True, b"OK")

        assert leads(target) or wait_until(lambda node=target: leads(node), 2, "its own word")
        with pytest.raises(redis.ResponseError, match="^You should send CLUSTER FAILOVER to a re"):
            client.execute_command("CLUSTER", "FAILOVER")
        for option in ("FORCE", "TAKEOVER"):
            with pytest.raises(redis.ResponseError, match="could lose acknowledged writes"):
                leader.client().execute_command("CLUSTER", "FAILOVER", option)
        assert client.set("k", "v")


def test_cluster_replicas_lists_the_followers_of_the_leader(cluster):
    leader = cluster.leader()
    others = cluster.others(leader)
    master = leader.client().execute_command("CLUSTER", "MYID").decode()
    for node in cluster.nodes:
        def lists_both(client=node.client()):
            try:
                lines = client.execute_command("CLUSTER REPLICAS", master)
            except redis.ResponseError:
                return False  # it does not know yet who leads
            text = str(lines)
            return all(str(other.client_port) in text for other in others) and len(lines) == 2
        wait_until(lists_both, 10, "both followers")
    follower = others[0].client().execute_command("CLUSTER", "MYID").decode()
    with pytest.raises(redis.ResponseError, match="The specified node is not a master"):
        leader.client().execute_command("CLUSTER", "REPLICAS", follower)
