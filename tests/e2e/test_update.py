"""A cluster's machine image is changed while a lab runs on it: by update engines and locksmith, and back again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.calls import NAME, STATE, Result, lab, start, until

Lab = Callable[..., Result]
NODES = ("core-01", "core-02", "core-03")
LONG = 900.0  # seconds: locksmithd asks again after 10, 20, 40 ... s, and reboots take their time on a slow machine
NOBODY = "00000000000000000000000000000bad"


def on(node: str, line: str) -> str:
    return lab("ssh", node, "--", line).out.strip()


def versions() -> list[str]:
    return [on(node, "sed -n s/^IMAGE_VERSION=//p /etc/os-release") for node in NODES]


def boots() -> list[str]:
    return [on(node, "cat /proc/sys/kernel/random/boot_id") for node in NODES]


def locked() -> str:
    return on("core-01", "locksmithctl status")


def as_dict(verdict: Any) -> dict[str, Any]:
    return {phase["name"]: phase for phase in verdict["phases"]}


@pytest.fixture
def updated(ch3: Lab) -> Iterator[Lab]:
    """Three nodes with ch3 on them, and no lock left behind."""
    yield ch3
    lab("heal", code=None)
    lab("up", code=None)
    lab("ssh", "core-01", "--", f"locksmithctl unlock {NOBODY}; locksmithctl set-max 1", code=None)


def test_an_update_and_the_way_back(updated: Lab) -> None:
    """The front keeps its objective, no two machines are away at once, and each runs the other version in the end."""
    del updated
    old, booted = versions(), boots()
    assert len(set(old)) == 1
    done = lab("update", "--json", timeout=LONG)
    verdict = done.json
    assert verdict["outcome"] == "pass", verdict
    phases = as_dict(verdict)
    assert phases["under the lock"]["evidence"] == "1 at most away at once"
    assert re.findall(r"(core-0\d) away for [1-9]", phases["update"]["evidence"]) == list(NODES)
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
    for node in NODES:
        assert f"{node}: does not answer: it shuts down or boots" in done.err, done.err
    assert lab("verdict", "--json").json["outcome"] == "pass"

    lab("update", "--back", timeout=LONG)
    assert versions() == old
    lab("check", "ch3")


def test_a_lock_whose_holder_is_lost_is_named_and_the_update_goes_on_after_it(updated: Lab) -> None:
    del updated
    old = versions()
    on("core-01", f"locksmithctl lock {NOBODY}")
    stopped = lab("update", code=4, timeout=LONG)
    assert f"waits for the reboot lock, which machine {NOBODY} has: no machine of this cluster" in stopped.err
    remedy = re.search(r"lab (ssh \S+ -- locksmithctl unlock \w+)|--name \S+ (core-\d+)", stopped.err)
    assert remedy, stopped.err
    assert versions() == old
    assert lab("update", "--dry-run").json["resumed"] is True
    on("core-01", f"locksmithctl unlock {NOBODY}")
    lab("update", timeout=LONG)
    assert not set(versions()) & set(old)


def test_a_machine_that_does_not_come_back_stops_it_and_the_next_call_goes_on(updated: Lab) -> None:
    """Its power is cut while it boots the new image for the first time: it boots the old one then."""
    del updated
    before = lab("update", "--dry-run").json
    running = start("update")
    assert running.stderr is not None
    node = ""
    for line in running.stderr:
        if match := re.search(r"(core-0\d).*does not answer: it shuts down or boots", line):
            node = match[1]
            break
    assert node, running.wait()
    slots = STATE / "clusters" / NAME / "nodes" / node / "upper/boot/slots"
    until(lambda: f"image={before['image']} priority=2 tries=0 successful=0" in slots.read_text())
    power = _cgroup(slots.parents[2])
    (power / "cgroup.kill").write_text("1")
    _out, err = running.communicate(timeout=LONG)
    assert running.returncode == 4, err
    assert f"{node}: does not come back from its reboot: it is off" in err
    lab("up")
    assert f"IMAGE_VERSION={before['before']}" in on(node, "cat /etc/os-release"), "the slot that came up before"
    lab("update", timeout=LONG)
    assert set(versions()) == {before["image"]}


def _cgroup(folder: Path) -> Path:
    return Path((folder / "cgroup").read_text().strip())


def test_strategies_and_groups_of_the_cloud_config(updated: Lab, tmp_path: Path) -> None:
    """One node in a group of its own is updated first, by hand, because its strategy is off."""
    del updated
    config = tmp_path / "mine.yml"
    config.write_text("#cloud-config\ncoreos: {update: {group: beta, reboot-strategy: off}}\n")
    lab("up", "--cloud-config", f"core-02:{config}", "--apply")
    try:
        old = versions()
        assert "there is: beta, stable" in lab("update", "--group", "alpha", code=2).err
        stopped = lab("update", "--group", "beta", code=3, timeout=LONG)
        assert "core-02: the update is installed; with the reboot strategy off" in stopped.err
        assert "UPDATED_NEED_REBOOT" in on("core-02", "update_engine_client -status")
        assert versions() == old
        lab("break", "core-02", "--fault", "reboot")
        lab("update", "--group", "beta", timeout=LONG)
        now = versions()
        assert [version == old[0] for version in now] == [True, False, True]
        assert json.loads(lab("update", "--dry-run").out)["image"] == now[1], "all others follow"
        lab("update", "--group", "beta", "--back", code=3, timeout=LONG)
        lab("break", "core-02", "--fault", "reboot")
        lab("update", "--group", "beta", "--back", timeout=LONG)
        assert versions() == old
    finally:
        without_config()


def test_a_reboot_window_hours_away_is_not_waited_for(updated: Lab, tmp_path: Path) -> None:
    """And the update is called off by the way back, without any reboot."""
    del updated
    begins = (datetime.now(UTC) + timedelta(hours=12)).strftime("%H:%M")
    config = tmp_path / "mine.yml"
    config.write_text(
        "#cloud-config\ncoreos:\n  update: {group: beta, reboot-strategy: etcd-lock}\n"
        f"  locksmith: {{window-start: '{begins}', window-length: 1m}}\n"
    )
    lab("up", "--cloud-config", f"core-02:{config}", "--apply")
    try:
        old, booted = versions(), boots()
        stopped = lab("update", "--group", "beta", code=3, timeout=LONG)
        says = rf"core-02: the update is installed; the reboot window \({begins} for 1m, in 1[12] h"
        assert re.search(says, stopped.err), stopped.err
        lab("update", "--group", "beta", "--back", timeout=LONG)
        assert (versions(), boots()) == (old, booted)
        assert "UPDATE_STATUS_IDLE" in on("core-02", "update_engine_client -status")
    finally:
        without_config()


def without_config() -> None:
    """Takes core-02's own settings away; coreos-cloudinit takes none out of update.conf."""
    lab("up", "--cloud-config", "core-02:", "--apply", code=None)
    settings = r"GROUP=stable\nREBOOT_STRATEGY=etcd-lock\n"
    lab("ssh", "core-02", "--", f"printf '{settings}' | sudo tee /etc/coreos/update.conf", code=None)
    lab("break", "core-02", "--fault", "reboot", code=None)
