"""`seshat cluster` and `seshat status`, as a person starts and asks them."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from cluster import BINARY, free_ports, wait_until


class Supervisor:
    """A running `seshat cluster` on ports of its own."""

    def __init__(self, directory, base=None):
        self.directory = directory
        self.base = base or self.free_base()
        self.output = directory / "output.txt"
        self.process = None

    @staticmethod
    def free_base():
        """A port with eight free ones behind it, likely."""
        while True:
            base = free_ports(1)[0]
            try:
                for port in range(base, base + 9):
                    with socket.socket() as probe:
                        probe.bind(("127.0.0.1", port))
                return base
            except (OSError, OverflowError):
                continue

    def arguments(self):
        return [BINARY, "cluster", "--data-dir", str(self.directory / "data"),
                "--client-port", str(self.base), "--internal-port", str(self.base + 3),
                "--admin-port", str(self.base + 6)]

    def start(self):
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(self.arguments(), stdout=output, stderr=output)
        return self

    def text(self):
        return self.output.read_text()

    def wait_ready(self):
        def ready_or_dead():
            assert self.process.poll() is None, self.text()
            return re.search(r"^ready", self.text(), re.MULTILINE)
        wait_until(ready_or_dead, 60, "ready")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=40)

    def cli(self, offset, *arguments):
        return subprocess.run(["redis-cli", "-p", str(self.base + offset), *arguments],
                              capture_output=True, text=True, timeout=20).stdout.strip()


@pytest.fixture
def supervisor(tmp_path):
    started = Supervisor(tmp_path)
    yield started
    if started.process and started.process.poll() is None:
        started.interrupt()


def node_pids(text):
    return [int(pid) for pid in re.findall(r"pid[ =:]*(\d+)", text)]


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return state != "Z"
    except OSError:
        return False


def test_cluster_runs_stops_cleanly_and_keeps_its_data(supervisor):
    supervisor.start().wait_ready()
    text = supervisor.text()
    for port in range(supervisor.base, supervisor.base + 9):
        assert str(port) in text
    assert str((supervisor.directory / "data/node-1").absolute()) in text
    assert "redis-cli -p" in text
    pids = node_pids(text)
    assert len(pids) == 3
    assert supervisor.cli(1, "SET", "k", "v") == "OK"
    assert supervisor.cli(2, "GET", "k") == "v"

    assert supervisor.interrupt() == 0
    assert not any(is_alive(pid) for pid in pids)

    supervisor.start().wait_ready()
    assert supervisor.cli(0, "GET", "k") == "v"


def test_cluster_names_the_port_its_owner_and_the_flag(supervisor):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", supervisor.base + 1))
        taken.listen()
        result = subprocess.run(supervisor.arguments(), capture_output=True, text=True, timeout=20)
    assert result.returncode != 0
    output = result.stdout + result.stderr
    assert str(supervisor.base + 1) in output
    assert str(os.getpid()) in output
    assert "--client-port" in output


def test_nodes_die_with_their_supervisor(supervisor):
    supervisor.start().wait_ready()
    pids = node_pids(supervisor.text())
    supervisor.process.kill()
    supervisor.process.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), 20, "the nodes end")


def test_status_shows_nodes_groups_and_what_is_wrong(supervisor):
    supervisor.start().wait_ready()
    address = f"127.0.0.1:{supervisor.base + 6}"
    table = subprocess.run([BINARY, "status", "--addr", address], capture_output=True, text=True,
                           timeout=20)
    assert table.returncode == 0, table.stdout + table.stderr
    for word in ("leader", "term", "commit", "applied", "data", "system"):
        assert word in table.stdout.lower(), table.stdout
    document = json.loads(subprocess.run([BINARY, "status", "--addr", address, "--json"],
                                         capture_output=True, text=True, timeout=20).stdout)
    assert len(document["nodes"]) == 3

    victim = node_pids(supervisor.text())[2]
    os.kill(victim, signal.SIGKILL)

    def tells():
        after = subprocess.run([BINARY, "status", "--addr", address], capture_output=True,
                               text=True, timeout=20)
        return "3" in after.stdout and after.returncode != 0
    wait_until(tells, 20, "status says that node 3 does not answer")
    assert supervisor.cli(0, "SET", "still", "here") == "OK"


def test_status_of_nothing_says_so():
    port = free_ports(1)[0]
    result = subprocess.run([BINARY, "status", "--addr", f"127.0.0.1:{port}"],
                            capture_output=True, text=True, timeout=20)
    assert result.returncode != 0
    assert str(port) in result.stdout + result.stderr


def test_serve_without_configuration_is_a_cluster_of_one(tmp_path):
    """In a network namespace of its own, so that the default ports are free."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-n", "true"]).returncode != 0:
        pytest.skip("needs the right to make a network namespace")
    script = (f"ip link set lo up 2>/dev/null || true; cd {tmp_path}; "
              f"{pathlib.Path(BINARY).absolute()} serve >serve.log 2>&1 & node=$!; "
              "for i in $(seq 300); do "
              "redis-cli SET k v 2>/dev/null | grep -q OK && break; sleep 0.1; done; "
              "redis-cli GET k; kill $node; wait $node; echo status $?")
    output = subprocess.run(["unshare", "-n", "bash", "-c", script], capture_output=True,
                            text=True, timeout=60).stdout
    assert output.split() == ["v", "status", "0"], output + (tmp_path / "serve.log").read_text()
    assert (tmp_path / "seshat-data/IDENTITY").exists()
