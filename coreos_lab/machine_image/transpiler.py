"""ct, the config transpiler: built like the userland's programs, but run on this machine, so no node has it.

It is built when a Container Linux Config or an Ignition config is given for the first time: most clusters have none.
"""

from __future__ import annotations

from pathlib import Path

from coreos_lab import disk, settings
from coreos_lab.machine_image.go_toolchain import find_go
from coreos_lab.machine_image.userland import Program, build_command, build_program, sources

CT = Program("ct", "ct", ".", "0.9.0")


def transpiler_folder() -> Path:
    """Where the transpiler of these sources lies, or would lie."""
    command = build_command(Path("go"), CT, Path(CT.name))
    return settings.state_dir() / "transpiler" / disk.content_hash([*sources([CT]), repr((CT, command))])


def ensure_transpiler() -> Path:
    """The program; built if it is not there, which takes half a minute, once.

    Raises CommandError with the compiler's last lines, LabError where there is no Go.
    """
    return disk.cached_folder(transpiler_folder(), "building ct", _build) / CT.name


def _build(draft: Path) -> None:
    go = find_go()
    (draft / "work").mkdir()
    build_program(CT, go, draft / CT.name, draft / "work")
    disk.remove_tree(draft / "work")
