"""What the project promises to those who work on it: targets, hooks, lock files, and links that lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
TARGETS = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_make_help_has_a_line_for_every_target() -> None:
    # Below `make test`, this one would be a part of it, and say which folder it enters.
    own = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    text = subprocess.run(["make", "help"], cwd=ROOT, env=own, capture_output=True, text=True, check=True).stdout
    lines = [line.split(maxsplit=2) for line in text.splitlines()]
    assert [target for _make, target, says in lines if says] == TARGETS


def test_every_target_is_one() -> None:
    assert set(TARGETS) == set(re.findall(r"^([\w.-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE)) - {
        ".PHONY"
    }


def test_hooks_before_a_commit_are_the_parts_of_make_lint() -> None:
    (local,) = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    called = [hook["entry"].split()[-1] for hook in local["hooks"]]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    parts = re.search(r"^lint: (.+?) ##", makefile, re.MULTILINE)
    assert parts
    assert called == parts[1].split()


@pytest.mark.parametrize("form", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_forms_and_workflows_are_yaml(form: Path) -> None:
    assert YAML(typ="safe").load(form)


LOCKS = [
    *ROOT.glob("requirements/*.lock"),
    *ROOT.glob("labs/**/package-lock.json"),
    *ROOT.glob("pages/*/package-lock.json"),
]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_have_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert "sha256:" in text or "sha512-" in text


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What a link to one of the page's headings has behind the #, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("labs/*/*.md"), ROOT / "userland/README.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not link.startswith(("http://", "https://")):
            name, _, anchor = link.partition("#")
            target = (page.parent / name) if name else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                dead.append(link)
    assert dead == []
