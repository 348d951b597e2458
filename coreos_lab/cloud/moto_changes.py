"""Makes moto serve as this cloud: all changes to it, and what a new account has at AWS and not with moto.

`apply` is to be called once, before the first backend is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2 import models as ec2
from moto.ec2.models.amis import Ami

from coreos_lab.cloud import moto_acls, moto_addresses, moto_dependencies, moto_instances, moto_networks, moto_volumes
from coreos_lab.model import Cloud

IMAGE = "ami-7d11c51d"  # the book's, for us-west-2; here in every region
COREOS = "595879546273"  # the account that published Container Linux


def apply(cloud: Cloud, console: Callable[[str], str]) -> None:
    """Changes moto for this cloud; `console` returns an instance's console output."""
    moto_instances.change(console)
    moto_networks.change(cloud)
    moto_addresses.change()
    moto_dependencies.change()
    moto_acls.change()
    moto_volumes.change()


def backend_of(cloud: Cloud) -> Any:
    """EC2's objects of a cloud."""
    return ec2.ec2_backends[DEFAULT_ACCOUNT_ID][cloud.region]


def furnish(cloud: Cloud) -> None:
    """What a new account has at AWS and not with moto: a way from the default VPC to the internet, and the image."""
    backend = backend_of(cloud)
    vpc = backend.get_default_vpc()
    gateway = backend.create_internet_gateway()
    backend.attach_internet_gateway(gateway.id, vpc.id)
    table = next(each for each in backend.route_tables.values() if each.vpc_id == vpc.id)
    backend.create_route(table.id, "0.0.0.0/0", gateway_id=gateway.id)
    backend.amis[IMAGE] = Ami(
        backend,
        IMAGE,
        name="CoreOS-stable-hvm",
        description="Container Linux in a lab: the machine image of every cluster",
        owner_id=COREOS,
        public=True,
        virtualization_type="hvm",
        architecture="x86_64",
        hypervisor="xen",
        root_device_type="ebs",
        root_device_name="/dev/xvda",
        region_name=f"{cloud.region}a",
    )
