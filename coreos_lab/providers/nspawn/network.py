"""The cluster's bridge on the host and its NAT, and how the cluster's own bridge is told from others."""

from __future__ import annotations

import json
from dataclasses import dataclass

from coreos_lab import events, run
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Network
from coreos_lab.providers import cables, routes
from coreos_lab.providers.nspawn import cgroup, guard, host_settings, names, resolver


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

    The alias identifies it. The kernel sets an alias only after the bridge is made, so a bridge without any alias but
    with our MAC address was made by a command that was killed in between.
    """
    if link is None:
        return False
    return link.alias in names.aliases(cluster) or link == Link("", names.mac(cluster.network.gateway))


def create(cluster: Cluster) -> None:
    """Makes the bridge with its address, and NAT through the host. May be repeated.

    The host's settings are raised after the bridge is there: a `lab destroy` that restores them looks for bridges.
    """
    network = cluster.network
    name = names.bridge(network)
    link = links_of_host().get(name)
    if link is not None and not is_ours(cluster, link):
        raise LabError(
            f"{name}: an interface of that name exists and is not the cluster's",
            f"remove it (ip link delete {name}) or destroy the cluster that it belongs to",
        )
    routes.require_free(network.subnet, name)
    if link is None and cgroup.runs_elsewhere(cluster):
        raise LabError(
            f"{cluster.name}: a cluster of that name runs already, from another state folder",
            "give this one another name with --name",
        )
    if link is None:
        # Without a fixed MAC address the bridge takes one of its ports', and changes it when that node is gone: its
        # neighbours would lose the host.
        run.run(["ip", "link", "add", name, "address", names.mac(network.gateway), "type", "bridge"])
    run.run(["ip", "link", "set", name, "alias", names.alias(cluster)])
    address = names.with_prefix(network, network.gateway)
    run.run(["ip", "address", "replace", address, "dev", name])
    guard.put_up(cluster)
    run.run(["ip", "link", "set", name, "up"])
    try:
        routes.require_reached(cluster.nodes[0].address, name)
    except LabError:
        if link is None:  # while nothing of a plan exists it can be changed to another subnet
            destroy(cluster)
        raise
    with host_settings.lock():
        host_settings.require({**host_settings.LEAST, **(host_settings.SWITCHES if _open_way_out(cluster) else {})})
    resolver.provide(cluster)


def nat_rules(network: Network) -> str:
    """The cluster's NAT, in a table of its own. The first two lines make loading it idempotent."""
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


def _open_way_out(cluster: Cluster) -> bool:
    """Lets nodes reach what the host reaches, once it forwards. Returns whether that works: it is optional."""
    name = names.bridge(cluster.network)
    try:
        run.run(["nft", "--file", "-"], input_text=nat_rules(cluster.network))
    except run.CommandError as error:
        events.note("network", f"nodes cannot reach beyond this host: nft: {''.join(error.details.splitlines()[:1])}")
        return False
    if "-P FORWARD DROP" in _forward_rules():
        for direction in ("--in-interface", "--out-interface"):
            rule = ["FORWARD", direction, name, "--jump", "ACCEPT"]
            if run.run(["iptables", "--wait", "--check", *rule], check=False).returncode != 0:
                run.run(["iptables", "--wait", "--insert", *rule])
    return True


def _forward_rules() -> list[str]:
    """The chain FORWARD of iptables, as iptables(8) prints it. A Docker on the host sets its policy to DROP."""
    if run.which("iptables") is None:
        return []
    return run.run(["iptables", "--wait", "--list-rules", "FORWARD"], check=False).stdout.splitlines()


def destroy(cluster: Cluster) -> None:
    """Removes bridge, firewall tables and rules, and restores the host's settings with its last cluster."""
    resolver.stop(cluster)
    name = names.bridge(cluster.network)
    links = links_of_host()
    bridge = links.get(name)
    if bridge is None or is_ours(cluster, bridge):
        for cable in links:
            if cable.startswith(f"{name}-"):  # the kernel removes a dead node's cable only after some time
                run.run(["ip", "link", "delete", cable], check=False)
    if is_ours(cluster, bridge):
        run.run(["ip", "link", "delete", name])
    if run.which("nft"):
        run.run(["nft", "delete", "table", "ip", names.table(cluster.network)], check=False)
    guard.take_down(cluster)
    cables.mend_all(cluster.network)
    for rule in _forward_rules():  # the policy may have changed since they were inserted
        if rule.split()[3:4] == [name]:
            run.run(["iptables", "--wait", "--delete", *rule.split()[1:]], check=False)
    with host_settings.lock():
        if not any(link.alias.startswith(names.ALIAS) for link in links_of_host().values()):
            host_settings.give_back()
