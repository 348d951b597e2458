"""Which hypervisor and which box."""

from __future__ import annotations

import pytest

from coreos_lab.errors import UsageError
from coreos_lab.model import VagrantBox
from coreos_lab.plan import Request, plan
from coreos_lab.providers.vagrant import boxes


@pytest.mark.parametrize(
    ("given", "virtualbox", "chosen"),
    [
        ("", True, "virtualbox"),
        ("", False, "libvirt"),
        ("libvirt", True, "libvirt"),
        ("virtualbox", False, "virtualbox"),
    ],
)
def test_which_hypervisor(given: str, virtualbox: bool, chosen: str) -> None:
    assert boxes.hypervisor({"VAGRANT_DEFAULT_PROVIDER": given}, virtualbox=virtualbox) == chosen


def test_a_hypervisor_that_is_not_supported_is_named() -> None:
    with pytest.raises(UsageError, match=r"VAGRANT_DEFAULT_PROVIDER=hyperv: not supported \(there is: virtualbox, li"):
        boxes.hypervisor({"VAGRANT_DEFAULT_PROVIDER": "hyperv"}, virtualbox=False)


def choose(on: str, **given: str | None) -> VagrantBox:
    return boxes.choose(on, "ours", "qemu", **{"channel": None, "name": None, "version": None, **given})


def test_which_box() -> None:
    assert choose("libvirt") == VagrantBox("libvirt", "ours", driver="qemu")
    assert choose("virtualbox").name == "flatcar-stable"
    lts = choose("virtualbox", channel="lts", version="4081.3.1")
    assert (lts.name, lts.version, lts.flatcar) == ("flatcar-lts", "4081.3.1", True)
    assert lts.url.startswith("https://lts.")
    assert "/4081.3.1/" in lts.url
    assert choose("libvirt", name="mine/box", version="2") == VagrantBox("libvirt", "mine/box", "2", driver="qemu")


@pytest.mark.parametrize(
    ("on", "given", "message"),
    [
        ("virtualbox", {"channel": "edge"}, "--channel edge: no such channel"),
        ("libvirt", {"channel": "beta"}, "Flatcar has boxes for VirtualBox only"),
        ("libvirt", {"version": "2"}, "--box-version: the lab's own box has none"),
    ],
)
def test_a_box_that_there_cannot_be(on: str, given: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose(on, **given)


def test_boxes_are_vagrants() -> None:
    with pytest.raises(UsageError, match="--channel beta: boxes are Vagrant's"):
        plan(Request(channel="beta"), None, set())
    assert plan(Request(provider="vagrant", channel="beta"), None, set()).agent_ttl == "30s"
