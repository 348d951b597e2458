"""What fleet understands by [X-Fleet]. test_unit_file_against_fleet.py asks fleet itself."""

from __future__ import annotations

import pytest

from coreos_lab.units import fleet_rules, unit_file
from coreos_lab.units.option import Option


@pytest.mark.parametrize(
    ("value", "resolved"),
    [("%n", "web@1.service"), ("%N.timer", "web@1.timer"), ("%p@%i.service", "web@1.service"), ("plain", "plain")],
)
def test_fleets_specifiers(value: str, resolved: str) -> None:
    assert fleet_rules.resolve(value, "web@1.service") == resolved


@pytest.mark.parametrize(
    ("conflicts", "expected"),
    [("web@*.service", True), ("other web@*", True), ('"web@2.service"', True), ("%p@*", True), ("other@*", False)],
)
def test_conflicts_are_patterns(conflicts: str, expected: bool) -> None:
    options = [Option("X-Fleet", "Conflicts", conflicts, 1)]
    assert fleet_rules.keeps_apart(options, "web@1.service", "web@2.service") is expected


def test_options_of_fleet_are_read_as_fleet_does() -> None:
    options = unit_file.parse('[X-Fleet]\nMachineOf="web@1.service"\nX-ConditionMachineOf=%p@%i.service\nGlobal=1\n')
    assert fleet_rules.peers(options, "a@2.service") == ["a@2.service", "web@1.service"]
    assert fleet_rules.is_global(options)
