"""Reads the parts of a request to Auto Scaling, and refuses what is not as it must be."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.sigv4 import RefusedError

MOST = 99
Asked = dict[str, Any]


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
    if text is None or not str(text).isdigit() or int(text) > most:
        raise invalid(f"{key}: {text}: must be a number from 0 to {most}")
    return int(text)


def disk(asked: Asked) -> Asked:
    return {"VolumeSize": int(asked["VolumeSize"])}


def tag(asked: Asked) -> Asked:
    return {
        "Key": asked["Key"],
        "Value": asked.get("Value", ""),
        "PropagateAtLaunch": asked.get("PropagateAtLaunch") == "true",
    }
