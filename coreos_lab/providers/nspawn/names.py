"""Names and addresses on the host, derived from the plan alone, so that everything can be found and removed."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path

from coreos_lab import settings
from coreos_lab.model import Cluster, Network, Node
from coreos_lab.records.store import ClusterFolder

ALIAS = "coreos-lab"  # marks our bridges, so that no other interface is ever touched
CLOUD = "cloud."  # begins the name of the cluster that a cloud's instances are; a user's has no dot
ALIAS_MAX = 255  # bytes that an interface's alias holds


def bridge(network: Network) -> str:
    """The cluster's bridge. Interface names hold at most 15 characters; cluster names may be longer."""
    return f"lab{network.index}"


def cable(network: Network, node: Node) -> str:
    """The host's end of a node's cable, named after the last byte of its address."""
    return f"{bridge(network)}-{node.address.rpartition('.')[2]}"


def alias(cluster: Cluster) -> str:
    """The bridge's alias, which identifies its cluster.

    Two state folders may have clusters of the same name, and a state folder may be moved, so the alias has the identity
    that is kept in the cluster's folder.
    """
    return f"{ALIAS}:{cluster.name}:{ClusterFolder(cluster.name).identity}"


def aliases(cluster: Cluster) -> list[str]:
    """All aliases that the bridge may have: older versions of lab used the folder's path.

    A cluster that was never started has no identity yet.
    """
    own = [alias(cluster)] if ClusterFolder(cluster.name).identity else []
    return [*own, f"{ALIAS}:{settings.clusters_dir() / cluster.name}"[:ALIAS_MAX]]


def table(network: Network) -> str:
    """The name of the cluster's own firewall tables."""
    return f"coreos_lab_{network.index}"


def mac(address: str) -> str:
    """A locally administered MAC address derived from the IPv4 address: the same after every boot."""
    return "02:00:" + ":".join(f"{byte:02x}" for byte in IPv4Address(address).packed)


def link_local(address: str) -> str:
    """The address of IPv6 that the kernel gives to an interface with that MAC address."""
    packed = IPv4Address(address).packed
    return str(IPv6Address(b"\xfe\x80" + bytes(8) + packed[:1] + b"\xff\xfe" + packed[1:]))


def with_prefix(network: Network, address: str) -> str:
    """An address with the network's prefix length, as `ip address` takes it."""
    return f"{address}/{IPv4Network(network.subnet).prefixlen}"


def cluster_folder(cluster: Cluster) -> Path:
    """The folder with all files of a cluster, or of the cloud whose instances it is."""
    if cluster.name.startswith(CLOUD):
        return settings.clouds_dir() / cluster.name.removeprefix(CLOUD)
    return settings.clusters_dir() / cluster.name


def node_folder(cluster: Cluster, node: Node) -> Path:
    """The folder with all files of a node."""
    return cluster_folder(cluster) / "nodes" / node.name


def systemd_unit(cluster: Cluster, node: Node) -> str:
    """The transient service that a node runs in where the host's PID 1 is systemd."""
    return f"coreos-lab-{cluster.name}-{node.name}.service"
