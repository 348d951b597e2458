"""With moto, a subnet that was read from disk gives out the addresses of the router and the name server first."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.subnets import Subnet


def change() -> None:
    """Changes moto: a new interface gets the first address that is free and not AWS's own."""

    def first_free(self: Any, instance: Any) -> str:
        reserved = {*self._reserved_ips, *self.aws_reserved_ips}
        for host in self.cidr.hosts():
            if host not in reserved and str(host) not in self._subnet_ips:
                self._unused_ips.discard(str(host))
                self._subnet_ips[str(host)] = instance
                return str(host)
        raise EC2ClientError(
            "InsufficientFreeAddressesInSubnet", f"There are not enough free addresses in subnet '{self.id}'"
        )

    Subnet.get_available_subnet_ip = first_free
