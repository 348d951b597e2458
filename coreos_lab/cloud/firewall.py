"""A router's nftables rules: security groups, network ACLs, source/dest check, public addresses: one transaction.

A subnet's instances are ports of one bridge, but no frame passes between ports: the router answers ARP for every
address (proxy_arp_pvlan), so every packet is routed, and connection tracking sees them all. The sender is identified by
its MAC address, which is bound to the port, the receiver by the next hop. So the rules also apply to packets of
containers, whose addresses are not the instance's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from coreos_lab.cloud.network import EVERYTHING, Entry, Group, Port, Rule, Subnet, Vpc
from coreos_lab.plan import REGISTRY_PORT

METADATA, API = "169.254.169.254", "169.254.169.252"  # the router's own addresses, the same in every VPC
UPLINK = "uplink"
HAIRPIN = 1  # the mark of packets from an instance to a public address of its own VPC
ICMP, ICMP_NUMBER = "icmp", "1"


def text(vpc: Vpc) -> str:
    """The tables as nft reads them. Beginning each with its removal makes loading idempotent."""
    return "\n".join([*_bridge_table(vpc), *_packet_table(vpc), ""])


def _bridge_table(vpc: Vpc) -> list[str]:
    """No frame between ports; no sender but the port's own instance."""
    ports = [
        line
        for port in vpc.ports
        for line in (
            f'    iifname "{port.cable}" ether saddr != {port.mac} counter drop',
            f'    iifname "{port.cable}" arp saddr ip != {port.address} counter drop',
        )
    ]
    return [
        "table bridge vpc",
        "delete table bridge vpc",
        "table bridge vpc {",
        "  chain between { type filter hook forward priority 0; policy drop; }",
        "  chain came {",
        "    type filter hook prerouting priority 0; policy accept;",
        *ports,
        "  }",
        "}",
    ]


def _packet_table(vpc: Vpc) -> list[str]:
    public = [port for port in vpc.ports if port.public]
    return [
        "table inet vpc",
        "delete table inet vpc",
        "table inet vpc {",
        *_set("own", "ether_addr . ipv4_addr", (f"{port.mac} . {port.address}" for port in vpc.ports)),
        *_set("macs", "ether_addr", (port.mac for port in vpc.ports)),
        *_set("with_public", "ipv4_addr", (port.address for port in public)),
        *_map("private_of", (f"{port.public} : {port.address}" for port in public)),
        *_map("public_of", (f"{port.address} : {port.public}" for port in public)),
        *(line for group in vpc.groups for line in _members(group, vpc.ports)),
        *(line for port in vpc.ports for line in _chains(port, vpc)),
        *(line for subnet in vpc.subnets for line in _acl_chains(subnet)),
        "  chain to_router {",
        "    type filter hook input priority filter; policy drop;",
        '    iifname "lo" accept',
        "    ct state established,related accept",
        "    ether saddr . ip saddr != @own counter drop",
        f"    ip daddr {METADATA} tcp dport 80 accept",
        f"    ip daddr {API} tcp dport {{ 80, 443, {REGISTRY_PORT} }} accept",
        f"    ip daddr {vpc.name_server} udp dport 53 accept",
        "  }",
        "  chain through {",
        "    type filter hook forward priority filter; policy drop;",
        '    iifname "subnet*" ether saddr != @macs counter drop',
        *(line for subnet in vpc.subnets for line in _acl_jumps(subnet)),
        *(f'    iifname "subnet*" ether saddr {port.mac} jump from_{port.number}' for port in vpc.ports),
        f'    iifname "{UPLINK}" ct state new ct status & dnat == 0 counter drop',
        f'    oifname "{UPLINK}" ip saddr @with_public accept',
        *(f"    meta mark {HAIRPIN} rt ip nexthop {port.address} goto public_to_{port.number}" for port in public),
        *(f'    oifname "subnet*" rt ip nexthop {port.address} goto to_{port.number}' for port in vpc.ports),
        "  }",
        "  chain came {",
        "    type nat hook prerouting priority dstnat; policy accept;",
        f'    iifname "{UPLINK}" dnat ip to ip daddr map @private_of',
        f'    iifname "subnet*" ip saddr @with_public ip daddr {{ 198.18.0.0/15 }} meta mark set {HAIRPIN}',
        f"    meta mark {HAIRPIN} dnat ip to ip daddr map @private_of",
        "  }",
        "  chain goes {",
        "    type nat hook postrouting priority srcnat; policy accept;",
        f'    oifname "{UPLINK}" snat ip to ip saddr map @public_of',
        f'    oifname "subnet*" meta mark {HAIRPIN} snat ip to ip saddr map @public_of',
        "  }",
        "}",
    ]


