"""Vagrant's own calls and their output."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from coreos_lab import wait
from coreos_lab.providers.vagrant import calls

OUTPUT = """\
Bringing machine 'core-01' up with 'libvirt' provider...
==> core-01: Creating image (snapshot of base box volume).
==> core-01: Starting domain.
    core-01: Warning: something or other
There was an error talking to Libvirt. The error message is shown
below:

Call to virDomainCreateWithFlags failed: Network not found
"""


def test_what_failed_is_found_in_vagrants_output() -> None:
    assert calls.failing_part(OUTPUT) == [
        "There was an error talking to Libvirt. The error message is shown",
        "below:",
        "Call to virDomainCreateWithFlags failed: Network not found",
    ]
    trace = (
        "==> core-01: Waiting for domain to get an IP address...\n"
        "/usr/x/wait_for.rb:9:in `block in wait_for': The timeout was exceeded (Fog::Errors::TimeoutError)\n"
        "\tfrom /usr/x/driver.rb:302:in `get'\n"
    )
    assert calls.failing_part(trace) == ["The timeout was exceeded (Fog::Errors::TimeoutError)"]
    assert calls.failing_part("A Vagrant environment is required\n") == ["A Vagrant environment is required"]


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="Linux only")
def test_vagrant_ends_with_us(tmp_path: Path) -> None:
    """One that went on would hold its machines' locks."""
    fake = tmp_path / "bin" / "vagrant"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/draft && mv {tmp_path}/draft {tmp_path}/pid\nexec sleep 60\n")
    fake.chmod(0o755)
    code = (
        "from pathlib import Path; from coreos_lab.providers.vagrant.calls import Vagrant; "
        f"Vagrant(Path({str(tmp_path)!r}), Path({str(tmp_path / 'log')!r})).up('libvirt', ['core-01'])"
    )
    path = f"{fake.parent}:{os.environ['PATH']}"
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PATH": path}) as ours:
        wait.until((tmp_path / "pid").exists, deadline=60, missing="vagrant was not called")
        pid = (tmp_path / "pid").read_text().strip()
        ours.kill()

    def gone() -> bool:
        status = Path("/proc", pid, "stat")
        return not status.exists() or ") Z " in status.read_text()

    wait.until(gone, deadline=10, missing="vagrant goes on without us")


def test_several_machines_in_one_word() -> None:
    assert calls.any_of(["core-01"]) == "core-01"
    assert calls.any_of(["core-01", "core-03"]) == "/^(core-01|core-03)$/"
