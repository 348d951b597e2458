"""Where moto's networks are not as AWS's are. Each change says what moto does without it."""

from __future__ import annotations

from functools import wraps
from inspect import signature
from ipaddress import IPv4Network
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2 import models as ec2
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import elastic_ip_addresses, elastic_network_interfaces
from moto.ec2.models.route_tables import Route, RouteTable
from moto.ec2.models.subnets import SubnetBackend

from coreos_lab.cloud.states import PENDING, RUNNING
from coreos_lab.model import Cloud

FIRST_PUBLIC = 99  # .100 is the first; the routers' own are below


def change(cloud: Cloud) -> None:
    """Changes moto for this cloud."""
    _public_addresses(cloud)
    _zones()
    _interfaces()
    _routes()


def _public_addresses(cloud: Cloud) -> None:
    """moto invents public addresses of Amazon's; here they are the cloud's own, and reach the instance."""
    subnet = IPv4Network(cloud.public_subnet)

    def free() -> str:
        backend = ec2.ec2_backends[DEFAULT_ACCOUNT_ID][cloud.region]
        taken = {nic.public_ip for nic in backend.enis.values()} | {each.public_ip for each in backend.addresses}
        for host in list(subnet.hosts())[FIRST_PUBLIC:]:
            if str(host) not in taken:
                return str(host)
        raise EC2ClientError("InsufficientAddressCapacity", f"{subnet}: no public address is free")

    elastic_network_interfaces.random_public_ip = free
    elastic_ip_addresses.random_ip = free


def _zones() -> None:
    """moto puts a subnet without a zone into us-east-1a, whatever the region."""
    create = SubnetBackend.create_subnet

    @wraps(create)
    def in_region(self: Any, *args: Any, **more: Any) -> Any:
        asked = signature(create).bind(self, *args, **more).arguments
        if not asked.get("availability_zone") and not asked.get("availability_zone_id"):
            asked["availability_zone"] = f"{self.region_name}a"
        subnet = create(**asked)
        vpc = self.get_default_vpc()
        if vpc is None or subnet.vpc_id != vpc.id:  # with moto the first subnet of each zone is a default one
            subnet.default_for_az = subnet.map_public_ip_on_launch = False
        return subnet

    SubnetBackend.create_subnet = in_region


def _interfaces() -> None:
    """With moto an instance and its interface have groups and a source/dest check each, and only one gets a change."""
    of_instance, groups = ec2.EC2Backend.modify_instance_attribute, ec2.EC2Backend.modify_instance_security_groups
    of_interface = ec2.EC2Backend.modify_network_interface_attribute

    @wraps(of_instance)
    def instance_changed(self: Any, instance_id: str, key: str, value: Any) -> Any:
        if key == "source_dest_check":
            value = str(value).lower() == "true"
            self.get_instance(instance_id).nics[0].source_dest_check = value
        return of_instance(self, instance_id, key, value)

    @wraps(groups)
    def groups_changed(self: Any, instance_id: str, new_group_id_list: list[str]) -> Any:
        instance = groups(self, instance_id, new_group_id_list)
        instance.nics[0]._group_set = list(instance.security_groups)
        return instance

    @wraps(of_interface)
    def interface_changed(self: Any, eni_id: str, *args: Any, **more: Any) -> Any:
        answer = of_interface(self, eni_id, *args, **more)
        interface = self.get_network_interface(eni_id)
        if interface.instance is not None and interface.device_index == 0:
            interface.instance.source_dest_check = interface.source_dest_check
            interface.instance.security_groups = list(interface._group_set)
        return answer

    ec2.EC2Backend.modify_instance_attribute = instance_changed
    ec2.EC2Backend.modify_instance_security_groups = groups_changed
    ec2.EC2Backend.modify_network_interface_attribute = interface_changed


def _routes() -> None:
    """With moto every route is active, and nobody can ask for those that are not: flannel does."""

    def state(self: Any) -> str:
        if self.gateway is not None:
            return "active" if self.gateway.vpc is not None else "blackhole"
        target = self.instance or (self.interface.instance if self.interface is not None else None)
        here = self.local or (target is not None and target.state_code in (PENDING, RUNNING))
        return "active" if here else "blackhole"

    value = RouteTable.get_filter_value

    @wraps(value)
    def filtered(self: Any, name: str, method: str | None = None) -> Any:
        if name == "route.state":
            return [route.state for route in self._routes.values()]
        return value(self, name, method)

    Route.state = property(state)
    RouteTable.get_filter_value = filtered
