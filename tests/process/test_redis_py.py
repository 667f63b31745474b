"""redis-py against any node: each call goes to another node than the one before."""

import itertools
import threading
import time

import pytest
import redis
from redis.cluster import ClusterNode, RedisCluster


@pytest.fixture
def clients(shared_cluster):
    nodes = [node.client() for node in shared_cluster.nodes]
    nodes[0].flushall()
    yield itertools.cycle(nodes)
    for client in nodes:
        client.close()


def test_a_write_on_one_node_is_read_on_every_other(shared_cluster, clients):
    for i in range(100):
        assert next(clients).set(f"key:{i}", i)
        assert next(clients).get(f"key:{i}") == b"%d" % i


def test_binary_keys_and_values_survive(clients):
    every_byte = bytes(range(256))
    next(clients).set(every_byte, every_byte * 3)

    assert next(clients).get(every_byte) == every_byte * 3


def test_set_options(clients):
    assert next(clients).set("k", "1", nx=True) is True
    assert next(clients).set("k", "2", nx=True) is None
    assert next(clients).set("k", "2", xx=True, get=True) == b"1"
    assert next(clients).set("k", "3", px=100_000)
    assert next(clients).set("k", "4", keepttl=True)
    assert 0 < next(clients).pttl("k") <= 100_000
    assert next(clients).set("k", "5")
    assert next(clients).pttl("k") == -1


def test_numbers(clients):
    assert next(clients).incr("n") == 1
    assert next(clients).incrby("n", 41) == 42
    assert next(clients).decr("n") == 41
    assert next(clients).decrby("n", 41) == 0
    next(clients).set("n", "9223372036854775807")
    with pytest.raises(redis.ResponseError, match="increment or decrement would overflow"):
        next(clients).incr("n")
    next(clients).set("n", "abc")
    with pytest.raises(redis.ResponseError, match="value is not an integer or out of range"):
        next(clients).incr("n")


def test_strings_and_many_keys(clients):
    assert next(clients).append("s", "hello") == 5
    assert next(clients).append("s", " world") == 11
    assert next(clients).strlen("s") == 11
    assert next(clients).mset({"a": 1, "b": 2, "c": 3})
    assert next(clients).mget("a", "nothing", "c") == [b"1", None, b"3"]
    assert next(clients).exists("a", "b", "b", "nothing") == 3
    assert next(clients).delete("a", "b", "nothing") == 2
    assert next(clients).type("s") == b"string"
    assert next(clients).type("nothing") == b"none"
    assert next(clients).dbsize() == 2


def test_flushall_leaves_nothing_and_new_keys_live(clients):
    next(clients).mset({f"f:{i}": i for i in range(500)})
    assert next(clients).dbsize() == 500

    next(clients).flushall()

    assert next(clients).dbsize() == 0
    assert next(clients).get("f:1") is None
    next(clients).set("f:1", "new")
    assert next(clients).get("f:1") == b"new"
    assert next(clients).dbsize() == 1


def test_expiry_is_exact_and_final_on_every_node(shared_cluster, clients):
    next(clients).set("gone", "x", px=150)
    deadline = time.monotonic() + 10
    while next(clients).exists("gone"):
        assert time.monotonic() < deadline, "the key never expired"
    for node in shared_cluster.nodes:
        assert node.client().get("gone") is None
        assert node.client().ttl("gone") == -2
    assert next(clients).dbsize() == 0


def test_expire_variants(clients):
    next(clients).set("k", "v")
    assert next(clients).expire("k", 100)
    assert 99 <= next(clients).ttl("k") <= 100
    assert next(clients).persist("k")
    assert next(clients).ttl("k") == -1
    assert next(clients).pexpire("k", 5000)
    assert 0 < next(clients).pttl("k") <= 5000
    assert next(clients).expire("k", -1)
    assert next(clients).exists("k") == 0


def test_a_pipeline_keeps_its_order_and_sees_its_own_writes(clients):
    for _ in range(20):
        pipeline = next(clients).pipeline(transaction=False)
        for i in range(50):
            pipeline.set("p", i).get("p").incr("q").append("r", "x").strlen("r")
        pipeline.delete("q", "r")
        replies = pipeline.execute()
        for i in range(50):
            assert replies[5 * i + 1] == b"%d" % i
            assert replies[5 * i + 2] == i + 1
            assert replies[5 * i + 4] == i + 1


def test_errors_do_not_break_the_connection(clients):
    client = next(clients)
    with pytest.raises(redis.ResponseError, match="unknown command 'NOSUCH'"):
        client.execute_command("NOSUCH", "a")
    with pytest.raises(redis.ResponseError, match="wrong number of arguments for 'get' command"):
        client.execute_command("GET")
    with pytest.raises(redis.ResponseError, match="syntax error"):
        client.execute_command("SET", "k", "v", "BOGUS")
    with pytest.raises(redis.ResponseError, match="invalid expire time in 'set' command"):
        client.execute_command("SET", "k", "v", "EX", "0")
    with pytest.raises(redis.ResponseError, match="SELECT is not allowed in cluster mode"):
        client.execute_command("SELECT", "1")
    assert client.ping()


def test_limits_are_named(clients):
    client = next(clients)
    with pytest.raises(redis.ResponseError, match="65536"):
        client.set("k" * 65_537, "v")
    with pytest.raises(redis.ResponseError, match="16777216"):
        client.set("k", b"v" * (16 * 1024 * 1024 + 1))
    assert client.set("k" * 65_536, "v")
    biggest = b"v" * (16 * 1024 * 1024)
    assert client.set("big", biggest)
    assert next(clients).get("big") == biggest


def test_many_clients_on_every_node(shared_cluster):
    def work(index):
        client = shared_cluster.nodes[index % 3].client()
        for i in range(30):
            client.set(f"many:{index}", i)
            results[index] = client.get(f"many:{index}") == b"%d" % i and results[index]

    results = [True] * 24
    threads = [threading.Thread(target=work, args=(i,)) for i in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert all(results)


def test_server_commands(clients):
    client = next(clients)
    info = client.info()
    assert info["redis_version"] == "7.0.15"
    assert info["role"] == "master"
    assert client.client_id() > 0
    assert client.client_setname("tester")
    assert client.client_getname() == "tester"
    assert any(each["name"] == "tester" for each in client.client_list())
    seconds, microseconds = client.time()
    assert abs(seconds - time.time()) < 60 and 0 <= microseconds < 1_000_000
    assert client.config_get("maxmemory") is not None
    assert client.command_count() > 30
    assert client.echo("hi") == b"hi"


def test_cluster_mode(shared_cluster):
    first = shared_cluster.nodes[0]
    client = RedisCluster(startup_nodes=[ClusterNode("127.0.0.1", first.client_port)],
                          read_from_replicas=True)
    for i in range(100):
        client.set(f"c:{i}", i)
    for i in range(100):
        assert client.get(f"c:{i}") == b"%d" % i
    assert client.cluster_keyslot("foo") == 12182
    assert client.cluster_info(target_nodes=RedisCluster.RANDOM)["cluster_state"] == "ok"
    assert len(client.get_nodes()) == 3
    client.close()
