"""With moto, what is in use can be deleted: here subnets and security groups of interfaces cannot, as at AWS."""

from __future__ import annotations

from functools import wraps
from typing import Any

from moto.ec2 import models as ec2
from moto.ec2.exceptions import DependencyViolationError


def change() -> None:
    """Changes moto."""
    subnet, group = ec2.EC2Backend.delete_subnet, ec2.EC2Backend.delete_security_group

    @wraps(subnet)
    def delete_subnet(self: Any, subnet_id: str) -> Any:
        if any(each.subnet.id == subnet_id for each in self.enis.values()):
            raise DependencyViolationError(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
        return subnet(self, subnet_id)

    @wraps(group)
    def delete_security_group(self: Any, name: str | None = None, group_id: str | None = None) -> Any:
        for each in self.enis.values():
            if any(group_id == one.id or (name and name == one.name) for one in each.group_set):
                raise DependencyViolationError(f"resource {group_id or name} has a dependent object")
        return group(self, name, group_id)

    ec2.EC2Backend.delete_subnet = delete_subnet
    ec2.EC2Backend.delete_security_group = delete_security_group
