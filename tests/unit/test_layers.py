"""Imports run downwards only, through the layers that docs/architecture.md has in a table; modules are short."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "coreos_lab"
FOLDERS = ("docs", "labs", "pages", "scripts", "templates", "tests", "userland")
BOX = r'(\w+)\["<b>([^"]+?)</b>'  # its name in the picture, and its title


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def layers() -> list[list[str]]:
    """The packages and modules of each row, from the top."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = page.partition("\n## Data flow and layers\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| [^|`]+ \| (`[^|]+`) \|$", section, re.MULTILINE)
    return [re.findall(r"`(\w+)`", row) for row in rows]


def layer_of(module: str) -> int:
    """The row of a module, counted from the top."""
    top = module.split(".")[1]
    return next(number for number, row in enumerate(layers()) if top in row)


@cache
def imports(module: str) -> list[tuple[int, str]]:
    """The line and the name of each of our modules that a module imports, at its top or inside a function."""
    found = []
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are written with the whole name"
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(node.lineno, name if name in MODULES else str(node.module)) for name in whole]
    return [(line, name) for line, name in found if name in MODULES and "." in name]


def test_the_table_has_each_package_and_module_once() -> None:
    listed = sorted(name for row in layers() for name in row)
    assert listed == sorted({module.split(".")[1] for module in MODULES if "." in module})


def test_imports_run_downwards() -> None:
    upwards = [
        f"{MODULES[module].relative_to(ROOT)}:{line} imports {name}, which is not below it"
        for module in MODULES
        if "." in module
        for line, name in imports(module)
        if name.split(".")[1] != module.split(".")[1] and layer_of(name) <= layer_of(module)
    ]
    assert upwards == []


def test_only_commands_choose_a_provider() -> None:
    """Whatever else uses a provider knows its protocol alone."""
    implementations = tuple(f"coreos_lab.providers.{name}" for name in ("nspawn", "vagrant", "aws", "choose"))
    others = [module for module in MODULES if not module.startswith(("coreos_lab.commands.", "coreos_lab.providers."))]
    using = [(module, name) for module in others for _line, name in imports(module) if name.startswith(implementations)]
    assert using == []


def test_only_run_starts_processes() -> None:
    pattern = re.compile(r"^\s*(import|from) subprocess\b", re.MULTILINE)
    starting = [name for name, path in MODULES.items() if pattern.search(path.read_text(encoding="utf-8"))]
    assert starting == ["coreos_lab.run"]


def test_no_module_imports_itself_through_others() -> None:
    TopologicalSorter({module: {name for _line, name in imports(module)} for module in MODULES}).prepare()


@cache
def picture() -> tuple[dict[str, list[str]], set[tuple[str, str]]]:
    """The packages and modules of each box of the page's picture, and its arrows."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    drawn = page.partition("flowchart TD\n")[2].partition("```")[0]
    boxes = {name: re.findall(r"\w+", words.replace("<br/>", " ")) for name, words in re.findall(BOX, drawn)}
    arrows = set()
    for line in re.findall(r"^ +(\w.* --> .+)$", drawn, re.MULTILINE):
        groups = [part.split(" & ") for part in line.split(" --> ")]
        arrows |= {(a, b) for left, right in pairwise(groups) for a in left for b in right}
    return boxes, arrows


@cache
def real() -> set[tuple[str, str]]:
    """Which packages and modules of the top import which others."""
    return {
        (module.split(".")[1], name.split(".")[1])
        for module in MODULES
        if "." in module
        for _line, name in imports(module)
    }


def test_the_picture_of_the_rooms_shows_imports_that_exist() -> None:
    boxes, arrows = picture()
    assert arrows
    for a, b in arrows:
        assert any((x, y) in real() for x in boxes[a] for y in boxes[b]), f"{a} imports nothing of {b}"


def test_each_import_between_rooms_follows_the_arrows_of_the_picture() -> None:
    boxes, arrows = picture()
    box_of = {name: box for box, names in boxes.items() for name in names}
    rooms = {name for name in box_of if (PACKAGE / name).is_dir()}
    assert rooms == {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    below = {box: {box} for box in boxes}
    for _ in boxes:
        for a, b in arrows:
            below[a] |= below[b]
    hidden = [(a, b) for a, b in sorted(real()) if {a, b} <= rooms and box_of[b] not in below[box_of[a]]]
    assert hidden == []


def test_the_table_of_the_rooms_has_each_with_its_first_files_and_its_tests() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = page.partition("\n## Rooms\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)/` \| [^|]+ \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    assert sorted(room for room, _first, _tests in rows) == sorted(
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    )
    named = [PACKAGE / room / name for room, first, _tests in rows for name in re.findall(r"`([^`]+)`", first)]
    named += [ROOT / folder for _room, _first, tests in rows for folder in re.findall(r"`([^`]+)`", tests)]
    assert [path for path in named if not path.exists()] == []


def test_decisions_are_in_the_order_of_their_days() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    days = re.findall(r"^- (\d{4}-\d\d-\d\d) \*\*", page.partition("\n## Decisions\n")[2], re.MULTILINE)
    assert days
    assert days == sorted(days)


def test_the_files_and_folders_that_the_page_names_exist() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"[`( ]([a-z_0-9/-]+\.(?:py|sh|j2|go|schema\.json))\b", page))
    files = [str(path) for folder in (*FOLDERS, "coreos_lab") for path in (ROOT / folder).rglob("*.*")]
    whole = set(re.findall(rf"`((?:{'|'.join(FOLDERS)})/[a-z_0-9./-]*)`", page))
    assert named
    assert whole
    assert [name for name in sorted(whole) if not (ROOT / name).exists() and not (PACKAGE / name).exists()] == []
    assert [name for name in sorted(named) if not any(file.endswith(f"/{name}") for file in files)] == []


def test_a_long_module_says_why_it_is_one() -> None:
    for path in [*MODULES.values(), *sorted((ROOT / "scripts").glob("*.py"))]:
        text = path.read_text(encoding="utf-8")
        if len(text.splitlines()) > 250:
            about = " ".join((ast.get_docstring(ast.parse(text)) or "").split())
            assert "one long module because" in about.lower(), path
