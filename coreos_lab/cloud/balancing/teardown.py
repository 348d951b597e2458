"""Removes all load balancers of a cloud from the host, by what is there, and says what is left of them."""

from __future__ import annotations

from coreos_lab.cloud import names
from coreos_lab.cloud.balancing.process import Haproxy, place_of
from coreos_lab.cloud.balancing.wiring import Wiring, numbers
from coreos_lab.model import Cloud
from coreos_lab.records.clouds import CloudFolder
from coreos_lab.settings import run_dir


def remove_all(cloud: Cloud) -> None:
    """Ends their processes and removes their namespaces and sockets."""
    folder = CloudFolder(cloud.name).balancers
    recorded = {int(path.name) for path in folder.iterdir()} if folder.is_dir() else set()
    for number in sorted(recorded | set(numbers(cloud))):
        wiring = Wiring(cloud, number)
        Haproxy(place_of(cloud, number), wiring.path).end()
        wiring.remove()


def left(cloud: Cloud) -> list[str]:
    """What there is of load balancers."""
    spaces = [f"network namespace {names.balancer(cloud, number)}" for number in numbers(cloud)]
    return spaces + [f"socket {path}" for path in sorted(run_dir().glob(f"{names.balancers(cloud)}*.sock*"))]
