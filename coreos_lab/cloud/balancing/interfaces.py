"""A load balancer's network interfaces: an address in each subnet, and a public one if it is internet-facing."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud import interfaces
from coreos_lab.cloud.balancing.kept import CLASSIC, PUBLIC, Balancer
from coreos_lab.cloud.interfaces import BALANCER, Owner


def of(backend: Any, balancer: Balancer) -> list[Any]:
    """The interfaces that it has."""
    return interfaces.of(backend, BALANCER, balancer.key)


def ensure(backend: Any, balancer: Balancer) -> bool:
    """Gives it those that it should have. Returns whether it had to."""
    path = balancer.name if balancer.kind == CLASSIC else "/".join(balancer.arn.split("/")[1:])
    subnets, groups = tuple(balancer.subnets), tuple(balancer.groups)
    owner = Owner(BALANCER, balancer.key, subnets, groups, f"ELB {path}", balancer.scheme == PUBLIC)
    return interfaces.ensure(backend, owner)


def remove(backend: Any, balancer: Balancer) -> None:
    """Frees its addresses."""
    interfaces.remove(backend, BALANCER, balancer.key)


def forget_others(backend: Any, balancers: list[Balancer]) -> bool:
    """Removes interfaces of load balancers that are on no record. Returns whether there were any."""
    return interfaces.forget_others(backend, BALANCER, [each.key for each in balancers])
