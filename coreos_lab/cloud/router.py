"""A VPC's router: a network namespace with a bridge for each subnet, routing tables, and the firewall's rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from coreos_lab import run
from coreos_lab.cloud import firewall, names
from coreos_lab.cloud.network import Subnet, Vpc
from coreos_lab.model import Cloud

PRIORITY = 1000  # of the rules that choose a subnet's routing table: ip-rule(8)
# With br_netfilter, a packet whose destination becomes an instance of the sender's subnet is bridged there, not routed,
# and no frame may pass between ports. Each namespace has a setting of its own, once the host has loaded the module.
ROUTED = 'setting=/proc/sys/net/bridge/bridge-nf-call-iptables; test ! -e "$setting" || echo 0 >"$setting"'


class Router:
    """One VPC's router. `make` and `apply` change what is not as wanted, and may be repeated."""

    def __init__(self, cloud: Cloud, number: int) -> None:
        self.cloud, self.number = cloud, number
        self.name = names.namespace(cloud, number)
        self._applied: Vpc | None = None
        self._routes: dict[int, set[str]] = {}

    @property
    def path(self) -> Path:
        """The namespace as nsenter(1) takes it."""
        return names.NAMESPACES / self.name

    def make(self) -> None:
        """Makes the namespace and its way out."""
        if not self.path.exists():
            run.run(["ip", "netns", "add", self.name])
        self._set({"ip_forward": "1", "conf/all/send_redirects": "0", "conf/default/send_redirects": "0"})
        self._set({"conf/all/rp_filter": "0", "conf/default/rp_filter": "0"})
        uplink, own = names.uplink(self.cloud, self.number), names.router_address(self.cloud, self.number)
        if firewall.UPLINK not in self._links():
            run.run(["ip", "link", "delete", uplink], check=False)
            peer = ["type", "veth", "peer", "name", firewall.UPLINK, "netns", self.name]
            run.run(["ip", "link", "add", uplink, *peer])
        run.run(["ip", "link", "set", uplink, "master", names.bridge(self.cloud), "up"])
        length = IPv4Network(self.cloud.public_subnet).prefixlen
        self._ip(
            f"address replace {firewall.METADATA}/32 dev lo",
            f"address replace {firewall.API}/32 dev lo",
            f"address replace {own}/{length} dev {firewall.UPLINK}",
            "link set lo up",
            f"link set {firewall.UPLINK} up",
        )

    def apply(self, vpc: Vpc) -> None:
        """Makes bridges, addresses, routes and rules what the VPC says."""
        if vpc == self._applied:
            return
        self._bridges(vpc.subnets)  # before the rules: a bridge's chains that are loaded before there is one do nothing
        rules = firewall.text(vpc)
        if self._applied is None or rules != firewall.text(self._applied):
            run.run(["ip", "netns", "exec", self.name, "nft", "--file", "-"], input_text=rules)
            run.run(["ip", "netns", "exec", self.name, "sh", "-c", ROUTED])
        self._ip(f"address replace {vpc.name_server}/32 dev lo")
        self._public_addresses(port.public for port in vpc.ports if port.public)
        for subnet in vpc.subnets:
            self._route(vpc, subnet)
        self._applied = vpc

    def _bridges(self, subnets: Sequence[Subnet]) -> None:
        there = {name for name in self._links() if name.startswith("subnet")}
        wanted = {subnet.bridge: subnet for subnet in subnets}
        for name in there - set(wanted):
            self._ip(f"link delete {name}")
        for name, subnet in wanted.items():
            if name in there:
                continue
            self._ip(
                f"link add {name} address {subnet.mac} type bridge",
                f"address add {subnet.gateway}/{subnet.length} dev {name}",
            )
            # It answers ARP for all the others, and at once, not after up to 0.8 s.
            self._set({f"conf/{name}/proxy_arp_pvlan": "1", f"neigh/{name}/proxy_delay": "0"})
            self._ip(f"link set {name} up", f"rule add iif {name} lookup {subnet.table} priority {PRIORITY}")

    def _public_addresses(self, wanted: Iterable[str]) -> None:
        listed = json.loads(
            run.run(["ip", "-netns", self.name, "-json", "address", "show", "dev", firewall.UPLINK]).stdout
        )
        held = {each["local"] for link in listed for each in link.get("addr_info", []) if each.get("prefixlen") == 32}  # noqa: PLR2004
        addresses = set(wanted)
        self._ip(
            *(f"address delete {each}/32 dev {firewall.UPLINK}" for each in sorted(held - addresses)),
            *(f"address add {each}/32 dev {firewall.UPLINK}" for each in sorted(addresses - held)),
        )

    def _route(self, vpc: Vpc, subnet: Subnet) -> None:
        """Puts the new routes in before the old ones go, so that no packet finds none."""
        wanted = routes(self.cloud, vpc, subnet)
        before = self._routes.get(subnet.table)
        if wanted == before:
            return
        if before is None:
            flush = ["ip", "-netns", self.name, "route", "flush", "table", str(subnet.table)]
            run.run(flush, check=False)  # a table that was never used does not exist
        self._ip(*(f"route replace {line} table {subnet.table}" for line in sorted(wanted)))
        kept = {destination(line) for line in wanted}
        gone = [line for line in (before or set()) - wanted if destination(line) not in kept]
        self._ip(*(f"route delete {line} table {subnet.table}" for line in sorted(gone)))
        self._routes[subnet.table] = wanted

    def remove(self) -> None:
        """Removes the namespace, and with it all that is in there."""
        run.run(["ip", "link", "delete", names.uplink(self.cloud, self.number)], check=False)
        if self.path.exists():
            run.run(["ip", "netns", "delete", self.name])

    def _links(self) -> set[str]:
        listed: Any = json.loads(run.run(["ip", "-netns", self.name, "-json", "link", "show"]).stdout or "[]")
        return {link["ifname"] for link in listed}

    def _ip(self, *lines: str) -> None:
        if lines:
            run.run(["ip", "-netns", self.name, "-batch", "-"], input_text="\n".join(lines) + "\n")

    def _set(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            path = f"/proc/sys/net/ipv4/{name}"
            run.run(["ip", "netns", "exec", self.name, "tee", path], input_text=value)


def routes(cloud: Cloud, vpc: Vpc, subnet: Subnet) -> set[str]:
    """The lines of a subnet's routing table, as ip-route(8) takes them. What no line is for is unreachable."""
    lines = {f"{each.cidr} dev {each.bridge}" for each in vpc.subnets}
    lines |= {f"unreachable {vpc.cidr}", "unreachable default"}
    for route in subnet.routes:
        to = "default" if route.destination == "0.0.0.0/0" else route.destination
        bridge = vpc.bridge_of(route.address) if route.address else ""
        if route.internet:
            line = f"{to} via {cloud.host_address} dev {firewall.UPLINK}"
        elif bridge:
            line = f"{to} via {route.address} dev {bridge} onlink"
        else:
            line = f"blackhole {to}"
        lines -= {f"unreachable {to}"}
        lines.add(line)
    return lines


def destination(line: str) -> str:
    """What a line of a routing table is for."""
    words = line.split()
    return words[1] if words[0] in ("unreachable", "blackhole") else words[0]


def numbers(cloud: Cloud) -> list[int]:
    """The numbers of the cloud's routers that there are, by what is on the host."""
    begin = names.namespaces(cloud)
    found = names.NAMESPACES.iterdir() if names.NAMESPACES.is_dir() else ()
    return sorted(int(path.name.removeprefix(begin)) for path in found if re.fullmatch(rf"{begin}\d+", path.name))
