"""Which providers there are."""

from __future__ import annotations

from coreos_lab.errors import UsageError
from coreos_lab.providers.base import InstanceProvider, Provider

NAMES = ("nspawn", "vagrant", "aws")


def provider(name: str) -> Provider:
    """The provider of that name; UsageError lists all names."""
    if name == "nspawn":
        from coreos_lab.providers.nspawn.provider import NspawnProvider

        return NspawnProvider()
    if name == "vagrant":
        from coreos_lab.providers.vagrant.provider import VagrantProvider

        return VagrantProvider()
    if name == "aws":
        from coreos_lab.providers.aws.provider import AwsProvider

        return AwsProvider()
    raise UsageError(f"--provider {name}: no such provider (there is: {', '.join(NAMES)})")


def instances() -> InstanceProvider:
    """What makes the machines of a cloud's instances."""
    from coreos_lab.providers.nspawn.instances import NspawnInstances

    return NspawnInstances()
