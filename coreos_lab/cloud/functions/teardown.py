"""Removes what functions have on the host, by what is there, and says what is left of it."""

from __future__ import annotations

from coreos_lab import disk
from coreos_lab.cloud import names
from coreos_lab.cloud.balancing.wiring import numbers
from coreos_lab.cloud.functions import places
from coreos_lab.cloud.functions.sandbox import PREFIX
from coreos_lab.model import Cloud
from coreos_lab.providers.base import InstanceProvider
from coreos_lab.records.clouds import CloudFolder


def end_processes(cloud: Cloud, provider: InstanceProvider) -> None:
    """Ends all functions' processes, such as those of a cloud's process that was killed."""
    for name in provider.confined(cloud.name):
        if name.startswith(PREFIX):
            provider.end_confined(cloud.name, name)
    for folder in CloudFolder(cloud.name).functions.glob("*/run-*/"):
        disk.remove_tree(folder)


def remove_all(cloud: Cloud, provider: InstanceProvider) -> None:
    """Ends all processes, and removes all namespaces."""
    end_processes(cloud, provider)
    for number in numbers(names.functions(cloud)):
        places.remove(cloud, number)


def left(cloud: Cloud) -> list[str]:
    """What there is of functions, besides cgroups and processes."""
    return [f"network namespace {names.function(cloud, number)}" for number in numbers(names.functions(cloud))]
