"""A cluster's machine image is changed while a lab runs on it: by update engines and locksmith, and back again."""

from __future__ import annotations

import re
from typing import Any

from tests.e2e.calls import NODES, lab
from tests.e2e.updates import Lab, boots, locked, on, updated, versions

__all__ = ["updated"]  # a fixture


def as_dict(verdict: Any) -> dict[str, Any]:
    return {phase["name"]: phase for phase in verdict["phases"]}


def test_an_update_and_the_way_back(updated: Lab) -> None:
    """The front keeps its objective, no two machines are away at once, and each runs the other version in the end."""
    del updated
    old, booted = versions(), boots()
    assert len(set(old)) == 1
    done = lab("update", "--json")
    verdict = done.json
    assert verdict["outcome"] == "pass", verdict
    phases = as_dict(verdict)
    assert phases["under the lock"]["evidence"] == "1 at most away at once"
    away = dict(re.findall(r"(core-0\d) away for ([\d.]+) s", phases["update"]["evidence"]))
    assert list(away) == list(NODES)
    assert any(map(float, away.values())), "on a busy host a machine may reboot between two reads, but not all"
    assert verdict["outages"]["ch3/front"] <= verdict["objectives"]["ch3/front"]
    new = versions()
    assert len(set(new)) == 1
    assert new != old
    assert not set(boots()) & set(booted), "each was rebooted"
    assert "Available: 1" in locked()
    slots = on("core-01", "cat /boot/slots")
    assert f"image={new[0]} priority=2 tries=0 successful=1" in slots
    assert f"image={old[0]} priority=1" in slots
    journal = on("core-02", "journalctl --boot=-1 --unit locksmithd --output cat --no-pager")
    assert "Reboot sent." in journal, "it was locksmith that rebooted"
    assert all(f"{node}: is updated" in done.err for node in NODES), done.err
    assert any(f"{node}: does not answer: it shuts down or boots" in done.err for node in NODES), done.err
    assert lab("verdict", "--json").json["outcome"] == "pass"

    lab("update", "--back")
    assert versions() == old
    lab("check", "ch3")