def _set(name: str, kind: str, elements: Iterable[str]) -> list[str]:
    listed = ", ".join(elements)
    return [f"  set {name} {{ type {kind};{f' elements = {{ {listed} }}' if listed else ''} }}"]


def _map(name: str, elements: Iterable[str]) -> list[str]:
    listed = ", ".join(elements)
    return [f"  map {name} {{ type ipv4_addr : ipv4_addr;{f' elements = {{ {listed} }}' if listed else ''} }}"]


def set_of(group: str) -> str:
    """The set with the addresses of a group's members."""
    return group.replace("-", "_")


def _members(group: Group, ports: Iterable[Port]) -> list[str]:
    return _set(set_of(group.name), "ipv4_addr", (port.address for port in ports if group.name in port.groups))


def _chains(port: Port, vpc: Vpc) -> list[str]:
    """What an instance may send, and what may reach it. A connection that was allowed goes on."""
    groups = [group for group in vpc.groups if group.name in port.groups]
    known = {group.name for group in vpc.groups}
    rules = [rule for group in groups for rule in group.ingress]
    egress = _matches([rule for group in groups for rule in group.egress], "daddr", known)
    ingress = _matches(rules, "saddr", known)
    return [
        f"  chain from_{port.number} {{",
        *([f"    ip saddr != {port.address} counter drop"] if port.checked else []),
        "    ct state established,related return",
        *(f"    {match}return" for match in egress),
        "    counter drop",
        "  }",
        f"  chain to_{port.number} {{",
        *([f"    ip daddr != {port.address} counter drop"] if port.checked else []),
        "    ct state established,related accept",
        *(f"    {match}accept" for match in ingress),
        "    counter drop",
        "  }",
        *(_public_chain(port, rules, vpc) if port.public else ()),
    ]


def _public_chain(port: Port, rules: Iterable[Rule], vpc: Vpc) -> list[str]:
    """What may reach an instance at its public address from the same VPC.

    The sender counts as its own public address, as at AWS, so rules with a group as their source do not hold. The
    packet gets that address only after these rules: they name the private ones of those that a block is about.
    """
    senders = [(each.address, IPv4Address(each.public)) for each in vpc.ports if each.public]
    matches = []
    for rule in rules:
        block = IPv4Network(rule.addresses or "0.0.0.0/32", strict=False)
        if among := [address for address, public in senders if public in block]:
            matches += _matches([replace(rule, addresses=f"{{ {', '.join(among)} }}")], "saddr", set())
    return [
        f"  chain public_to_{port.number} {{",
        *(f"    {match}accept" for match in matches),
        "    counter drop",
        "  }",
    ]


def _acl_jumps(subnet: Subnet) -> list[str]:
    """Where a packet meets a subnet's network ACL: on its way out of the subnet or into it, whatever its connection."""
    here = f'"{subnet.bridge}"'
    ways = (
        (subnet.egress, f"iifname {here} oifname != {here} jump acl_from_{subnet.number}"),
        (subnet.ingress, f"oifname {here} iifname != {here} jump acl_to_{subnet.number}"),
    )
    return [f"    {jump}" for entries, jump in ways if not _is_open(entries)]


def _acl_chains(subnet: Subnet) -> list[str]:
    lines = []
    for entries, name, side in ((subnet.egress, "acl_from", "daddr"), (subnet.ingress, "acl_to", "saddr")):
        if not _is_open(entries):
            verdicts = (
                f"    {_match(each.rule, side, set())}{'return' if each.allow else 'counter drop'}" for each in entries
            )
            lines += [f"  chain {name}_{subnet.number} {{", *verdicts, "    counter drop", "  }"]
    return lines


def _is_open(entries: tuple[Entry, ...]) -> bool:
    return entries[:1] == (EVERYTHING,)


def _matches(rules: Iterable[Rule], side: str, groups: set[str]) -> list[str]:
    return [match for rule in rules if (match := _match(rule, side, groups)) is not None]


def _match(rule: Rule, side: str, groups: set[str]) -> str | None:
    """A rule's condition as nft has it, with a space behind; None for one that nothing here can fulfil."""
    if rule.group:
        if rule.group not in groups:
            return None
        where = f"ip {side} @{set_of(rule.group)} "
    else:
        where = f"ip {side} {rule.addresses} "
    if rule.protocol == "-1":
        return where
    if rule.protocol in (ICMP, ICMP_NUMBER):
        kind = f"icmp type {rule.first} " if rule.first not in (None, -1) else "ip protocol icmp "
        code = f"icmp code {rule.last} " if rule.first not in (None, -1) and rule.last not in (None, -1) else ""
        return f"{where}{kind}{code}"
    ports = "" if rule.first is None else f"th dport {rule.first}-{rule.last} "
    return f"{where}meta l4proto {rule.protocol} {ports if rule.protocol in ('tcp', 'udp') else ''}"
