"""Node packages of a container image: installed and bundled on this machine, exactly as package-lock.json says."""

from __future__ import annotations

import shutil
from pathlib import Path

from coreos_lab import disk, run
from coreos_lab.errors import LabError

LOCK = "package-lock.json"


def prepared(folder: Path, draft: Path, log_file: Path) -> Path:
    """The folder that a Dockerfile's COPY takes from: `folder`, or where it has a package-lock.json a copy in `draft`.

    The copy has node_modules as locked (no script of a package is run) and what `npm run build` makes. Without such a
    script it has no devDependencies. npm has the user's own settings, so it asks the registry that they ask.

    Raises LabError with the end of npm's output.
    """
    if not (folder / LOCK).is_file():
        return folder
    # A node_modules of somebody who works on the programs is not what the lock says.
    shutil.copytree(folder, draft, ignore=shutil.ignore_patterns("node_modules"), symlinks=True)
    builds = "build" in disk.read_json(folder / "package.json").get("scripts", {})
    calls = [("ci", "--ignore-scripts", "--no-audit", "--no-fund", *(() if builds else ("--omit=dev",)))]
    if builds:
        calls.append(("run", "build"))
    for call in calls:
        try:
            run.stream(run.contained(["npm", *call]), log_file=log_file, cwd=draft)
        except run.CommandError as error:
            remedy = f"see that npm can reach its registry and that {LOCK} fits package.json; {error.hint}"
            raise LabError(f"{folder / LOCK}: npm {call[0]} failed", remedy, error.details) from None
    return draft
