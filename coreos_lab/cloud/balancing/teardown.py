"""Removes load balancers from the host, by what is there, and says what is left of them."""

from __future__ import annotations

from coreos_lab import disk
from coreos_lab.cloud import names
from coreos_lab.cloud.balancing.process import Haproxy, place_of
from coreos_lab.cloud.balancing.wiring import Wiring, numbers
from coreos_lab.model import Cloud
from coreos_lab.records.clouds import CloudFolder
from coreos_lab.settings import run_dir


def remove(cloud: Cloud, number: int) -> None:
    """Ends a load balancer's process, and removes its namespace, its socket and its folder."""
    wiring, place = Wiring(names.balancer(cloud, number)), place_of(cloud, number)
    Haproxy(place, wiring.path).end()
    wiring.remove()
    disk.remove_tree(place.folder)


def remove_all(cloud: Cloud) -> None:
    """Removes every load balancer that there is something of."""
    folder = CloudFolder(cloud.name).balancers
    recorded = {int(path.name) for path in folder.iterdir()} if folder.is_dir() else set()
    for number in sorted(recorded | set(numbers(names.balancers(cloud)))):
        remove(cloud, number)


def left(cloud: Cloud) -> list[str]:
    """What there is of load balancers."""
    spaces = [f"network namespace {names.balancer(cloud, number)}" for number in numbers(names.balancers(cloud))]
    return spaces + [f"socket {path}" for path in sorted(run_dir().glob(f"{names.balancers(cloud)}*.sock*"))]
