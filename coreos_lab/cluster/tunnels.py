"""Tunnels from nodes that cannot reach this host, such as instances of AWS, to the cluster's services here.

SSH connections that this host opens carry them. One process keeps a connection to each node that ssh_config has; it
outlives the command that starts it, as the registry does.
"""

from __future__ import annotations

import re
import sys
import threading
import time

from coreos_lab import run, settings
from coreos_lab.containers import pidfile
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.plan import DISCOVERY_PORT, OBJECTS_PORT, REGISTRY_PORT
from coreos_lab.records.store import ClusterFolder

LOOPBACK = "127.0.0.1"  # the nodes' end of all tunnels
ON_NODES = f"{LOOPBACK}:{REGISTRY_PORT}"  # where nodes reach the registry
AGAIN = 0.5  # seconds until a connection that has ended is opened again, and between two looks for nodes
PROGRAM = "from coreos_lab.cluster.tunnels import main; main()"  # with -P: no module of the working directory's


def keep(cluster: Cluster, registry: str) -> None:
    """Starts the process that keeps the tunnels, if it does not run. `registry` is host:port here."""
    folder = ClusterFolder(cluster.name)
    if pidfile.running(folder.tunnels_pid) is None:
        call = [sys.executable, "-P", "-c", PROGRAM, cluster.name, registry]
        pidfile.start(folder.tunnels_pid, call, log_file=folder.tunnels_pid.with_suffix(".log"))


def end(cluster: Cluster) -> None:
    """Ends the process, and with it all tunnels."""
    pidfile.end(ClusterFolder(cluster.name).tunnels_pid)


def call(folder: ClusterFolder, node: str, registry: str) -> list[str]:
    """The ssh call that is a tunnel. It ends with the process that has started it, however that ends."""
    options = [f"-o{each}" for each in ("ControlPath=none", "ExitOnForwardFailure=yes", "ControlMaster=no")]
    ways = ["-R", f"{ON_NODES}:{registry}"]
    here = registry.rpartition(":")[0]
    if folder.discovery.exists():
        ways += ["-R", f"{LOOPBACK}:{DISCOVERY_PORT}:{here}:{DISCOVERY_PORT}"]
    if folder.objects.is_dir():
        ways += ["-R", f"{LOOPBACK}:{OBJECTS_PORT}:{here}:{OBJECTS_PORT}"]
    ssh = ["ssh", "-F", str(folder.ssh_config), "-N", *options, *ways, node]
    return ["setpriv", "--pdeathsig", "KILL", *ssh]


def nodes_of(folder: ClusterFolder) -> list[str]:
    """The nodes that ssh_config has now, each with an address."""
    try:
        text = folder.ssh_config.read_text(encoding="utf-8")
    except OSError:
        return []
    return re.findall(r"^Host (\S+)\n  HostName \S", text, re.MULTILINE)


class Keeper:
    """A thread for each node, which opens its tunnel again whenever that has ended."""

    def __init__(self, name: str, registry: str) -> None:
        self._folder, self._registry = ClusterFolder(name), registry
        self._kept: dict[str, threading.Thread] = {}

    def look(self) -> None:
        """Begins with nodes that are new."""
        for node in nodes_of(self._folder):
            thread = self._kept.get(node)
            if thread is None or not thread.is_alive():
                self._kept[node] = thread = threading.Thread(target=self._go_on, args=(node,), daemon=True)
                thread.start()

    def _go_on(self, node: str) -> None:
        while node in nodes_of(self._folder):
            try:
                done = run.run(call(self._folder, node, self._registry), check=False)
                print(f"{node}: {done.stderr.strip() or done.returncode}", file=sys.stderr, flush=True)
            except LabError as error:
                print(f"{node}: {error.message}", file=sys.stderr, flush=True)
            time.sleep(AGAIN)


def main() -> None:
    """Is the process. Its arguments are a cluster's name and host:port of the registry; it ends with the cluster."""
    name, registry = sys.argv[1:]
    keeper = Keeper(name, registry)
    while (settings.clusters_dir() / name).is_dir():
        keeper.look()
        time.sleep(AGAIN)
