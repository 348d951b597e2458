"""Finds labs, the chapters that come with the package and a user's own, and reads them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from coreos_lab import disk, hints, settings, spelling
from coreos_lab.definition import lab_file, lab_rules, lab_settings
from coreos_lab.definition.lab_file import Document, Problem
from coreos_lab.definition.page.steps import PAGE
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Counted, Lab, LabBackup, LabProbe, LabSecret, LabUnit
from coreos_lab.units_of_measure import duration

FILE = "lab.yaml"


def names() -> list[str]:
    """The names of the chapters that come with the package, ch2 before ch10."""
    chapters = [path.parent.name for path in settings.data("labs").glob(f"*/{FILE}")]
    return sorted(chapters, key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)])


def parts(name: str) -> list[str]:
    """The labs that a name stands for: itself, or the parts of a chapter that has several, `ch4-...` of `ch4`."""
    chapters = names()
    of_chapter = [] if name in chapters else [lab for lab in chapters if lab.startswith(f"{name}-")]
    return of_chapter or [name]


def all_labs() -> list[Lab]:
    """Every chapter that comes with the package."""
    return [load(name) for name in names()]


def load(name_or_path: str) -> Lab:
    """A lab by its name, or by the path of its folder (which has a / in it, such as ./mylab).

    Raises UsageError that names file, line and remedy for the first thing that is wrong with it, and lists the
    others.
    """
    folder = _find(name_or_path)
    problems = _folder_problems(folder)
    document = lab_file.read(folder / FILE)
    problems += lab_file.schema_problems(document)
    lab_file.refuse(problems)
    lab, problems = _lab(folder, document)
    lab_file.refuse(problems + lab_rules.problems(lab, document))
    return lab_settings.counted(lab, {})


def require_units(lab: Lab) -> None:
    """UsageError for a lab that has a page alone."""
    if not lab.units:
        raise UsageError(f"{lab.name}: has no units, but a page", f"go through it: {hints.lab('walk', named(lab))}")


def page(lab: Lab) -> str:
    """A lab's page in Markdown: its page.md, or title and summary where it has none; and its settings."""
    path = lab.folder / PAGE
    text = disk.text(path) if path.is_file() else f"# {lab.title}\n\n{lab.summary}\n"
    if not lab.settings and not lab.secrets:
        return text
    rows = [
        *(f"| `--set {name}=` | {lab_settings.default(lab, name)} | {about} |" for name, about in lab.settings.items()),
        *(f"| `--secret {name}=` | | {secret.about}: a file, or `-` |" for name, secret in lab.secrets.items()),
    ]
    head = ["| when it is deployed | default | |", "|---|---|---|"]
    return "\n".join([text, "## Settings", "", *head, *rows, ""])


def named(lab: Lab) -> str:
    """A lab as a command takes it: a chapter's name, or the path of a user's own lab."""
    return lab.name if lab.name in names() else str(lab.folder)


def _find(name_or_path: str) -> Path:
    chapters = names()
    if "/" not in name_or_path and name_or_path not in (".", ".."):
        if name_or_path in chapters:
            return settings.data("labs") / name_or_path
        if Path(name_or_path, FILE).is_file():
            raise UsageError(f"{name_or_path}: no such lab, but a folder", f"write ./{name_or_path} for the folder")
        close = spelling.closest(name_or_path, chapters)
        hint = f"did you mean {close}? " if close else ""
        raise UsageError(
            f"{name_or_path}: no such lab (there is: {', '.join(chapters)})",
            f"{hint}'{hints.lab('labs')}' lists them; a lab of your own is named by its path: ./{name_or_path}",
        )
    folder = _path(name_or_path)
    if folder.name == FILE:
        folder = folder.parent
    if not (folder / FILE).is_file():
        what = f"no {FILE} in it" if folder.is_dir() else "no such folder"
        raise UsageError(f"{name_or_path}: {what}", "docs/writing-a-lab.md describes the files of a lab")
    return folder


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser().resolve()
    except (RuntimeError, ValueError) as error:  # ~nobody, or a name that no file can have
        raise UsageError(f"{text}: {error}", "name the lab's folder by its path") from None
    except FileNotFoundError:
        raise LabError(f"{text}: the current folder no longer exists", "change to another folder") from None


def _folder_problems(folder: Path) -> list[Problem]:
    """A lab is named after its folder: clusters keep their records under that name."""
    path, name = folder / FILE, folder.name
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        remedy = "rename the folder: lower-case letters, digits and hyphens, 40 at most"
        return [Problem(path, 1, f"{name}: a lab is named after its folder, and this is not a valid name", remedy)]
    ours = settings.data("labs") / name
    if ours.is_dir() and ours.resolve() != folder.resolve():
        return [Problem(path, 1, f"{name}: lab has a chapter of that name", "rename the folder")]
    return []


def _lab(folder: Path, document: Document) -> tuple[Lab, list[Problem]]:
    """The lab that a document which fits the schema describes, and problems with its durations."""
    data = document.data
    problems: list[Problem] = []

    def seconds(probe: str, text: str) -> float:
        try:
            return duration(str(text), "down-at-most")
        except UsageError as error:
            problems.append(document.problem(["objectives", probe, "down-at-most"], error.message, error.hint))
            return 0.0

    nodes = data.get("nodes", 1)
    lab = Lab(
        name=folder.name,
        title=str(data["title"]),
        summary=str(data["summary"]).strip(),
        folder=folder,
        units=tuple(_unit(folder, item) for item in data["units"]),
        containers={str(name): (folder / where).resolve() for name, where in data.get("containers", {}).items()},
        ports=tuple(data.get("ports", ())),
        nodes=nodes,
        disks=data.get("disks", 0),
        keys=tuple(map(str, data.get("keys", ()))),
        folders=tuple(map(str, data.get("folders", ()))),
        probes=tuple(_probe(name, raw) for name, raw in data.get("probes", {}).items()),
        objectives={str(name): seconds(name, raw["down-at-most"]) for name, raw in data.get("objectives", {}).items()},
        target=str(data.get("break", "")),
        settings={str(name): str(text) for name, text in data.get("settings", {}).items()},
        secrets={str(name): _secret(raw) for name, raw in data.get("secrets", {}).items()},
        buckets={str(name): days for name, days in data.get("buckets", {}).items()},
        backups=tuple(_backup(name, raw) for name, raw in data.get("backups", {}).items()),
    )
    return lab.on(nodes), problems


def _unit(folder: Path, item: Any) -> LabUnit:
    path = Path(os.path.normpath(folder / (item if isinstance(item, str) else item["file"])))
    if isinstance(item, str):
        return LabUnit(path.name, path)
    which = item.get("instances", ())
    per_node = which == "nodes"
    counted = Counted(which["from"], str(which["to"])) if isinstance(which, dict) else None
    instances = () if per_node or counted else tuple(str(instance) for instance in which)
    return LabUnit(path.name, path, instances, bool(item.get("intermittent")), per_node, counted)


def _secret(raw: Any) -> LabSecret:
    return LabSecret(str(raw["about"]), str(raw["key"]), tuple(map(str, raw.get("fields", ()))))


def _probe(name: str, raw: Any) -> LabProbe:
    return LabProbe(str(name), str(raw["unit"]), raw["port"], str(raw.get("path", "/")), str(raw.get("expect", "")))


def _backup(name: str, raw: Any) -> LabBackup:
    return LabBackup(str(name), str(raw["unit"]), str(raw["dump"]), str(raw["restore"]))
