"""redis-cli and redis-benchmark as people use them."""

import subprocess


def cli(node, *arguments, stdin=None):
    return subprocess.run(["redis-cli", "-p", str(node.client_port), *arguments], input=stdin,
                          capture_output=True, text=True, timeout=30, check=True).stdout.strip()


def test_write_on_one_node_read_on_another(shared_cluster):
    assert cli(shared_cluster.node(2), "SET", "k", "v") == "OK"
    assert cli(shared_cluster.node(3), "GET", "k") == "v"


def test_resp3(shared_cluster):
    node = shared_cluster.node(1)
    assert cli(node, "-3", "SET", "three", "3") == "OK"
    assert cli(node, "-3", "GET", "three") == "3"
    assert cli(node, "-3", "GET", "nothing") == ""
    assert "proto" in cli(node, "-3", "HELLO")


def test_a_script_on_standard_input(shared_cluster):
    output = cli(shared_cluster.node(1), stdin="SET a 1\nINCR a\nGET a\nTTL a\n")
    assert output.split() == ["OK", "2", "2", "-1"]


def test_cluster_mode_follows_the_map(shared_cluster):
    for i in range(20):
        assert cli(shared_cluster.node(2), "-c", "SET", f"slot:{i}", str(i)) == "OK"
        assert cli(shared_cluster.node(3), "-c", "GET", f"slot:{i}") == str(i)


def test_cluster_views(shared_cluster):
    for node in shared_cluster.nodes:
        assert "cluster_state:ok" in cli(node, "CLUSTER", "INFO")
        lines = cli(node, "CLUSTER", "NODES").splitlines()
        assert len(lines) == 3
        assert sum("myself" in line for line in lines) == 1
        assert sum("master" in line for line in lines) == 1
        assert "0-16383" in cli(node, "CLUSTER", "NODES")


def test_benchmark_tool_runs_without_errors(shared_cluster):
    for node in shared_cluster.nodes:
        result = subprocess.run(
            ["redis-benchmark", "-p", str(node.client_port), "-t", "set,get,incr,mset", "-n",
             "2000", "-c", "20", "-P", "4", "-r", "1000", "--csv"],
            capture_output=True, text=True, timeout=120, check=True)
        assert result.stdout.count("\n") >= 5, result.stdout
        assert "error" not in (result.stdout + result.stderr).lower()
