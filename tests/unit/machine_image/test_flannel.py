"""flanneld keeps its routes when it has missed changes in etcd. Asks flannel's own package, in a program of ours."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from coreos_lab import run, settings
from coreos_lab.errors import LabError
from coreos_lab.machine_image.corrections import LEASES, correct
from coreos_lab.machine_image.go_toolchain import find_go
from coreos_lab.machine_image.userland import Program, build_command, build_environment

OWN, ONE, TWO = "10.1.68.0/24", "10.1.16.0/24", "10.1.3.0/24"
WATCHING = Program("watching", "flannel", "./testdata/watching", "", corrections=(LEASES,))


def built(program: Program, folder: Path) -> Path:
    binary, source = folder / program.name, settings.data("userland") / program.folder
    environment = build_environment(program)
    try:
        go = find_go()
        if program.corrections:
            source, pinned = folder / "copy", source
            correct(program.corrections, go, pinned, source, log_file=folder / "log", env=environment)
        call = build_command(go, program, binary)
        subprocess.run(call, check=True, capture_output=True, env={**os.environ, **environment}, cwd=source)
    except (LabError, run.CommandError, subprocess.CalledProcessError) as error:
        if os.environ.get("LAB_TEST_WITH_GO"):
            raise
        pytest.skip(f"flannel's own package cannot be built here: {error}")
    return binary


def events(program: Path, *lists: tuple[str, ...]) -> list[str]:
    """What flanneld does when etcd gives these lists of leases one after the other."""
    given = [",".join(leases) for leases in lists]
    return subprocess.run([program, OWN, *given], capture_output=True, text=True, check=True).stdout.splitlines()


def test_no_route_is_lost_with_leases_that_are_still_there(tmp_path: Path) -> None:
    watching = built(WATCHING, tmp_path)
    for before in permutations((OWN, ONE, TWO)):
        for after in permutations(before):
            added = [f"added {lease}" for lease in before if lease != OWN]
            assert events(watching, before, after) == added, f"{before}, then {after}"
    assert events(watching, (OWN, ONE, TWO), (OWN, TWO)) == [f"added {ONE}", f"added {TWO}", f"removed {ONE}"]


def test_the_pinned_version_needs_the_correction(tmp_path: Path) -> None:
    as_pinned = built(replace(WATCHING, corrections=()), tmp_path)
    assert f"removed {TWO}" in events(as_pinned, (OWN, ONE, TWO), (OWN, ONE, TWO))
