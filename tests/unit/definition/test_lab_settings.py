"""A lab's settings: found in its units, and refused where they are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab.definition import lab_settings
from coreos_lab.errors import UsageError
from coreos_lab.model import Counted, Lab, LabUnit
from tests.unit.definition.settable import settable


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return settable(tmp_path)


def test_defaults_are_what_the_units_say(lab: Lab) -> None:
    assert lab_settings.default(lab, "feed-rate") == "4"
    assert lab_settings.default(lab, "window") == "900s"
    assert lab_settings.default(lab, "nothing") is None


@pytest.mark.parametrize(
    ("line", "value", "after"),
    [
        ('Environment=RATE=1 "Y=some RATE=2 b"', "1", 'Environment=RATE=7 "Y=some RATE=2 b"'),
        ('Environment="RATE=5"', "5", 'Environment="RATE=7"'),
        ("Environment='RATE=5 per second'", "5 per second", "Environment='RATE=7'"),
        ('Environment=RATE="5 6" B=1', "5 6", "Environment=RATE=7 B=1"),
        ("Environment = A=1 \\\n  RATE=5 \\\n  B=2", "5", "Environment = A=1 \\\n  RATE=7 \\\n  B=2"),
        ("Environment=RATE=1 RATE=2\nEnvironment=RATE=3", "3", "Environment=RATE=7 RATE=7\nEnvironment=RATE=7"),
        ("Environment=RATE=", "", "Environment=RATE=7"),
        ("Environment=MY_RATE=1 RATES=2", None, "Environment=MY_RATE=1 RATES=2"),
        ("# Environment=RATE=1", None, "# Environment=RATE=1"),
        ("RestartSec=5", None, "RestartSec=5"),
    ],
)
def test_a_line_is_read_and_written_as_systemd_reads_it(lab: Lab, line: str, value: str | None, after: str) -> None:
    text = f"[Service]\nExecStart=/bin/true\n{line}\n"
    lab.units[0].path.write_text(text)
    assert lab_settings.default(lab, "rate") == value
    assert lab_settings.applied(text, {"rate": "7"}) == text.replace(line, after)


@pytest.mark.parametrize("line", ["RestartSec=3600", "RestartSec = 1h", 'RestartSec="5"'])
def test_the_rhythm_of_a_unit_is_an_option_itself(lab: Lab, line: str) -> None:
    text = f"[Service]\nEnvironment=RESTART_SEC=9\n{line}\n"
    lab.units[0].path.write_text(text)
    value = line.partition("=")[2].strip().strip('"')
    assert lab_settings.default(lab, "restart-sec") == value
    assert lab_settings.applied(text, {"restart-sec": "20s"}) == text.replace(value, "20s")


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"feed-rat": "4"}, "mine has no such setting"),
        ({"window": "20 s"}, "not a plain word"),
        ({"window": "$(reboot)"}, "not a plain word"),
        ({"window": ""}, "not a plain word"),
    ],
)
def test_what_cannot_be_set_is_refused(lab: Lab, chosen: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        lab_settings.require(lab, chosen)


def test_a_lab_without_settings(lab: Lab) -> None:
    with pytest.raises(UsageError) as refused:
        lab_settings.require(replace(lab, settings={}), {"window": "1s"})
    assert "lists no settings" in refused.value.hint


@pytest.fixture
def counting(lab: Lab) -> Lab:
    """A template that has its instances by the setting feed-rate, from 3 on; feed.service says that there are 4."""
    template = LabUnit("more@.service", lab.units[1].path, counted=Counted(3, "feed-rate"))
    return replace(lab, units=(lab.units[0], template))


@pytest.mark.parametrize(
    ("chosen", "started"),
    [
        ({}, ("more@3.service", "more@4.service")),
        ({"window": "1s"}, ("more@3.service", "more@4.service")),
        ({"feed-rate": "3"}, ("more@3.service",)),
        ({"feed-rate": "1"}, ()),
    ],
)
def test_a_setting_counts_the_instances_of_a_template(
    counting: Lab, chosen: dict[str, str], started: tuple[str, ...]
) -> None:
    assert lab_settings.counted(counting, chosen).unit_names == ("feed.service", *started)
    assert lab_settings.in_full(counting).unit_names == ("feed.service", "more@3.service", "more@4.service")


@pytest.mark.parametrize("value", ["0", "two", "100", "1.5", "01"])
def test_what_is_no_number_of_instances_is_refused(counting: Lab, value: str) -> None:
    with pytest.raises(UsageError, match=f"--set feed-rate={value}: counts instances of mine") as refused:
        lab_settings.require(counting, {"feed-rate": value})
    assert "a whole number from 1 to 99" in refused.value.hint
