"""What systemd does when a service ends."""

from __future__ import annotations

from math import inf

import pytest

from coreos_lab.units import service_life, unit_file
from coreos_lab.units.service_life import Life


def life(*service: str, unit: str = "") -> Life:
    return service_life.of(unit_file.parse("\n".join(["[Unit]", unit, "[Service]", *service, ""])))


def test_what_a_unit_without_settings_gets() -> None:
    assert life() == Life("simple", False, "no", 0.1, 10.0, 5, 90.0, 0)


def test_the_last_value_counts_and_what_is_no_value_does_not() -> None:
    found = life("Restart=no", "Restart=always", "RestartSec=soon", "TimeoutSec=0", "TimeoutStopSec=1min 30s")
    assert (found.restart, found.restart_line, found.delay) == ("always", 5, 0.1)
    assert found.stop_limit == 90.0
    assert life("TimeoutSec=0").stop_limit == inf


@pytest.mark.parametrize(
    ("restart", "after_success", "after_failure"),
    [("no", 0, 0), ("always", 1, 1), ("on-success", 1, 0), ("on-failure", 0, 1), ("on-abnormal", 0, 0)],
)
def test_when_a_service_is_started_again(restart: str, after_success: int, after_failure: int) -> None:
    found = life(f"Restart={restart}")
    assert (found.again_after_success, found.again_after_failure) == (bool(after_success), bool(after_failure))


@pytest.mark.parametrize(
    ("service", "unit", "gives_up"),
    [
        ("", "", True),
        ("RestartSec=2", "", False),
        ("RestartSec=1", "StartLimitBurst=20", False),
        ("", "StartLimitIntervalSec=0", False),
        ("StartLimitInterval=0", "", False),
    ],
)
def test_when_systemd_gives_up(service: str, unit: str, gives_up: bool) -> None:
    assert life(service, unit=unit).gives_up is gives_up


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5.0), ("100ms", 0.1), ("1min 30s", 90.0), ("2h", 7200.0), ("infinity", inf), ("", None), ("1 moon", None)],
)
def test_time_spans(text: str, seconds: float | None) -> None:
    found = service_life.time_span(text)
    assert found == (None if seconds is None else pytest.approx(seconds))
