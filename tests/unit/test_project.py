"""What the project promises to those who work on it: targets, hooks, lock files."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
TARGETS = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_make_help_has_a_line_for_every_target() -> None:
    # Below `make test`, this one would be a part of it, and say which folder it enters.
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    text = subprocess.run(["make", "help"], cwd=ROOT, env=own, capture_output=True, text=True, check=True).stdout
    lines = [line.split(maxsplit=2) for line in text.splitlines()]
    assert [target for _make, target, says in lines if says] == TARGETS


def test_every_target_is_one() -> None:
    assert set(TARGETS) == set(re.findall(r"^([\w.-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {
        ".PHONY"
    }


def test_hooks_before_a_commit_are_the_parts_of_make_lint() -> None:
    (local,) = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    called = [hook["entry"].split()[-1] for hook in local["hooks"]]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    parts = re.search(r"^lint: (.+?) ##", makefile, re.MULTILINE)
    assert parts
    assert called == parts[1].split()


@pytest.mark.parametrize("form", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_forms_and_workflows_are_yaml(form: Path) -> None:
    assert YAML(typ="safe").load(form)


LOCKS = [
    *ROOT.glob("requirements/*.lock"),
    *ROOT.glob("labs/**/package-lock.json"),
    *ROOT.glob("pages/*/package-lock.json"),
]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_have_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert "sha256:" in text or "sha512-" in text
