"""Writers under load whose every outcome is known, for the kill and pause tests.

Each writer owns its keys and writes rising numbers. What it may believe after a fault:
an acknowledged number, or one whose outcome is unknown, or a later one. An earlier one only if its
outcome is unknown: a node may still hold it when its client has gone, and bring it late.
"""

import threading

import redis

from cluster import wait_until


def is_not_applied(error):
    """True when the reply promises that the write will never take effect."""
    return "not applied" in str(error)


class Writer(threading.Thread):
    """Sets `key` to 1, 2, 3, ... through one node after another until stopped."""

    def __init__(self, key, nodes):
        super().__init__(daemon=True)
        self.key = key
        self.nodes = nodes
        self.acknowledged = 0   # the highest number known to be written
        self.attempted = 0      # the highest number that may have been written
        self.unknown = set()    # numbers that may be written late, or never
        self.writes = 0
        self.errors = []
        self._stop_requested = threading.Event()

    def run(self):
        turn = 0
        client = None
        number = 0
        while not self._stop_requested.is_set():
            if client is None:
                client = self.nodes[turn % len(self.nodes)].client(socket_timeout=3,
                                                                   socket_connect_timeout=0.5)
                turn += 1
            number += 1
            self.attempted = number
            try:
                client.set(self.key, number)
                self.acknowledged = number
                self.writes += 1
            except redis.RedisError as error:
                self.errors.append(str(error))
                if not is_not_applied(error):
                    self.unknown.add(number)
                client.close()
                client = None
                self._stop_requested.wait(0.02)

    def stop(self):
        self._stop_requested.set()
        self.join(timeout=20)
        assert not self.is_alive(), f"the writer of {self.key} hangs"

    def check(self, value):
        """What a linearizable read after stop() may give."""
        found = int(value) if value is not None else 0
        assert self.acknowledged <= found <= self.attempted or found in self.unknown, (
            f"{self.key}: read {found}, acknowledged {self.acknowledged}, "
            f"attempted {self.attempted}")


class Load:
    """Several writers, each with a key of its own. A context manager that stops them."""

    def __init__(self, nodes, writers=8, prefix="load"):
        self.writers = [
            Writer(f"{prefix}:{i}", nodes[i % len(nodes):] + nodes[:i % len(nodes)])
            for i in range(writers)
        ]

    def __enter__(self):
        for writer in self.writers:
            writer.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for writer in self.writers:
            writer._stop_requested.set()
        for writer in self.writers:
            writer.stop()

    def total(self):
        return sum(writer.writes for writer in self.writers)

    def check_on(self, node):
        client = node.client()
        for writer in self.writers:
            writer.check(client.get(writer.key))


def let_it_run(load, writes=200, deadline_s=20):
    before = load.total()
    wait_until(lambda: load.total() >= before + writes, deadline_s, f"{writes} more writes")
