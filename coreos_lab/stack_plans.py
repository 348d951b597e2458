"""A cluster of the provider `aws` on paper: its names and network, and the options of `lab up` that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Network, Stack

PROVIDER = "aws"
SUBNET = "10.0.0.0/16"  # the VPC's; flannel's 10.1.0.0/16 and Docker's 10.254.0.0/24 are beside it
HERE, AWS = "cloud", "aws"  # values of --endpoint: a `lab cloud`, AWS itself
SIZE = "t2.small"  # the chapter's type of instances
ITS_OWN = ("cloud", "endpoint", "instance_type", "allow_from")  # fields of a request
# Fields of a request that say nothing about a stack, and why.
OTHERS = {
    "disks": "the instances have no extra disks",
    "disk_size": "the instances have no extra disks",
    "memory": "the type of the instances decides: --instance-type",
    "cpus": "the type of the instances decides: --instance-type",
    "subnet": f"the stack's VPC has {SUBNET}, which no other network of this machine meets",
    "no_userns": "how instances are isolated is the cloud's affair",
}


def check(asked: Mapping[str, Any], provider: str) -> None:
    """UsageError for an option that the provider does not have. `asked` are the fields of a request."""
    if provider != PROVIDER:
        for field in ITS_OWN:
            if asked[field] is not None:
                option = f"--{field.replace('_', '-')} {asked[field]}"
                raise UsageError(f"{option}: only the provider aws has it", "add --provider aws")
        return
    for field, why in OTHERS.items():
        if asked[field] is not None:
            raise UsageError(f"--{field.replace('_', '-')}: {why}", "leave it out")
    _check_place(asked)
    for option in ("cloud_configs", "metadata"):
        for each in asked[option] or ():
            if each.node:
                raise UsageError(
                    f"--{option.removesuffix('s').replace('_', '-')} {each.node}: machines of a group are all alike",
                    "give it to all nodes",
                )


def _check_place(asked: Mapping[str, Any]) -> None:
    if asked["endpoint"] not in (None, HERE, AWS):
        raise UsageError(f"--endpoint {asked['endpoint']}: must be {HERE} (one on this machine) or {AWS} (AWS itself)")
    if asked["cloud"] is not None and asked["endpoint"] == AWS:
        raise UsageError(f"--cloud {asked['cloud']}: AWS itself is none", f"leave it out, or --endpoint {AWS}")
    if asked["endpoint"] == AWS and asked["allow_from"] is None:
        raise UsageError(
            f"--endpoint {AWS}: who may reach the machines is not said",
            "give the address that AWS sees you at: --allow-from 192.0.2.7/32",
        )
    if asked["allow_from"] is not None:
        try:
            IPv4Network(asked["allow_from"])
        except ValueError as error:
            raise UsageError(f"--allow-from {asked['allow_from']}: {error}", "write it as 192.0.2.7/32") from None


def group_of(cluster: Cluster) -> str:
    """The name of the stack, and of its group: both are the cluster's alone in an account and a region."""
    return f"lab-{cluster.name}"


def network(place: Network) -> Network:
    """The network of a stack. This host has no address in it: what it serves to the nodes listens on loopback."""
    return Network(SUBNET, f"127.{place.gateway.partition('.')[2]}", place.index)


def endpoint(stack: Stack) -> str:
    """The value of --endpoint that a stack was made with."""
    return HERE if stack.cloud else AWS
