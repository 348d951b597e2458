"""What the tests of updates ask the machines of a cluster, and what they begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.calls import NODES, Result, lab

Lab = Callable[..., Result]
NOBODY = "00000000000000000000000000000bad"


def on(node: str, line: str) -> str:
    return lab("ssh", node, "--", line).out.strip()


def versions() -> list[str]:
    return [on(node, "sed -n s/^IMAGE_VERSION=//p /etc/os-release") for node in NODES]


def boots() -> list[str]:
    return [on(node, "cat /proc/sys/kernel/random/boot_id") for node in NODES]


def locked() -> str:
    return on("core-01", "locksmithctl status")


@pytest.fixture
def updated(ch3: Lab) -> Iterator[Lab]:
    """Three nodes with ch3 and one machine image on them, and no lock left behind."""
    if len(set(versions())) > 1:  # a test that failed has left an update half done
        lab("update", code=None)
    yield ch3
    lab("heal", code=None)
    lab("up", code=None)
    lab("ssh", "core-01", "--", f"locksmithctl unlock {NOBODY}; locksmithctl set-max 1", code=None)
