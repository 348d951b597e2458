"""The host's routes: is a subnet free for a cluster?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network

from coreos_lab import run
from coreos_lab.errors import LabError


@dataclass(frozen=True)
class Route:
    """An IPv4 route of the host: its network and interface."""

    network: IPv4Network
    device: str


def parse(text: str) -> list[Route]:
    """Reads `ip -json -4 route show table all`."""
    routes = []
    for entry in json.loads(text or "[]"):
        target = entry.get("dst", "default")
        if target == "default" or "dev" not in entry:
            continue
        network = ip_network(target, strict=False)
        if isinstance(network, IPv4Network):
            routes.append(Route(network, entry["dev"]))
    return routes


def conflict(subnet: str, own: str, routes: list[Route]) -> Route | None:
    """The route that a subnet conflicts with, if any.

    A wider route (Docker's 172.17.0.0/16, a default route) does not conflict, because the narrower one wins. A route to
    the same network or a part of it, through another interface than `own`, does.
    """
    wanted = IPv4Network(subnet)
    return next((r for r in routes if r.device != own and r.network.subnet_of(wanted)), None)


def of_host() -> list[Route]:
    """The host's IPv4 routes."""
    return parse(run.run(["ip", "-json", "-4", "route", "show", "table", "all"]).stdout)


def require_free(subnet: str, own: str = "") -> None:
    """LabError when a subnet is in use on this machine, other than by `own`, the cluster's own interface."""
    taken = conflict(subnet, own, of_host())
    if taken is not None:
        raise LabError(
            f"{subnet}: in use on this machine: {taken.network} on {taken.device}",
            "choose another with --subnet, for example --subnet 10.88.8.0/24",
        )


def require_reached(address: str, device: str) -> None:
    """LabError when the host's routing rules send packets to an address through another interface than `device`."""
    entries = json.loads(run.run(["ip", "-json", "-4", "route", "get", address]).stdout or "[]")
    taken = next((entry["dev"] for entry in entries if "dev" in entry), device)
    if taken != device:
        raise LabError(
            f"{address}: this machine's routing rules send it to {taken} instead of {device}, as some VPNs' do",
            "choose another network with --subnet, for example --subnet 10.88.8.0/24; see 'ip rule'",
        )
