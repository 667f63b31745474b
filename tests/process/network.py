"""A network for each node, so that nodes can be cut off from each other while clients and
operators reach them all. That is what a switch that breaks does, and SIGSTOP does not.

Each node has a network namespace with two links: one to this machine, and one to a bridge over
which the nodes talk. A link that is cut swallows what is sent; nobody is told.
"""

import os
import subprocess

import pytest

PORTS = (6379, 7379, 9090)  # each node has all ports for itself
NODES_MAX = 8


def ip(*arguments):
    subprocess.run(["ip", *map(str, arguments)], check=True, capture_output=True, text=True)


class Network:
    """A context manager: leaves no namespace and no link behind."""

    def __init__(self):
        self.tag = f"s{os.getpid()}"
        self.bridge = f"{self.tag}-bridge"
        self.namespaces = []
        self.links = []  # of this machine

    def __enter__(self):
        try:
            self._add_namespace(self.bridge)
            ip("-n", self.bridge, "link", "add", "bridge", "type", "bridge")
            ip("-n", self.bridge, "link", "set", "bridge", "up")
        except (OSError, subprocess.CalledProcessError) as error:
            self.__exit__()
            pytest.skip(f"needs the right to make network namespaces: {error}")
        return self

    def __exit__(self, *_):
        for link in self.links:  # with a namespace they go too, but some time later
            ip("link", "delete", link)
        for namespace in self.namespaces:
            ip("netns", "delete", namespace)

    def _add_namespace(self, name):
        ip("netns", "add", name)
        self.namespaces.append(name)

    def place(self, node):
        """Gives `node`, which has not been started, a namespace, addresses and ports."""
        assert node.id <= NODES_MAX
        namespace = f"{self.tag}-{node.id}"
        # 198.18.0.0/15 is for tests of networks: nobody has it. Two processes may test at once.
        subnet = f"198.18.{os.getpid() % 31 * NODES_MAX + node.id}"
        self._add_namespace(namespace)
        ip("-n", namespace, "link", "set", "lo", "up")
        link = f"{self.tag}n{node.id}"
        ip("link", "add", link, "type", "veth", "peer", "name", "clients", "netns", namespace)
        self.links.append(link)
        ip("address", "add", f"{subnet}.1/30", "dev", link)
        ip("link", "set", link, "up")
        ip("-n", namespace, "address", "add", f"{subnet}.2/30", "dev", "clients")
        ip("-n", namespace, "link", "set", "clients", "up")
        ip("-n", self.bridge, "link", "add", f"node-{node.id}", "type", "veth",
           "peer", "name", "nodes", "netns", namespace)
        ip("-n", namespace, "address", "add", f"198.19.0.{node.id}/24", "dev", "nodes")
        ip("-n", namespace, "link", "set", "nodes", "up")
        ip("-n", self.bridge, "link", "set", f"node-{node.id}", "master", "bridge", "up")
        node.host, node.internal_host = f"{subnet}.2", f"198.19.0.{node.id}"
        node.client_port, node.internal_port, node.admin_port = PORTS
        node.command = ("ip", "netns", "exec", namespace)

    def cut_off(self, node):
        """Nothing passes between `node` and the others; clients reach it as before."""
        ip("-n", self.bridge, "link", "set", f"node-{node.id}", "down")

    def heal(self, node):
        ip("-n", self.bridge, "link", "set", f"node-{node.id}", "up")
