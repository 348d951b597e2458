"""Node packages of a container image, installed and bundled on this machine in the versions of package-lock.json."""

from __future__ import annotations

from pathlib import Path

from coreos_lab import disk, namespaces, run
from coreos_lab.errors import LabError

LOCK = "package-lock.json"


def prepared(folder: Path, draft: Path, log_file: Path) -> Path:
    """The build context of a Dockerfile: a copy of `folder` in `draft`, with the modes that git keeps.

    With a package-lock.json the copy has node_modules as locked (packages' scripts are not run) and what `npm run
    build` makes. Without such a script it has no devDependencies. npm has the user's own settings, and so the user's
    registry.

    Raises LabError with the end of npm's output.
    """
    locked = (folder / LOCK).is_file()
    # A node_modules in the folder is a developer's, and may differ from the lock.
    disk.copy_as_in_git(folder, draft, leave_out="node_modules" if locked else "")
    if not locked:
        return draft
    builds = "build" in disk.read_json(folder / "package.json").get("scripts", {})
    calls = [("ci", "--ignore-scripts", "--no-audit", "--no-fund", *(() if builds else ("--omit=dev",)))]
    if builds:
        calls.append(("run", "build"))
    for call in calls:
        try:
            run.stream(namespaces.contained(["npm", *call]), log_file=log_file, cwd=draft, outside=True)
        except run.CommandError as error:
            remedy = f"check that npm can reach its registry and that {LOCK} fits package.json; {error.hint}"
            raise LabError(f"{folder / LOCK}: npm {call[0]} failed", remedy, error.details) from None
    return draft
