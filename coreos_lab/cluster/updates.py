"""A cluster's update server: what it offers is in the plan, so the server keeps nothing.

It runs from the first `lab update` on, on the host's address in the cluster's network. `lab up` starts it again where
it has ended, and restoring a snapshot with the offers that the snapshot has; `lab destroy` ends it.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from coreos_lab.cluster import service
from coreos_lab.containers import pidfile
from coreos_lab.machine_image import folders
from coreos_lab.model import Cluster
from coreos_lab.plan import UPDATES_NAME, UPDATES_PORT
from coreos_lab.records.store import ClusterFolder

PROGRAM = Path(__file__).with_name("update_service.py")
URL = f"http://{UPDATES_NAME}:{UPDATES_PORT}"  # as nodes reach it


def run_server(cluster: Cluster) -> None:
    """Has the server serve what the plan says; ends it where the plan has no offers."""
    pid_file = ClusterFolder(cluster.name).updates_pid
    if not cluster.offers:
        pidfile.end(pid_file)
        return
    images = folders.images()
    offers = [f"{offer.group}={offer.image}" for offer in cluster.offers]
    mark = hashlib.sha256("\n".join([str(pid_file), *offers]).encode()).hexdigest()[:16]
    place = f"{cluster.network.gateway}:{UPDATES_PORT}"
    program: list[str | Path] = [sys.executable, "-I", PROGRAM, pid_file, URL, mark, images, place, *offers]
    service.run("the update server", pid_file, program, [place], mark)


def stop_server(cluster: Cluster) -> None:
    """Ends the server, if it runs."""
    pidfile.end(ClusterFolder(cluster.name).updates_pid)
