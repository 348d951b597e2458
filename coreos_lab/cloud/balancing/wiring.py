"""The place of a load balancer, or of a function, in its VPC: a network namespace with a cable to each of its subnets.

To the router it is like an instance: it sends from addresses that are bound to the cable's MAC address, and security
groups apply to what it sends and gets. What came by one cable is answered by the same one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from coreos_lab import run
from coreos_lab.cloud import names
from coreos_lab.cloud.network import Port, Subnet, Vpc

FIRST_TABLE = 100  # of the routing tables, one for each cable
OWN = "eth"


class Wiring:
    """The namespace of that name. `connect` may be repeated."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._done: object = None

    @property
    def path(self) -> Path:
        return names.NAMESPACES / self.name

    def connect(self, router: Path, vpc: Vpc, ports: Sequence[Port]) -> None:
        """Makes the namespace and its cables what they should be. OSError where the router is not there."""
        if not self.path.exists():
            run.run(["ip", "netns", "add", self.name])
        subnets = {port.cable: vpc.subnet(port.subnet) for port in ports}
        # A namespace that was made anew has another inode, and none of the old one's cables.
        wanted = (router.stat().st_ino, self.path.stat().st_ino, tuple(ports), tuple(subnets.values()))
        if wanted == self._done:
            return
        self._ip("link set lo up")
        there, gone = self._links(), {_end(port) for port in ports}
        self._ip(*(f"link delete {each}" for each in sorted(there - gone)))
        for port in ports:
            if _end(port) not in there:
                self._plug(router.name, port, subnets[port.cable])
        self._rules(ports)
        self._done = wanted

    def _plug(self, router: str, port: Port, subnet: Subnet) -> None:
        run.run(["ip", "-netns", router, "link", "delete", port.cable], check=False)  # of a namespace that is gone
        peer = ["type", "veth", "peer", "name", _end(port), "address", port.mac, "netns", self.name]
        run.run(["ip", "-netns", router, "link", "add", port.cable, *peer])
        run.run(["ip", "-netns", router, "link", "set", port.cable, "master", subnet.bridge, "up"])
        self._ip(f"address add {port.address}/{subnet.length} dev {_end(port)}", f"link set {_end(port)} up")
        table = FIRST_TABLE + port.number
        self._ip(
            f"route replace {subnet.cidr} dev {_end(port)} table {table}",
            f"route replace default via {subnet.gateway} dev {_end(port)} table {table}",
            f"route append default via {subnet.gateway} dev {_end(port)}",
        )

    def _rules(self, ports: Iterable[Port]) -> None:
        listed: list[Any] = json.loads(run.run(["ip", "-netns", self.name, "-json", "rule", "show"]).stdout or "[]")
        pref = {each["src"]: each["priority"] for each in listed if each["src"] != "all"}
        there = set(pref)
        wanted = {port.address: FIRST_TABLE + port.number for port in ports}
        self._ip(*(f"rule delete pref {pref[each]}" for each in sorted(there - set(wanted))))
        self._ip(*(f"rule add from {each} lookup {wanted[each]}" for each in sorted(set(wanted) - there)))

    def _links(self) -> set[str]:
        listed: list[Any] = json.loads(run.run(["ip", "-netns", self.name, "-json", "link", "show"]).stdout or "[]")
        return {link["ifname"] for link in listed if link["ifname"].startswith(OWN)}

    def _ip(self, *lines: str) -> None:
        if lines:
            run.run(["ip", "-netns", self.name, "-batch", "-"], input_text="\n".join(lines) + "\n")

    def remove(self) -> None:
        """Removes the namespace with its cables. Its processes have ended."""
        if self.path.exists():
            run.run(["ip", "netns", "delete", self.name])


def _end(port: Port) -> str:
    """The namespace's end of a cable."""
    return f"{OWN}{port.number}"


def numbers(begin: str) -> list[int]:
    """The numbers of the namespaces whose names begin so, by what is on the host."""
    found = names.NAMESPACES.iterdir() if names.NAMESPACES.is_dir() else ()
    return sorted(int(path.name.removeprefix(begin)) for path in found if re.fullmatch(rf"{begin}\d+", path.name))
