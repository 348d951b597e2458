"""The cluster's bridge on the host, its way out, and the proof that neither is anybody else's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk, events, run
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Network
from coreos_lab.providers import cables, routes
from coreos_lab.providers.nspawn import names

FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass(frozen=True)
class Link:
    """An interface of the host: its alias ("" where it has none) and MAC address."""

    alias: str
    mac: str


def links_of_host() -> dict[str, Link]:
    """Every interface of the host by name."""
    listed = json.loads(run.run(["ip", "-json", "link", "show"]).stdout or "[]")
    return {link["ifname"]: Link(link.get("ifalias", ""), link.get("address", "")) for link in listed}


def is_ours(cluster: Cluster, link: Link | None) -> bool:
    """Whether an interface of our bridge's name is the cluster's own.

    The alias says so. The kernel takes it only after the bridge is made: one without any alias that has our MAC address
    is a bridge whose maker was killed in between.
    """
    if link is None:
        return False
    return link.alias == names.alias(cluster) or link == Link("", names.mac(cluster.network.gateway))


def create(cluster: Cluster, record: Path) -> None:
    """Makes the bridge with its address, and a way out through the host. What is there is left as it is.

    `record` is where what must be given back to the host is written down before it is changed.
    """
    network = cluster.network
    name = names.bridge(network)
    link = links_of_host().get(name)
    if link is not None and not is_ours(cluster, link):
        raise LabError(
            f"{name}: an interface of that name is there and is not the cluster's",
            f"remove it (ip link delete {name}) or destroy the cluster that it belongs to",
        )
    routes.require_free(network.subnet, name)
    if link is None:
        # The fixed MAC address keeps neighbours from losing the host when the port goes whose address the bridge would
        # else have taken.
        run.run(["ip", "link", "add", name, "address", names.mac(network.gateway), "type", "bridge"])
    run.run(["ip", "link", "set", name, "alias", names.alias(cluster)])
    address = names.with_prefix(network, network.gateway)
    run.run(["ip", "address", "replace", address, "dev", name])
    run.run(["ip", "link", "set", name, "up"])
    _open_way_out(cluster, record)


def nat_rules(network: Network) -> str:
    """The cluster's NAT, in a table of its own. The first two lines make it the same however often it is loaded."""
    table = f"ip {names.table(network)}"
    return "\n".join(
        [
            f"table {table}",
            f"delete table {table}",
            f"table {table} {{",
            "  chain postrouting {",
            "    type nat hook postrouting priority srcnat; policy accept;",
            f"    ip saddr {network.subnet} ip daddr != {network.subnet} masquerade",
            "  }",
            "}",
            "",
        ]
    )


def _open_way_out(cluster: Cluster, record: Path) -> None:
    """Lets nodes reach what the host reaches. Without it a cluster still works, only without the internet."""
    name = names.bridge(cluster.network)
    try:
        run.run(["nft", "--file", "-"], input_text=nat_rules(cluster.network))
    except run.CommandError as error:
        events.note("network", f"nodes have no way out: nft: {error.details.splitlines()[:1]}")
        return
    if FORWARD.read_text(encoding="utf-8").strip() == "0":
        disk.write_atomic(record, json.dumps({"ip_forward": "0"}))
        FORWARD.write_text("1", encoding="utf-8")
    if _forward_policy_drops():
        for direction in ("--in-interface", "--out-interface"):
            rule = ["FORWARD", direction, name, "--jump", "ACCEPT"]
            if run.run(["iptables", "--wait", "--check", *rule], check=False).returncode != 0:
                run.run(["iptables", "--wait", "--insert", *rule])


def _forward_policy_drops() -> bool:
    """Docker on the host closes forwarding for everybody: then our bridge needs a rule in its chain."""
    if run.which("iptables") is None:
        return False
    return "-P FORWARD DROP" in run.run(["iptables", "--wait", "--list-rules", "FORWARD"], check=False).stdout


def destroy(cluster: Cluster, record: Path) -> None:
    """Removes bridge, firewall table and rules, and gives the host its forwarding switch back."""
    name = names.bridge(cluster.network)
    links = links_of_host()
    bridge = links.get(name)
    if bridge is None or is_ours(cluster, bridge):
        for cable in links:
            if cable.startswith(f"{name}-"):  # the kernel takes its time to clear a dead node's end away
                run.run(["ip", "link", "delete", cable], check=False)
    if is_ours(cluster, bridge):
        run.run(["ip", "link", "delete", name])
    if run.which("nft"):
        run.run(["nft", "delete", "table", "ip", names.table(cluster.network)], check=False)
    for table in cables.cuts(cluster.network):
        cables.mend(table)
    if _forward_policy_drops():
        for direction in ("--in-interface", "--out-interface"):
            while not run.run(
                ["iptables", "--wait", "--delete", "FORWARD", direction, name, "--jump", "ACCEPT"],
                check=False,
            ).returncode:
                pass
    others = [link for link in links_of_host().values() if link.alias.startswith(names.ALIAS)]
    if record.exists() and not others:
        FORWARD.write_text(disk.read_json(record)["ip_forward"], encoding="utf-8")
    record.unlink(missing_ok=True)


def left(cluster: Cluster) -> list[str]:
    """Interfaces and firewall tables of the cluster that are still on the host."""
    name = names.bridge(cluster.network)
    links = links_of_host()
    foreign = name in links and not is_ours(cluster, links[name])
    found = [f"interface {link}" for link in links if not foreign and (link == name or link.startswith(f"{name}-"))]
    if run.which("nft"):
        tables = run.run(["nft", "list", "tables"], check=False).stdout
        found += [line for line in tables.splitlines() if line.split()[-1:] == [names.table(cluster.network)]]
    found += [f"table bridge {table}" for table in cables.cuts(cluster.network)]
    return found
