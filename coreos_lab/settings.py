"""Paths: the state on disk, and the files that come with the product."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path

from coreos_lab.errors import UsageError

# The running `lab` as the first words of a call, whatever is on the PATH. Without -P, the working directory's modules
# would come before ours.
PROGRAM = (sys.executable, "-P", "-c", "from coreos_lab.start import main; main()")
PACKAGES = str(Path(__file__).parents[1])  # where our package lies: for that call in a checkout that is not installed
ROOTS_STATE = Path("/var/lib/coreos-lab")


def state_dir() -> Path:
    """The one folder for everything that `lab` keeps (`LAB_STATE_DIR`).

    By default /var/lib/coreos-lab for root, else the XDG state folder. Symbolic links are
    resolved.
    """
    if chosen := os.environ.get("LAB_STATE_DIR"):
        return _real(str(Path(chosen).absolute()))
    if os.geteuid() == 0:
        return _real(str(ROOTS_STATE))
    try:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    except RuntimeError:  # no HOME, and our user id is not in /etc/passwd
        raise UsageError("HOME: not set, so there is no folder for the state", "set one: LAB_STATE_DIR=...") from None
    return _real(str(Path(base) / "coreos-lab"))


@cache
def _real(path: str) -> Path:
    """Resolved once: it is needed hundreds of times, and resolving looks at each part of the path."""
    return Path(path).resolve()


def clusters_dir() -> Path:
    """A folder for each cluster, with its plan, keys, nodes, fault journal and runs."""
    return state_dir() / "clusters"


def clouds_dir() -> Path:
    """A folder for each cloud, with its plan, the API's state and its instances."""
    return state_dir() / "clouds"


def has_other_state() -> bool:
    """Whether root has a state folder, and it is not the one in use."""
    if is_root() or os.environ.get("LAB_STATE_DIR"):
        return False
    try:
        return ROOTS_STATE.exists()
    except PermissionError:
        return True


def run_dir() -> Path:
    """The folder for files that need not outlive a restart of the host."""
    return Path("/run") if Path("/run").is_dir() and is_root() else Path("/tmp")  # noqa: S108


def host_boot() -> str:
    """The id of the host's present boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def data(name: str) -> Path:
    """A file or folder that comes with the product: `labs`, `templates`, `userland`.

    In a checkout these stand beside the package, in an installed wheel inside it.
    """
    package = Path(__file__).parent
    inside = package / "data" / name
    return inside if inside.exists() else package.parent / name


def is_root() -> bool:
    """Whether this process is root's, and so may make machines."""
    return os.geteuid() == 0
