"""A small lab with a page, for tests of walks."""

from __future__ import annotations

from pathlib import Path


def write(folder: Path, page: str) -> Path:
    """Writes the lab into a folder that is made, and returns that."""
    (folder / "units").mkdir(parents=True)
    (folder / "units/idle.service").write_text("[Service]\nExecStart=/bin/sleep 1d\n", encoding="utf-8")
    (folder / "lab.yaml").write_text("title: Mine\nsummary: A page.\nunits: [units/idle.service]\n", encoding="utf-8")
    (folder / "page.md").write_text(page, encoding="utf-8")
    return folder
