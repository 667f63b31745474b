"""Fixtures shared by the process tests."""

import pytest

from cluster import Cluster


@pytest.fixture
def cluster(tmp_path):
    """Three fresh nodes, ready."""
    with Cluster(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_cluster(tmp_path_factory):
    """Three nodes for all the tests of a file that only read, or use keys of their own."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
