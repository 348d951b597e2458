"""Updates by the cloud-config's groups, reboot strategies and windows."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.e2e.calls import checks_pass, lab
from tests.e2e.updates import Lab, boots, on, updated, versions

__all__ = ["updated"]  # a fixture


def test_strategies_and_groups_of_the_cloud_config(updated: Lab, tmp_path: Path) -> None:
    """One node in a group of its own is updated first, by hand, because its strategy is off."""
    del updated
    config = tmp_path / "mine.yml"
    config.write_text("#cloud-config\ncoreos: {update: {group: beta, reboot-strategy: off}}\n")
    lab("up", "--cloud-config", f"core-02:{config}", "--apply")
    try:
        old = versions()
        assert "there is: beta, stable" in lab("update", "--group", "alpha", code=2).err
        checks_pass("ch3")
        stopped = lab("update", "--group", "beta", code=3)
        assert "core-02: the update is installed; with the reboot strategy off" in stopped.err
        assert "UPDATED_NEED_REBOOT" in on("core-02", "update_engine_client -status")
        assert versions() == old
        lab("break", "core-02", "--fault", "reboot")
        lab("update", "--group", "beta")
        now = versions()
        assert [version == old[0] for version in now] == [True, False, True]
        assert json.loads(lab("update", "--dry-run").out)["image"] == now[1], "all others follow"
        checks_pass("ch3")
        lab("update", "--group", "beta", "--back", code=3)
        lab("break", "core-02", "--fault", "reboot")
        lab("update", "--group", "beta", "--back")
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
        checks_pass("ch3")
        stopped = lab("update", "--group", "beta", code=3)
        says = rf"core-02: the update is installed; the reboot window \({begins} for 1m, in 1[12] h"
        assert re.search(says, stopped.err), stopped.err
        lab("update", "--group", "beta", "--back")
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
