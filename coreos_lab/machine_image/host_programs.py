"""Go programs that are built like the userland's, but are no part of the machine image.

Each is built when it is needed for the first time: most clusters need none. Some run on this machine alone.
"""

from __future__ import annotations

from pathlib import Path

from coreos_lab import disk, settings
from coreos_lab.machine_image.go_toolchain import find_go
from coreos_lab.machine_image.userland import Program, build_command, build_program, find_compiler, sources


def folder(program: Program, place: str) -> Path:
    """Where the program of these sources lies, or would lie, below `place` in the state folder."""
    command = build_command(Path("go"), program, Path(program.name))
    return settings.state_dir() / place / disk.content_hash([*sources([program]), repr((program, command))])


def ensure(program: Program, place: str) -> Path:
    """The program; built if it is not there, which takes half a minute, once.

    Raises CommandError with the compiler's last lines, LabError where there is no Go, or no C compiler for parts in C.
    """

    def build(draft: Path) -> None:
        go = find_go()
        find_compiler([program])
        (draft / "work").mkdir()
        build_program(program, go, draft / program.name, draft / "work")
        disk.remove_tree(draft / "work")

    return disk.cached_folder(folder(program, place), f"building {program.name}", build) / program.name
