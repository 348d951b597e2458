"""Names of a cloud's things on the host, derived from its plan, so that everything can be found and removed."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

from coreos_lab.model import Cloud
from coreos_lab.records.clouds import CloudFolder

NAMESPACES = Path("/run/netns")  # where ip-netns(8) keeps them


def bridge(cloud: Cloud) -> str:
    """The host's bridge with the cloud's public addresses: the internet, to the cloud."""
    return f"labc{cloud.index}"


def uplink(cloud: Cloud, vpc: int) -> str:
    """The host's end of a router's way out."""
    return f"{bridge(cloud)}-{vpc}"


def namespace(cloud: Cloud, vpc: int) -> str:
    """The network namespace that is a VPC's router."""
    return f"{namespaces(cloud)}{vpc}"


def namespaces(cloud: Cloud) -> str:
    """How the names of a cloud's routers begin."""
    return f"coreos-lab-cloud{cloud.index}-vpc"


def balancer(cloud: Cloud, number: int) -> str:
    """The network namespace of a load balancer."""
    return f"{balancers(cloud)}{number}"


def balancers(cloud: Cloud) -> str:
    """How the names of the load balancers' namespaces begin."""
    return f"coreos-lab-cloud{cloud.index}-lb"


def function(cloud: Cloud, number: int) -> str:
    """The network namespace of a function."""
    return f"{functions(cloud)}{number}"


def functions(cloud: Cloud) -> str:
    """How the names of the functions' namespaces begin."""
    return f"coreos-lab-cloud{cloud.index}-fn"


def router_address(cloud: Cloud, vpc: int) -> str:
    """A router's own address among the public ones."""
    return str(IPv4Network(cloud.public_subnet)[1 + vpc])


def alias(cloud: Cloud) -> str:
    """The bridge's alias, which identifies its cloud. Its beginning keeps the host's settings from being given back."""
    return f"coreos-lab:cloud:{cloud.name}:{CloudFolder(cloud.name).identity}"


def table(cloud: Cloud) -> str:
    """The name of the cloud's own firewall tables on the host."""
    return f"coreos_lab_cloud_{cloud.index}"
