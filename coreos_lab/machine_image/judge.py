"""The judge of histories: a program of this project's around porcupine, a checker of linearizability."""

from __future__ import annotations

from pathlib import Path

from coreos_lab.machine_image import host_programs
from coreos_lab.machine_image.userland import Program

JUDGE = Program("judge", "judge", ".", "1.3.1")  # porcupine's version


def ensure_judge() -> Path:
    """The program; built if it is not there. Raises as `host_programs.ensure` does."""
    return host_programs.ensure(JUDGE, "judge")
