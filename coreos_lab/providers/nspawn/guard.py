"""What a cluster's nodes may reach: each other, its own services on their bridge, and what lies beyond.

The host's own services, at any of its addresses, and other clusters are blocked. The rules are in a table of the
cluster's own and concern only packets from its bridge. What the host sends to its nodes, and their answers, pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Network
from coreos_lab.plan import DISCOVERY_PORT, OBJECTS_PORT, REGISTRY_PORT, UPDATES_PORT
from coreos_lab.providers.nspawn import names, resolver
from coreos_lab.records.store import ClusterFolder


def rules(network: Network, resolvers: list[str], ports: Sequence[int] = (REGISTRY_PORT,)) -> str:
    """The table as nft reads it. The first two lines make loading it idempotent.

    `resolvers` are the nodes' name servers, which may listen on the host itself; `ports` are those of the cluster's own
    services on its bridge.
    """
    bridge, table = names.bridge(network), f"inet {names.table(network)}"
    dns = f"    ip daddr {{ {', '.join(resolvers)} }} meta l4proto {{ tcp, udp }} th dport 53 accept"
    return "\n".join(
        [
            f"table {table}",
            f"delete table {table}",
            f"table {table} {{",
            "  chain to_host {",
            "    type filter hook input priority filter; policy accept;",
            f'    iifname != "{bridge}" accept',
            "    ct state established,related accept",
            *(f"    ip daddr {network.gateway} tcp dport {port} accept" for port in ports),
            f"    ip daddr {network.gateway} icmp type echo-request accept",
            dns,
            "    counter drop",
            "  }",
            "  chain beyond {",
            "    type filter hook forward priority filter; policy accept;",
            f'    iifname "{bridge}" oifname "{bridge}" accept',
            "    ct state established,related accept",
            f'    iifname "{bridge}" oifname "lab*" counter drop',
            f'    iifname "lab*" oifname "{bridge}" counter drop',
            # A port that a Docker on the host publishes is a service of the host.
            f'    iifname "{bridge}" ct status dnat counter drop',
            "  }",
            "}",
            "",
        ]
    )


def put_up(cluster: Cluster) -> None:
    """Loads the rules. LabError where this kernel cannot: nodes would reach the host's services."""
    servers = list(dict.fromkeys([cluster.network.gateway, *resolver.for_nodes()]))
    ports = [
        REGISTRY_PORT,
        *([DISCOVERY_PORT] if ClusterFolder(cluster.name).discovery.exists() else []),
        *([UPDATES_PORT] if cluster.offers else []),
        *([OBJECTS_PORT] if ClusterFolder(cluster.name).objects.is_dir() else []),
    ]
    done = run.run(["nft", "--file", "-"], input_text=rules(cluster.network, servers, ports), check=False)
    if done.returncode != 0:
        raise LabError(
            f"{names.bridge(cluster.network)}: nft cannot isolate nodes from the host's services",
            "use a kernel with CONFIG_NF_TABLES_INET and connection tracking",
            done.stderr.strip(),
        )


def take_down(cluster: Cluster) -> None:
    """Removes the rules, if they are there."""
    if run.which("nft"):
        run.run(["nft", "delete", "table", "inet", names.table(cluster.network)], check=False)
