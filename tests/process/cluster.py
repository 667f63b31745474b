"""Real Seshat processes with real disks, for tests: start, kill, pause, ask.

Nothing here mocks anything. Every wait polls a condition with a deadline.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import redis

BINARY = os.environ.get("SESHAT_BINARY", "build/release/bin/seshat")
START_DEADLINE_S = 30


def free_ports(count):
    """Ports that were free a moment ago, distinct from each other."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_until(condition, deadline_s, what):
    """Polls `condition` until it gives something true, and returns that."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s} s: {what}")
        time.sleep(0.01)


def connections_with_unread_bytes(port):
    """Connections to local `port` whose bytes the process behind it has not read yet."""
    count = 0
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local_port = int(fields[1].split(":")[1], 16)
        receive_queue = int(fields[4].split(":")[1], 16)
        # State 01 is an accepted or acceptable connection; 0A would be the listening socket.
        if local_port == port and fields[3] == "01" and receive_queue > 0:
            count += 1
    return count


def seshat(*arguments, deadline_s=120):
    """A command of `seshat` that ends by itself: what subprocess.run gives, outputs as text."""
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True,
                          timeout=deadline_s, check=False)


class Node:
    """One `seshat serve` process and its data directory."""

    # Elsewhere in a network of its own (network.py), which also begins its command.
    host = "127.0.0.1"           # for clients and operators
    internal_host = "127.0.0.1"  # for the other nodes
    command = ()

    def __init__(self, node_id, directory, ports, members, extra=(), join=None):
        self.id = node_id
        self.directory = pathlib.Path(directory)
        self.client_port, self.internal_port, self.admin_port = ports
        self.members = members
        self.extra = list(extra)
        self.join = join    # the internal address of a member that it asks to let it in
        self.environment = {}  # besides the test's own
        self.process = None

    @property
    def log_path(self):
        return self.directory.with_suffix(".log")

    @property
    def internal_address(self):
        return f"{self.internal_host}:{self.internal_port}"

    @property
    def admin_address(self):
        return f"{self.host}:{self.admin_port}"

    def arguments(self):
        arguments = [
            *self.command, BINARY, "serve",
            "--node-id", str(self.id),
            "--client-addr", f"{self.host}:{self.client_port}",
            "--internal-addr", self.internal_address,
            "--admin-addr", self.admin_address,
            "--data-dir", str(self.directory),
        ]
        if self.members:
            arguments += ["--bootstrap", "--initial-members", self.members]
        if self.join:
            arguments += ["--join", self.join]
        return arguments + self.extra

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.arguments(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment})
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9: no clean-up, like a crash of the process."""
        self.process.kill()
        self.process.wait()

    def pause(self):
        """SIGSTOP. A thread on another core may run on for a moment: returns once none does."""
        self.process.send_signal(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")

        def all_stopped():
            return all(stat.read_text().rpartition(")")[2].split()[0] == "T"
                       for stat in tasks.glob("*/stat"))
        wait_until(all_stopped, 10, f"node {self.id} stopped by SIGSTOP")

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """A clean stop; returns the exit status."""
        if not self.is_running():
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"node {self.id} did not stop within 30 s of SIGTERM")

    def client(self, **options):
        options.setdefault("socket_timeout", 15)
        return redis.Redis(host=self.host, port=self.client_port, **options)

    def admin(self, path):
        """(status, body) of an admin page; (None, reason) when nobody answers."""
        url = f"http://{self.admin_address}{path}"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return None, str(error)

    def is_ready(self):
        return self.admin("/ready")[0] == 200

    def status(self):
        status, body = self.admin("/status")
        return json.loads(body) if status == 200 else None

    def log_tail(self, lines=30):
        try:
            return "".join(self.log_path.open(errors="replace").readlines()[-lines:])
        except OSError:
            return ""


class Cluster:
    """Several nodes that bootstrap together. A context manager: leaves no process behind."""

    def __init__(self, directory, count=3, extra=(), network=None):
        self.directory = pathlib.Path(directory)
        self.extra = extra
        self.network = network
        ports = free_ports(3 * count)
        self.nodes = [self._make_node(i + 1, ports[3 * i:3 * i + 3]) for i in range(count)]
        for node in self.nodes:
            node.members = ",".join(f"{each.id}={each.internal_address}" for each in self.nodes)

    def _make_node(self, node_id, ports, join=None):
        node = Node(node_id, self.directory / f"node-{node_id}", ports, None, self.extra, join)
        if self.network:
            self.network.place(node)
        return node

    def __enter__(self):
        try:
            for node in self.nodes:
                node.start()
            self.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            if node.is_running():
                node.resume()
                node.process.terminate()
        for node in self.nodes:
            if node.process is None:
                continue
            try:
                node.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                node.kill()

    def wait_ready(self, nodes=None, deadline_s=START_DEADLINE_S):
        for node in nodes or self.nodes:
            def ready_or_dead():
                assert node.is_running(), f"node {node.id} exited:\n{node.log_tail()}"
                return node.is_ready()
            wait_until(ready_or_dead, deadline_s, f"node {node.id} ready; {node.admin('/ready')}")

    def node(self, node_id):
        return next(node for node in self.nodes if node.id == node_id)

    def start_joining(self, node_id, member):
        """A fresh node that asks `member` to let it in, started; of this cluster from now on."""
        node = self._make_node(node_id, free_ports(3), join=member.internal_address)
        self.nodes.append(node)
        return node.start()

    def forget(self, node):
        """`node` has left: it is not waited for or asked any more."""
        if node.is_running():
            node.stop()
        self.nodes.remove(node)

    def others(self, node):
        return [each for each in self.nodes if each is not node]

    def leader(self, among=None, deadline_s=10):
        """The node that leads the data group, by what the running nodes `among` say."""
        def find():
            for node in among or self.nodes:
                if not node.is_running():
                    continue
                status = node.status()
                for group in (status or {}).get("groups", []):
                    if group["name"] == "data" and group["leader"]:
                        leader = self.node(group["leader"])
                        if among is None or leader in among:
                            return leader
            return None
        return wait_until(find, deadline_s, "a leader of the data group")
