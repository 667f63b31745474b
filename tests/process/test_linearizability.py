"""Clients that write and read the same keys through all nodes, under faults: is there one order of
events that explains what they saw?"""

import itertools
import random
import threading
import time

import redis

from cluster import wait_until
from history import is_not_applied
from linearizability import Operation, find_anomaly

KEYS = [f"register:{i}" for i in range(3)]
CLIENTS_PER_NODE = 3


class Client(threading.Thread):
    """Writes and reads random keys on one node until stopped, and notes what it saw when."""

    def __init__(self, node, number):
        super().__init__(daemon=True)
        self.node = node
        self.number = number
        self.random = random.Random(number)
        self.seen = {key: [] for key in KEYS}
        self.done = 0
        self.stop_requested = threading.Event()

    def run(self):
        connection = None
        for turn in itertools.count(1):
            if self.stop_requested.is_set():
                return
            key = self.random.choice(KEYS)
            try:
                if connection is None:
                    connection = self.node.client(socket_timeout=10, socket_connect_timeout=0.5)
                    connection.ping()
            except redis.RedisError:
                connection = None
                self.stop_requested.wait(0.02)
                continue
            write = Operation("write", f"{self.number}-{turn}", time.monotonic(),
                              where=f"node {self.node.id}")
            read = Operation("read", None, write.start, where=write.where)
            try:
                if self.random.random() < 0.5:
                    operation = write
                    connection.set(key, write.value)
                else:
                    operation = read
                    value = connection.get(key)
                    read.value = None if value is None else value.decode()
                operation.end = time.monotonic()
                self.seen[key].append(operation)
                self.done += 1
            except redis.RedisError as error:
                # A write without an answer may have happened at any time from its start on.
                if operation is write and not is_not_applied(error):
                    self.seen[key].append(write)
                connection = None


class Clients:
    """All clients of a cluster; a context manager that stops them."""

    def __init__(self, cluster):
        self.clients = []
        for node in cluster.nodes:
            self.add(node)

    def add(self, node):
        """Clients of one more node, to be started by the caller if the others run."""
        added = [Client(node, 10 * node.id + i) for i in range(CLIENTS_PER_NODE)]
        self.clients += added
        return added

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.stop_requested.set()
        for client in self.clients:
            client.join(timeout=30)
            assert not client.is_alive(), f"client {client.number} hangs"

    def let_them_run(self, operations, deadline_s=30):
        goal = sum(client.done for client in self.clients) + operations
        wait_until(lambda: sum(client.done for client in self.clients) >= goal, deadline_s,
                   f"{operations} more operations")

    def check(self):
        for key in KEYS:
            history = [each for client in self.clients for each in client.seen[key]]
            assert len(history) > 100
            anomaly = find_anomaly(history)
            assert anomaly is None, f"{key}: {anomaly}"


def test_histories_are_linearizable_while_nodes_are_killed_and_paused(cluster):
    with Clients(cluster) as clients:
        clients.let_them_run(1000)
        leader = cluster.leader()
        leader.kill()
        cluster.leader(among=cluster.others(leader))
        clients.let_them_run(500)
        leader.start()
        cluster.wait_ready()
        clients.let_them_run(500)

        leader = cluster.leader()
        leader.pause()
        try:
            cluster.leader(among=cluster.others(leader))
            clients.let_them_run(500)
        finally:
            leader.resume()
        clients.let_them_run(500)

        for node in cluster.nodes:
            node.process.kill()
        for node in cluster.nodes:
            node.process.wait()
            node.start()
        cluster.wait_ready()
        clients.let_them_run(500)
    clients.check()


def explainable(operations):
    """By trying every order: what find_anomaly must agree with."""
    operations = list(operations)
    certain = [each for each in operations if each.end != float("inf")]

    def extend(value, left):
        if all(each.end == float("inf") for each in left):
            return True
        first_end = min(each.end for each in left)
        for index, each in enumerate(left):
            if each.start > first_end:
                continue
            rest = left[:index] + left[index + 1:]
            if each.kind == "write" and extend(each.value, rest):
                return True
            if each.kind == "read" and each.value == value and extend(value, rest):
                return True
        return False

    return not certain or extend(None, operations)


def random_history(source):
    operations = []
    for number in range(source.randint(2, 6)):
        start = source.randint(0, 12)
        end = start + source.randint(1, 6)
        if source.random() < 0.5:
            end = float("inf") if source.random() < 0.2 else end
            operations.append(Operation("write", number, start, end))
        else:
            written = [each.value for each in operations if each.kind == "write"]
            operations.append(Operation("read", source.choice([None] + written), start, end))
    # Two events at one moment have no order; the checkers need not agree about it.
    for index, each in enumerate(operations):
        each.start += index / 100
        each.end += index / 100 + 0.005
    return operations


def test_the_check_agrees_with_trying_every_order():
    source = random.Random(1)
    verdicts = {True: 0, False: 0}
    for _ in range(4000):
        history = random_history(source)
        expected = explainable(history)
        verdicts[expected] += 1
        assert (find_anomaly(history) is None) == expected, "\n".join(map(str, history))
    assert min(verdicts.values()) > 400, verdicts


def test_a_stale_read_is_found():
    history = [Operation("write", "a", 0, 1), Operation("write", "b", 2, 3),
               Operation("read", "a", 4, 5)]
    assert "a and b" in find_anomaly(history)


def test_a_lost_write_is_found():
    history = [Operation("write", "a", 0, 1), Operation("read", None, 2, 3)]
    assert find_anomaly(history) is not None
