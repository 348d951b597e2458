"""A lab with checks, which run as a user's do: in a pytest of their own, on nodes that are this machine's loopback."""

from __future__ import annotations

import json
from pathlib import Path

from coreos_lab.checks.runner import run_checks
from coreos_lab.model import CheckResult, Lab


class Checked:
    """A lab with one file of checks, and a cluster of one running and one broken node on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checks = folder / "mylab" / "checks"
        self.checks.mkdir(parents=True)
        self.inventory = folder / "inventory.json"
        nodes = [
            {"name": "core-01", "address": "127.0.0.1", "member": True, "running": True},
            {"name": "core-02", "address": "127.0.0.2", "member": True, "running": False},
        ]
        told = {"cluster": "core", "ssh_config": "/nonexistent", "nodes": nodes}
        self.inventory.write_text(json.dumps(told), encoding="utf-8")

    def write(self, text: str, name: str = "test_it.py") -> None:
        (self.checks / name).write_text(text, encoding="utf-8")

    def run(self, *, only: str | None = None, deadline: float = 0.0, junit: Path | None = None) -> list[CheckResult]:
        return run_in(self.folder, only=only, deadline=deadline, junit=junit)

    def one(self) -> CheckResult:
        (result,) = self.run()
        return result


def run_in(
    folder: Path, *, only: str | None = None, deadline: float = 0.0, junit: Path | None = None
) -> list[CheckResult]:
    """Runs the checks that were written into a folder."""
    lab = Lab("mylab", "", "", folder / "mylab", (), {})
    return run_checks(lab, folder / "inventory.json", only=only, deadline=deadline, junit=junit)
