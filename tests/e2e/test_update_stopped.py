"""Updates that stop, since a machine is lost or a lock is kept, and go on."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.calls import LONGEST, NAME, NODES, STATE, lab, start, until
from tests.e2e.updates import NOBODY, Lab, on, updated, versions

__all__ = ["updated"]  # a fixture


def test_a_lock_whose_holder_is_lost_is_named_and_the_update_goes_on_after_it(updated: Lab) -> None:
    del updated
    old = versions()
    on("core-01", f"locksmithctl lock {NOBODY}")
    stopped = lab("update", code=4)
    assert f"waits for the reboot lock, which machine {NOBODY} has: no machine of this cluster" in stopped.err
    remedy = re.search(r"lab (ssh \S+ -- locksmithctl unlock \w+)|--name \S+ (core-\d+)", stopped.err)
    assert remedy, stopped.err
    assert versions() == old
    assert lab("update", "--dry-run").json["resumed"] is True
    on("core-01", f"locksmithctl unlock {NOBODY}")
    lab("update")
    assert not set(versions()) & set(old)


def test_a_machine_that_does_not_come_back_stops_it_and_the_next_call_goes_on(updated: Lab) -> None:
    """Its power is cut while it boots the new image for the first time: it boots the old one then."""
    del updated
    before = lab("update", "--dry-run").json
    running = start("update")
    nodes = STATE / "clusters" / NAME / "nodes"

    def booting() -> str | None:
        """A node whose boot loader has taken the new image, which has not come up yet. That may last a second only."""
        tried = f"image={before['image']} priority=2 tries=0 successful=0"
        assert running.poll() is None, running.communicate()
        return next((node for node in NODES if tried in (nodes / node / "upper/boot/slots").read_text()), None)

    node = until(booting, deadline=LONGEST, interval=0.01)
    (_cgroup(nodes / node) / "cgroup.kill").write_text("1")
    _out, err = running.communicate(timeout=LONGEST)
    assert running.returncode == 4, err
    assert f"{node}: does not come back from its reboot: it is off" in err
    lab("up")
    assert f"IMAGE_VERSION={before['before']}" in on(node, "cat /etc/os-release"), "the slot that came up before"
    lab("update")
    assert set(versions()) == {before["image"]}


def _cgroup(folder: Path) -> Path:
    return Path((folder / "cgroup").read_text().strip())
