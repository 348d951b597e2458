"""Finds labs, those that come with the product and a user's own, and makes values of them."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from coreos_lab import lab_file, lab_rules, lab_settings, settings
from coreos_lab.errors import UsageError
from coreos_lab.lab_file import Document, Problem
from coreos_lab.model import Lab, LabProbe, LabUnit
from coreos_lab.units_of_measure import duration

FILE = "lab.yaml"


def names() -> list[str]:
    """The names of the labs that come with the product, ch2 before ch10."""
    found = [path.parent.name for path in settings.data("labs").glob(f"*/{FILE}")]
    return sorted(found, key=lambda name: [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)])


def parts(name: str) -> list[str]:
    """The labs that a name stands for: itself, or the parts of a chapter that has several, `ch4-...` of `ch4`."""
    known = names()
    found = [] if name in known else [lab for lab in known if lab.startswith(f"{name}-")]
    return found or [name]


def all_labs() -> list[Lab]:
    """Every lab that comes with the product."""
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
    return lab


def page(lab: Lab) -> str:
    """A lab's own page in Markdown: its page.md, or title and summary where it has none; and what may be set."""
    path = lab.folder / "page.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else f"# {lab.title}\n\n{lab.summary}\n"
    if not lab.settings:
        return text
    rows = [f"| `{name}` | {lab_settings.default(lab, name)} | {about} |" for name, about in lab.settings.items()]
    head = ["| `--set` of `lab deploy` | default | |", "|---|---|---|"]
    return "\n".join([text, "## Settings", "", *head, *rows, ""])


def _find(name_or_path: str) -> Path:
    known = names()
    if "/" not in name_or_path and name_or_path not in (".", ".."):
        if name_or_path in known:
            return settings.data("labs") / name_or_path
        if Path(name_or_path, FILE).is_file():
            raise UsageError(f"{name_or_path}: no such lab, but a folder", f"say ./{name_or_path} for the folder")
        close = get_close_matches(name_or_path, known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise UsageError(
            f"{name_or_path}: no such lab (there is: {', '.join(known)})",
            f"{hint}'lab labs' tells what they are; a lab of your own is named by its path: ./{name_or_path}",
        )
    folder = Path(name_or_path).expanduser().resolve()
    if folder.name == FILE:
        folder = folder.parent
    if not (folder / FILE).is_file():
        what = f"no {FILE} in it" if folder.is_dir() else "no such folder"
        raise UsageError(f"{name_or_path}: {what}", "docs/writing-a-lab.md tells what a lab is made of")
    return folder


def _folder_problems(folder: Path) -> list[Problem]:
    """A lab is called after its folder: clusters keep their records under that name."""
    path, name = folder / FILE, folder.name
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        remedy = "rename the folder: lower-case letters, digits and hyphens, 40 at most"
        return [Problem(path, 1, f"{name}: a lab is called after its folder, and this is no name", remedy)]
    ours = settings.data("labs") / name
    if ours.is_dir() and ours.resolve() != folder.resolve():
        return [Problem(path, 1, f"{name}: a lab of that name comes with lab", "rename the folder")]
    return []


def _lab(folder: Path, document: Document) -> tuple[Lab, list[Problem]]:
    """The value of a document that fits the schema."""
    data = document.data
    problems: list[Problem] = []

    def seconds(probe: str, text: str) -> float:
        try:
            return duration(str(text), "down-at-most")
        except UsageError as error:
            problems.append(document.problem(["objectives", probe, "down-at-most"], error.message, error.hint))
            return 0.0

    lab = Lab(
        name=folder.name,
        title=str(data["title"]),
        summary=str(data["summary"]).strip(),
        folder=folder,
        units=tuple(_unit(folder, item) for item in data["units"]),
        containers={str(name): (folder / where).resolve() for name, where in data.get("containers", {}).items()},
        ports=tuple(data.get("ports", ())),
        nodes=data.get("nodes", 1),
        disks=data.get("disks", 0),
        keys=tuple(map(str, data.get("keys", ()))),
        folders=tuple(map(str, data.get("folders", ()))),
        probes=tuple(_probe(name, raw) for name, raw in data.get("probes", {}).items()),
        objectives={str(name): seconds(name, raw["down-at-most"]) for name, raw in data.get("objectives", {}).items()},
        target=str(data.get("break", "")),
        settings={str(name): str(text) for name, text in data.get("settings", {}).items()},
    )
    return lab, problems


def _unit(folder: Path, item: Any) -> LabUnit:
    path = Path(os.path.normpath(folder / (item if isinstance(item, str) else item["file"])))
    instances = () if isinstance(item, str) else tuple(str(instance) for instance in item.get("instances", ()))
    return LabUnit(path.name, path, instances, not isinstance(item, str) and bool(item.get("intermittent")))


def _probe(name: str, raw: Any) -> LabProbe:
    return LabProbe(str(name), str(raw["unit"]), raw["port"], str(raw.get("path", "/")), str(raw.get("expect", "")))
