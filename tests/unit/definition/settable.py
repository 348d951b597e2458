"""A lab with settings, in a temporary folder."""

from __future__ import annotations

from pathlib import Path

from coreos_lab.model import Lab, LabUnit

UNIT = "[Service]\nEnvironment=OTHER_RATE=9 FEED_RATE=4 SEED=1\nEnvironment=WINDOW=900s\nExecStart=/bin/true\n"


def settable(tmp_path: Path) -> Lab:
    """Two units: feed.service has the settings' variables, plain.service has none."""
    feed, plain = tmp_path / "lab" / "feed.service", tmp_path / "lab" / "plain.service"
    feed.parent.mkdir()
    feed.write_text(UNIT)
    plain.write_text("[Service]\nExecStart=/bin/true\n")
    units = (LabUnit("feed.service", feed), LabUnit("plain.service", plain))
    settings = {"feed-rate": "events a second", "window": "how long"}
    return Lab("mine", "Mine", "What.", feed.parent, units, {}, settings=settings)
