"""Network interfaces of services, among EC2's: a load balancer or a function has an address in each of its subnets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from coreos_lab.cloud.sigv4 import RefusedError

BALANCER, FUNCTION = "lab_balancer", "lab_function"  # the attributes of moto's interfaces that say whose one is


@dataclass(frozen=True)
class Owner:
    """What has interfaces. `kind` is BALANCER or FUNCTION, `key` tells those of a kind apart."""

    kind: str
    key: str
    subnets: tuple[str, ...]
    groups: tuple[str, ...]
    description: str
    public: bool = False


def is_service(interface: Any) -> bool:
    """Whether an interface is a load balancer's or a function's."""
    return bool(getattr(interface, BALANCER, "") or getattr(interface, FUNCTION, ""))


def of(backend: Any, kind: str, key: str) -> list[Any]:
    """The interfaces that one has."""
    return [each for each in backend.enis.values() if getattr(each, kind, "") == key]


def ensure(backend: Any, owner: Owner) -> bool:
    """Gives it those that are missing, takes the others away, sets the security groups. Returns whether it had to."""
    there = {each.subnet.id: each for each in of(backend, owner.kind, owner.key)}
    surplus, missing = set(there) - set(owner.subnets), set(owner.subnets) - set(there)
    for subnet in surplus:
        there.pop(subnet).delete()
    for subnet in sorted(missing):
        there[subnet] = _make(backend, owner, subnet)
    groups = [backend.get_security_group_from_id(each) for each in owner.groups]
    others = [each for each in there.values() if each._group_set != groups]
    for interface in others:
        interface._group_set = list(groups)
    return bool(surplus or missing or others)


def remove(backend: Any, kind: str, key: str) -> None:
    """Frees its addresses."""
    for interface in of(backend, kind, key):
        interface.delete()


def forget_others(backend: Any, kind: str, keys: Collection[str]) -> bool:
    """Removes interfaces of those of a kind that are on no record. Returns whether there were any."""
    others = [each for each in backend.enis.values() if getattr(each, kind, "") not in ("", *keys)]
    for interface in others:
        interface.delete()
    return bool(others)


def _make(backend: Any, owner: Owner, name: str) -> Any:
    from moto.ec2.exceptions import EC2ClientError
    from moto.ec2.models import elastic_network_interfaces

    subnet = backend.get_subnet(name)
    try:
        address = subnet.get_available_subnet_ip(None)
    except EC2ClientError:
        raise RefusedError("InvalidSubnet", f"Not enough IP space available in {name}.") from None
    groups = list(owner.groups)
    interface = backend.create_network_interface(subnet, address, group_ids=groups, description=owner.description)
    subnet._subnet_ips[address] = interface
    setattr(interface, owner.kind, owner.key)
    interface.requester_managed, interface.status = True, "in-use"
    if owner.public:
        interface.public_ip = elastic_network_interfaces.random_public_ip()
    return interface
