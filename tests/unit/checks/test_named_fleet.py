"""Where units are active, by fleet and by the nodes' systemd."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.checks.inventory import CheckedNode, Inventory
from coreos_lab.checks.named_fleet import NamedFleet
from coreos_lab.clients.fleet import Machine, Unit, UnitState
from coreos_lab.clients.http import CannotCheckError


class Late(NamedFleet):
    """fleet that has launched a unit on each of two nodes and a Global one, and reports only the first as active."""

    def machines(self) -> list[Machine]:
        return [Machine("a", "172.17.8.101", {}), Machine("b", "172.17.8.102", {})]

    def units(self) -> list[Unit]:
        everywhere = (("X-Fleet", "Global", "true"),)
        return [
            Unit("web@1.service", "launched", "launched", "a", ()),
            Unit("web@2.service", "launched", "loaded", "b", ()),
            Unit("all.service", "launched", "launched", "", everywhere),
        ]

    def states(self) -> list[UnitState]:
        return [
            UnitState("web@1.service", "a", "loaded", "active", "running"),
            UnitState("web@2.service", "b", "loaded", "activating", "start-pre"),
            UnitState("all.service", "a", "loaded", "active", "running"),
        ]


def late(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ssh: str, *, broken: bool = False) -> Late:
    """The fleet, with a shell program in place of ssh."""
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\n{ssh}\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    nodes = (
        CheckedNode("core-01", "172.17.8.101", True, True),
        CheckedNode("core-02", "172.17.8.102", True, True, broken),
    )
    return Late(Inventory("core", "/nonexistent", nodes))


@pytest.mark.parametrize("silent", ["exit 255", "exit 1", "echo active"])
def test_a_node_that_does_not_say_is_no_state_of_its_units(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, silent: str
) -> None:
    """Its connection is lost, its systemd is away, or it answers for one unit of two."""
    fleet = late(monkeypatch, tmp_path, silent)
    with pytest.raises(
        CannotCheckError, match=r"core-02: its systemd could not be asked for all.service, web@2.service"
    ):
        fleet.active("*")
    assert fleet.active("web@1*") == {"web@1.service": "core-01"}, "what fleet reports needs no answer"


@pytest.mark.parametrize(
    ("answer", "broken", "active"),
    [
        ("active", False, True),
        ("activating", False, False),
        ("active", True, False),  # a broken node is not asked
    ],
)
def test_the_node_is_asked_for_what_fleet_does_not_report_yet(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str, broken: bool, active: bool
) -> None:
    fleet = late(
        monkeypatch,
        tmp_path,
        f"for unit in $(echo $4); do case $unit in *.service) echo {answer} ;; esac; done",
        broken=broken,
    )
    assert fleet.active("web@*") == {"web@1.service": "core-01"} | ({"web@2.service": "core-02"} if active else {})
    assert fleet.where("web@2") == ("core-02" if active else None)
    assert fleet.nodes_of("all") == ["core-01", "core-02"][: 1 + active]
