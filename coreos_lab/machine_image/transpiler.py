"""ct, the config transpiler, which reads Container Linux Configs and Ignition configs."""

from __future__ import annotations

from pathlib import Path

from coreos_lab.machine_image import host_programs
from coreos_lab.machine_image.userland import Program

CT = Program("ct", "ct", ".", "0.9.0")
PLACE = "transpiler"


def transpiler_folder() -> Path:
    """Where the transpiler of these sources lies, or would lie."""
    return host_programs.folder(CT, PLACE)


def ensure_transpiler() -> Path:
    """The program; built if it is not there. Raises as `host_programs.ensure` does."""
    return host_programs.ensure(CT, PLACE)
