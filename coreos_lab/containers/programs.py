"""Programs of the userland that a container image is built with: those of the program sets that its folder names."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from coreos_lab import disk, spelling
from coreos_lab.errors import UsageError
from coreos_lab.machine_image import host_programs
from coreos_lab.machine_image.program_sets import PLACE, SETS
from coreos_lab.machine_image.userland import Program

FILE = "programs"  # beside the Dockerfile: a program set on each line
FOLDER = "userland"  # where a Dockerfile finds them


def named(folder: Path) -> tuple[Program, ...]:
    """The programs that a Dockerfile's folder asks for. UsageError, with the line, for a set that there is not."""
    path = folder / FILE
    if not path.is_file():
        return ()
    found: list[Program] = []
    for number, line in enumerate(disk.text(path).splitlines(), 1):
        name = line.partition("#")[0].strip()
        if not name:
            continue
        if name not in SETS:
            raise UsageError(
                f"{disk.shown(path)}:{number}: {name}: no such program set (there is: {', '.join(SETS)})",
                spelling.did_you_mean(name, list(SETS)),
            )
        found += [program for program in SETS[name] if program not in found]
    return tuple(found)


def inputs(folder: Path) -> list[str]:
    """What a hash of the container image must cover besides the folder. Reads sources only."""
    return [f"{program.name}={host_programs.folder(program, PLACE).name}" for program in named(folder)]


def ensure(folder: Path) -> list[Path]:
    """The programs that a Dockerfile's folder asks for; builds those that are missing.

    Raises as `host_programs.ensure` does.
    """
    return [host_programs.ensure(program, PLACE) for program in named(folder)]


def put(built: Iterable[Path], context: Path) -> None:
    """Copies programs into a build context."""
    for program in built:
        target = context / FOLDER / program.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(program, target)
        target.chmod(0o755)
