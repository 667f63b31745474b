"""hiredis, the C client."""

import os
import pathlib
import subprocess

BUILD_BIN = pathlib.Path(os.environ.get("SESHAT_BINARY", "build/release/bin/seshat")).parent


def test_hiredis_on_every_node(shared_cluster):
    for node in shared_cluster.nodes:
        result = subprocess.run([str(BUILD_BIN / "hiredis_test"), str(node.client_port)],
                                capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stdout + result.stderr
