"""Reads the parts of a request to Auto Scaling, and refuses what is not as it must be."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud import query
from coreos_lab.cloud.sigv4 import RefusedError

MOST = 99
Asked = dict[str, Any]


# What a request may have that is no text.
TEXTS = (
    *("AutoScalingGroupNames", "InstanceIds", "InstanceRefreshIds", "LaunchConfigurationNames", "LoadBalancerNames"),
    *("PolicyNames", "PolicyTypes", "SecurityGroups", "TargetGroupARNs", "ActivityIds"),
)
STRUCTURES, STRUCTURE = ("BlockDeviceMappings", "Filters", "Tags"), ("Ebs", "LaunchTemplate", "Preferences")


def check(asked: Asked) -> None:
    """RefusedError for a part of a request that has another shape than it has. An empty text is an empty list."""
    for key, value in asked.items():
        if key in (*TEXTS, *STRUCTURES) and value != "":
            kind: type = str if key in TEXTS else dict
            if not isinstance(value, list) or not all(isinstance(each, kind) for each in value):
                raise query.malformed(key)
        elif not isinstance(value, dict if key in STRUCTURE else str) and value != "":
            raise query.malformed(key)
        for each in value if key in STRUCTURES else [value] if key in STRUCTURE and value else ():
            check(each)


def invalid(message: str) -> RefusedError:
    """The error for a request that is not as it must be."""
    return RefusedError("ValidationError", message)


def name(asked: Asked, key: str) -> str:
    name = str(asked.get(key, ""))
    if not 1 <= len(name) <= 255:  # noqa: PLR2004 - AWS's limit
        raise invalid(f"{key} is needed")
    return name


def count(asked: Asked, key: str, default: int | None = None, most: int = MOST) -> int:
    text = asked.get(key, default)
    if text is None or not query.is_number(text) or int(text) > most:
        raise invalid(f"{key}: {text}: must be a number from 0 to {most}")
    return int(text)


def disk(mapping: Asked) -> Asked:
    """A disk of a launch configuration, as RunInstances has it."""
    size = count(mapping.get("Ebs") or {}, "VolumeSize", most=16384)  # GiB, AWS's limit; EC2 has its own
    return {"DeviceName": name(mapping, "DeviceName"), "Ebs": {"VolumeSize": size}}


def tag(asked: Asked) -> Asked:
    return {
        "Key": name(asked, "Key"),
        "Value": asked.get("Value", ""),
        "PropagateAtLaunch": asked.get("PropagateAtLaunch") == "true",
    }
