"""Parameters whose values are things that must be there, such as AWS::EC2::KeyPair::KeyName."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from coreos_lab.cloud.formation import parameters
from coreos_lab.cloud.formation.errors import invalid

# How EC2 is asked for one: the call, and its parameter.
CALLS = {
    "KeyPair::KeyName": ("describe_key_pairs", "KeyNames"),
    "Image::Id": ("describe_images", "ImageIds"),
    "SecurityGroup::Id": ("describe_security_groups", "GroupIds"),
    "Subnet::Id": ("describe_subnets", "SubnetIds"),
    "VPC::Id": ("describe_vpcs", "VpcIds"),
}


def check(declared: Mapping[str, Any], values: Mapping[str, str], client: Callable[[str], Any]) -> None:
    """RefusedError for a parameter whose value is not there."""
    for name, rules in declared.items():
        kind = parameters.single(rules["Type"])
        if kind in CALLS:
            call, parameter = CALLS[kind]
            for value in parameters.split(rules["Type"], values[name]):
                try:
                    getattr(client("ec2"), call)(**{parameter: [value]})
                except Exception as error:
                    raise invalid(
                        f"Parameter validation failed: parameter value {value} for parameter name {name} does not exist"
                    ) from error
