"""The built wheel in an environment of its own, used from an empty folder: all that the checkout has is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coreos_lab import version
from tests.e2e.calls import ROOT, environment, lab, until

# What names the folders of the caches. Another hash for the same content would build everything anew.
HASHES = """
import json
from coreos_lab import disk
from coreos_lab.containers import base
from coreos_lab.definition import catalog
from coreos_lab.machine_image import box, image, transpiler, userland

labs = catalog.all_labs()
sources = {name: disk.content_hash([folder]) for lab in labs for name, folder in lab.containers.items()}
hashes = [userland.userland_hash(), image.image_hash(), box.box_hash(), base.base_hash()]
print(json.dumps([*hashes, transpiler.transpiler_folder().name, sources]))
"""


def call(*argv: object, **more: object) -> str:
    """Runs a program to its good end and returns what it printed."""
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return str(done.stdout)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel, what it depends on as locked, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", ROOT)
    call(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    pip = [sys.executable, "-m", "pip", "--python", folder / "venv/bin/python", "--quiet", "install", "--no-compile"]
    call(*pip, "--require-hashes", "-r", ROOT / "requirements/runtime.lock")
    call(*pip, "--no-deps", *(folder / "dist").glob("*.whl"))
    return folder / "venv/bin"


@pytest.fixture
def empty(tmp_path: Path) -> dict[str, object]:
    """Where and with what variables the wheel's command is called: nothing there leads to the checkout."""
    kept = {key: value for key, value in environment().items() if not key.startswith("PYTHON")}
    return {"cwd": tmp_path, "env": kept}


def test_it_names_the_caches_as_the_checkout_does(installed: Path, empty: dict[str, object]) -> None:
    here = call(sys.executable, "-c", HASHES, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert json.loads(call(installed / "python", "-c", HASHES, **empty)) == json.loads(here)


def test_it_knows_the_commit_that_it_was_built_of(installed: Path, empty: dict[str, object]) -> None:
    assert call(installed / "lab", "--version", **empty) == f"lab {version.current()}\n"


def test_it_does_the_main_job(installed: Path, empty: dict[str, object]) -> None:
    lab("destroy")
    call(installed / "lab", "doctor", **empty)
    call(installed / "lab", "up", "--nodes", "3", **empty)
    deployed = call(installed / "lab", "deploy", "ch3", "--json", **empty)
    assert json.loads(deployed)
    check: list[str | Path] = [installed / "lab", "check"]
    until(lambda: subprocess.run(check, check=False, capture_output=True, **empty).returncode == 0)  # type: ignore[call-overload]
    call(installed / "lab", "destroy", **empty)


def test_it_has_the_console_s_page(installed: Path) -> None:
    """The console itself is an extra, which this environment lacks."""
    assert list(installed.parent.rglob("coreos_lab/data/pages/console/build/main.js"))
