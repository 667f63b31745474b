"""ioredis and node-redis, as they come from npm, plain and cluster mode."""

import os
import pathlib
import subprocess

import pytest

CLIENTS = pathlib.Path(__file__).parent.parent / "clients"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))


@pytest.mark.parametrize("script", ["ioredis_test.js", "node_redis_test.js"])
def test_client(shared_cluster, script):
    ports = [str(node.client_port) for node in shared_cluster.nodes]
    environment = dict(os.environ, NODE_PATH=str(CACHE / "seshat/npm-clients/node_modules"))
    result = subprocess.run(["node", str(CLIENTS / script), *ports], env=environment,
                            capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
