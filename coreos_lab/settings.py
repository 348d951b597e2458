"""Where things lie: state on disk, and the files that come with the product."""

from __future__ import annotations

import os
from pathlib import Path


def state_dir() -> Path:
    """The one folder for everything that `lab` keeps (`LAB_STATE_DIR`).

    By default /var/lib/coreos-lab for root, else the XDG state folder.
    """
    if told := os.environ.get("LAB_STATE_DIR"):
        return Path(told).absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/coreos-lab")
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(base) / "coreos-lab"


def clusters_dir() -> Path:
    """One folder a cluster: its plan, keys, nodes, undo journal and runs."""
    return state_dir() / "clusters"


def run_dir() -> Path:
    """Where lies what need not outlive a restart of the host."""
    return Path("/run") if Path("/run").is_dir() and is_root() else Path("/tmp")  # noqa: S108


def data(name: str) -> Path:
    """A file or folder that comes with the product: `labs`, `templates`, `userland`.

    In a checkout these stand beside the package, in an installed wheel inside it.
    """
    package = Path(__file__).parent
    inside = package / "data" / name
    return inside if inside.exists() else package.parent / name


def is_root() -> bool:
    """Whether we may make machines."""
    return os.geteuid() == 0
