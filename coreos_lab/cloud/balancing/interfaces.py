"""A load balancer's network interfaces, among EC2's: an address in each subnet, and a public one if it has such."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.balancing.kept import CLASSIC, PUBLIC, Balancer
from coreos_lab.cloud.sigv4 import RefusedError


def of(backend: Any, balancer: Balancer) -> list[Any]:
    """The interfaces that it has."""
    return [each for each in backend.enis.values() if getattr(each, "lab_balancer", "") == balancer.key]


def ensure(backend: Any, balancer: Balancer) -> bool:
    """Gives it those that are missing, takes the others away, sets the security groups. Returns whether it had to."""
    there = {each.subnet.id: each for each in of(backend, balancer)}
    surplus, missing = set(there) - set(balancer.subnets), set(balancer.subnets) - set(there)
    for subnet in surplus:
        there.pop(subnet).delete()
    for subnet in sorted(missing):
        there[subnet] = _make(backend, balancer, subnet)
    groups = [backend.get_security_group_from_id(each) for each in balancer.groups]
    others = [each for each in there.values() if each._group_set != groups]
    for interface in others:
        interface._group_set = list(groups)
    return bool(surplus or missing or others)


def remove(backend: Any, balancer: Balancer) -> None:
    """Frees its addresses."""
    for interface in of(backend, balancer):
        interface.delete()


def forget_others(backend: Any, balancers: list[Balancer]) -> bool:
    """Removes interfaces of load balancers that are on no record. Returns whether there were any."""
    known = {"", *(each.key for each in balancers)}
    others = [each for each in backend.enis.values() if getattr(each, "lab_balancer", "") not in known]
    for interface in others:
        interface.delete()
    return bool(others)


def _make(backend: Any, balancer: Balancer, name: str) -> Any:
    from moto.ec2.exceptions import EC2ClientError
    from moto.ec2.models import elastic_network_interfaces

    subnet = backend.get_subnet(name)
    try:
        address = subnet.get_available_subnet_ip(None)
    except EC2ClientError:
        raise RefusedError("InvalidSubnet", f"Not enough IP space available in {name}.") from None
    path = balancer.name if balancer.kind == CLASSIC else "/".join(balancer.arn.split("/")[1:])
    interface = backend.create_network_interface(subnet, address, group_ids=balancer.groups, description=f"ELB {path}")
    subnet._subnet_ips[address] = interface
    interface.lab_balancer = balancer.key
    interface.requester_managed, interface.status = True, "in-use"
    if balancer.scheme == PUBLIC:
        interface.public_ip = elastic_network_interfaces.random_public_ip()
    return interface
