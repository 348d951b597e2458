"""The order in which units end, and when they have."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from coreos_lab.deploy.ending import SETTLED, groups


def test_units_are_stopped_in_groups() -> None:
    units = ["a@1.service", "a@2.service", "b.service", "a-sidekick@1.service", "a@.service", "a-sidekick@.service"]
    assert groups(units) == [["a@1.service", "a@2.service"], ["b.service"], ["a-sidekick@1.service"]]


@pytest.mark.parametrize(
    ("systemctl", "code", "left"),
    [
        ("printf 'inactive\\nunknown\\n'; exit 3", 0, ""),
        ("printf 'inactive\\ndeactivating\\n'; exit 3", 1, "deactivating"),
        ("echo 'Failed to connect to bus' >&2; exit 1", 1, "lab-test-a.service\nlab-test-b.service"),
    ],
)
def test_units_have_ended_when_systemd_says_so_of_each(tmp_path: Path, systemctl: str, code: int, left: str) -> None:
    """One that cannot be asked has said nothing of any."""
    (tmp_path / "systemctl").write_text(f"#!/bin/sh\n[ $1 = is-active ] || exit 0\n{systemctl}\n")
    (tmp_path / "systemctl").chmod(0o755)
    (tmp_path / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
    (tmp_path / "sudo").chmod(0o755)
    call = ["sh", "-c", SETTLED.replace("DEADLINE", "1"), "sh", "lab-test-a.service", "lab-test-b.service"]
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(call, capture_output=True, text=True, env=environment, check=False, timeout=30)
    assert (done.returncode, done.stdout.strip()) == (code, left)
