"""Bad input and trouble: a clear error each, nothing lost, other clients unaffected."""

import os
import shutil
import socket
import subprocess

import pytest
import redis

from cluster import BINARY, Cluster, Node, free_ports, wait_until


def single_node(tmp_path, *extra):
    return Node(1, tmp_path / "node-1", free_ports(3), None, extra)


def exchange(node, payload, until=b"\r\n"):
    """Sends raw bytes; returns what comes back until the peer closes or `until` was seen."""
    with socket.create_connection(("127.0.0.1", node.client_port), timeout=10) as raw:
        raw.sendall(payload)
        answer = b""
        while until not in answer:
            part = raw.recv(65536)
            if not part:
                break
            answer += part
        return answer


def exit_text(node, deadline_s=20):
    """Starts a node that must refuse to run; returns its whole output and status."""
    result = subprocess.run(node.arguments(), capture_output=True, text=True, timeout=deadline_s)
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("payload, error", [
    (b"*1\r\n+PING\r\n", b"-ERR Protocol error: expected '$', got '+'\r\n"),
    (b"*x\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*99999999\r\n", b"-ERR Protocol error: invalid multibulk length\r\n"),
    (b"*1\r\n$-5\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b"*1\r\n$abc\r\n", b"-ERR Protocol error: invalid bulk length\r\n"),
    (b'SET "unbalanced\r\n', b"-ERR Protocol error: unbalanced quotes in request\r\n"),
    (b"x" * 70_000, b"-ERR Protocol error: too big inline request\r\n"),
])
def test_malformed_frames_get_redis_text_then_close(shared_cluster, payload, error):
    node = shared_cluster.node(1)
    bystander = node.client()
    assert bystander.ping()

    assert exchange(node, payload, until=b"never") == error

    assert bystander.ping()


def test_an_almost_full_disk_refuses_writes_and_goes_on_reading(tmp_path):
    config = tmp_path / "config.toml"
    more_than_free = shutil.disk_usage(tmp_path).free // 2**30 + 100
    config.write_text(f"[limits]\nfree_disk_bytes_min = '{more_than_free} GiB'\n")
    node = single_node(tmp_path, "--config", str(config)).start()
    try:
        wait_until(lambda: node.admin("/health")[0] is not None, 20, "the admin endpoint answers")
        client = node.client()

        def refusal():
            try:
                client.set("k", "v")
            except redis.ResponseError as error:
                return "founded" not in str(error) and str(error)
            return None

        text = wait_until(refusal, 20, "a refused write")
        assert text.startswith("MISCONF disk almost full"), text
        assert "limits.free_disk_bytes_min" in text and text.endswith("not applied"), text
        assert client.get("k") in (None, b"v")
    finally:
        node.stop()


def test_requests_before_a_malformed_one_are_answered(shared_cluster):
    answer = exchange(shared_cluster.node(2), b"PING\r\nSET bad 1\r\n*1\r\n!\r\n", until=b"never")
    assert answer == b"+PONG\r\n+OK\r\n-ERR Protocol error: expected '$', got '!'\r\n"


def test_inline_commands_with_quotes(shared_cluster):
    node = shared_cluster.node(1)
    assert exchange(node, b'SET inline "a \\x41\\n b"\r\n') == b"+OK\r\n"
    assert node.client().get("inline") == b"a A\n b"


def test_a_slow_client_hurts_nobody_else(shared_cluster):
    node = shared_cluster.node(1)
    node.client().set("fat", b"x" * 1_000_000)
    slow = socket.create_connection(("127.0.0.1", node.client_port), timeout=10)
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sendall(b"GET fat\r\n" * 50)  # never reads the answers
    quick = node.client()
    for i in range(200):
        assert quick.set("quick", i)
        assert quick.get("quick") == b"%d" % i
    slow.close()


def test_a_client_over_the_output_limit_is_cut_off(shared_cluster):
    node = shared_cluster.node(1)
    node.client().set("fat", b"x" * 1_000_000)
    greedy = socket.create_connection(("127.0.0.1", node.client_port), timeout=20)
    greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    greedy.sendall(b"GET fat\r\n" * 200)  # 200 MB of answers against a limit of 64 MiB

    def cut_off():
        return not any(each["addr"].endswith(f":{greedy.getsockname()[1]}")
                       for each in node.client().client_list())
    wait_until(cut_off, 20, "the greedy client closed")
    assert node.client().ping()
    greedy.close()


def test_password(tmp_path):
    secret = tmp_path / "password"
    secret.write_text("open sesame\n")
    node = single_node(tmp_path, "--password-file", str(secret))
    node.start()
    try:
        wait_until(node.is_ready, 30, "ready")
        with pytest.raises(redis.AuthenticationError):
            node.client().get("k")
        with pytest.raises(redis.ResponseError, match="WRONGPASS"):
            node.client(password="wrong").get("k")
        client = node.client(password="open sesame")
        assert client.set("k", "v")
        assert exchange(node, b"*1\r\n$20000\r\n").startswith(
            b"-ERR Protocol error: unauthenticated bulk length")
    finally:
        node.stop()


@pytest.mark.parametrize("extra, words", [
    (["--client-addr", "nonsense"], ["client-addr", "nonsense"]),
    (["--client-addr", "127.0.0.1:99999"], ["99999"]),
    (["--protected-mode", "maybe"], ["protected-mode", "yes", "no"]),
    (["--no-such-flag"], ["no-such-flag"]),
    (["--bootstrap"], ["initial-members"]),
    (["--bootstrap", "--initial-members", "2=127.0.0.1:1,3=127.0.0.1:2"], ["node"]),
    (["--bootstrap", "--initial-members", "1=127.0.0.1:1,1=127.0.0.1:2"], ["1"]),
    (["--internal-addr", "0.0.0.0:0"], ["cluster-secret"]),
    (["--password-file", "/nonexistent"], ["/nonexistent"]),
    (["--config", "/nonexistent.toml"], ["/nonexistent.toml"]),
])
def test_bad_configuration_is_refused_with_its_name(tmp_path, extra, words):
    status, output = exit_text(single_node(tmp_path, *extra))
    assert status != 0
    for word in words:
        assert word in output, output


def test_an_unknown_key_in_the_file_is_an_error(tmp_path):
    config = tmp_path / "seshat.toml"
    config.write_text("no_such_key = 1\n")
    status, output = exit_text(single_node(tmp_path, "--config", str(config)))
    assert status != 0
    assert "no_such_key" in output


def test_an_unusable_data_directory_is_refused(tmp_path):
    node = single_node(tmp_path)
    node.directory.write_text("a file, not a directory")
    status, output = exit_text(node)
    assert status != 0
    assert str(node.directory) in output


def test_a_foreign_data_directory_is_refused(tmp_path):
    node = single_node(tmp_path)
    node.directory.mkdir()
    (node.directory / "photos").mkdir()
    (node.directory / "photos/cat.jpg").write_text("meow")
    status, output = exit_text(node)
    assert status != 0
    assert str(node.directory) in output


def test_two_processes_on_one_directory(tmp_path):
    node = single_node(tmp_path).start()
    try:
        wait_until(node.is_ready, 30, "ready")
        second = single_node(tmp_path)
        status, output = exit_text(second)
        assert status != 0
        assert str(node.directory) in output
        assert node.client().ping()
    finally:
        node.stop()


def test_a_port_in_use_is_named(tmp_path):
    node = single_node(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", node.client_port))
        taken.listen()
        status, output = exit_text(node)
    assert status != 0
    assert str(node.client_port) in output


def test_a_corrupt_identity_is_refused(tmp_path):
    node = single_node(tmp_path).start()
    wait_until(node.is_ready, 30, "ready")
    assert node.stop() == 0
    identity = node.directory / "IDENTITY"
    content = bytearray(identity.read_bytes())
    content[len(content) // 2] ^= 0x10
    identity.write_bytes(content)
    status, output = exit_text(node)
    assert status != 0
    assert "IDENTITY" in output


def test_another_node_id_on_a_used_directory_is_refused(tmp_path):
    node = single_node(tmp_path).start()
    wait_until(node.is_ready, 30, "ready")
    assert node.stop() == 0
    other = Node(2, node.directory, free_ports(3), None)
    status, output = exit_text(other)
    assert status != 0
    assert "node" in output and "2" in output


def test_a_wiped_disk_under_a_known_id_is_refused(cluster):
    cluster.node(1).client().set("k", "v")
    wiped = cluster.node(3)
    wiped.kill()
    shutil.rmtree(wiped.directory)
    wiped.start()

    def refused():
        return not wiped.is_running() or wiped.admin("/ready")[0] == 503
    wait_until(refused, 20, "the wiped node is not ready")
    wait_until(lambda: "store" in wiped.log_tail(200), 20, "a log line that names the store id")
    assert not wiped.is_ready()
    assert cluster.node(2).client().get("k") == b"v"
    assert cluster.node(1).client().set("k", "w")


def test_a_node_of_another_cluster_is_refused(tmp_path, cluster):
    stranger_ports = free_ports(3)
    members = f"1=127.0.0.1:{cluster.node(1).internal_port},9=127.0.0.1:{stranger_ports[1]}"
    stranger = Node(9, tmp_path / "stranger", stranger_ports, members).start()
    try:
        wait_until(lambda: "refused" in stranger.log_tail(200) or not stranger.is_running(), 20,
                   "the stranger is refused")
        assert not stranger.is_ready()
        assert cluster.node(1).client().set("k", "v")
    finally:
        stranger.stop()


def test_a_peer_without_the_secret_is_refused(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef")
    with Cluster(tmp_path, extra=["--cluster-secret-file", str(secret)]) as running:
        node = running.node(3)
        assert running.node(1).client().set("k", "v")
        node.stop()
        node.extra = []
        node.start()
        wait_until(lambda: "secret" in node.log_tail(200), 20, "a log line about the secret")
        assert not node.is_ready()
        assert running.node(2).client().get("k") == b"v"
        node.stop()
        node.extra = ["--cluster-secret-file", str(secret)]
        node.start()
        running.wait_ready()
        assert node.client().get("k") == b"v"


def test_a_short_secret_is_refused(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("short")
    status, output = exit_text(single_node(tmp_path, "--cluster-secret-file", str(secret)))
    assert status != 0
    assert "32" in output


def test_the_client_limit_is_enforced_and_room_comes_back(tmp_path):
    node = single_node(tmp_path)
    environment = dict(os.environ, SESHAT_LIMITS_CLIENTS_MAX="20")
    with open(node.log_path, "ab") as log:
        node.process = subprocess.Popen([*node.arguments()], stdout=log, stderr=log,
                                        env=environment)
    try:
        wait_until(node.is_ready, 30, "ready")
        connections = [socket.create_connection(("127.0.0.1", node.client_port), timeout=10)
                       for _ in range(20)]
        for connection in connections:
            connection.sendall(b"PING\r\n")
            assert connection.recv(100) == b"+PONG\r\n"
        assert exchange(node, b"PING\r\n") == b"-ERR max number of clients reached\r\n"
        connections.pop().close()
        wait_until(lambda: exchange(node, b"PING\r\n") == b"+PONG\r\n", 10, "room again")
    finally:
        node.stop()


def test_binary_exists_and_tells_its_version():
    output = subprocess.run([BINARY, "--version"], capture_output=True, text=True, timeout=10)
    assert output.returncode == 0
    assert "0.1.0" in output.stdout
