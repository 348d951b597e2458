"""What may be set of a lab: found in its units, refused where it is none, and written beside the record of the lab."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab import lab_settings, submitted
from coreos_lab.errors import UsageError
from coreos_lab.model import Lab, LabUnit

UNIT = "[Service]\nEnvironment=OTHER_RATE=9 FEED_RATE=4 SEED=1\nEnvironment=WINDOW=900s\nExecStart=/bin/true\n"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    feed, plain = tmp_path / "lab" / "feed.service", tmp_path / "lab" / "plain.service"
    feed.parent.mkdir()
    feed.write_text(UNIT)
    plain.write_text("[Service]\nExecStart=/bin/true\n")
    units = (LabUnit("feed.service", feed), LabUnit("plain.service", plain))
    settings = {"feed-rate": "events a second", "window": "how long"}
    return Lab("mine", "Mine", "What.", feed.parent, units, {}, settings=settings)


def test_defaults_are_what_the_units_say(lab: Lab) -> None:
    assert lab_settings.default(lab, "feed-rate") == "4"
    assert lab_settings.default(lab, "window") == "900s"
    assert lab_settings.default(lab, "nothing") is None


def test_a_setting_changes_its_word_and_nothing_else(lab: Lab, tmp_path: Path) -> None:
    told = submitted.units(lab, {"feed-rate": "40", "window": "20s"}, {}, tmp_path / "units")
    text = told.units[0].path.read_text()
    assert text == UNIT.replace("FEED_RATE=4", "FEED_RATE=40").replace("900s", "20s")
    assert told.units[0].name == "feed.service"
    assert lab.units[0].path.read_text() == UNIT
    again = submitted.units(lab, {}, {}, tmp_path / "units")
    assert again.units[0].path.read_text() == UNIT, "what was set earlier is set no more"


def test_a_unit_whose_container_image_is_another_is_another(lab: Lab, tmp_path: Path) -> None:
    pull = "[Service]\nExecStartPre=-/usr/bin/docker pull web\nExecStart=/usr/bin/docker run web\n"
    lab.units[1].path.write_text(pull)
    images = {"web": "sha256:aa", "webstack": "sha256:bb"}
    told = submitted.units(lab, {}, images, tmp_path / "units")
    assert told.units[1].path.read_text() == pull + "\n[X-Lab]\nContainerImage=web@sha256:aa\n"
    assert told.units[0].path.read_text() == UNIT


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"feed-rat": "4"}, "mine has no such setting"),
        ({"window": "20 s"}, "not a plain word"),
        ({"window": "$(reboot)"}, "not a plain word"),
        ({"window": ""}, "not a plain word"),
    ],
)
def test_what_cannot_be_set_is_refused(lab: Lab, told: dict[str, str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        lab_settings.require(lab, told)


def test_a_lab_without_settings_says_so(lab: Lab) -> None:
    with pytest.raises(UsageError) as refused:
        lab_settings.require(replace(lab, settings={}), {"window": "1s"})
    assert "lists no settings" in refused.value.hint
