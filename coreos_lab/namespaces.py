"""A call that cannot leave anything behind: processes and mounts in namespaces that end with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def contained(argv: Sequence[str | Path]) -> list[str]:
    """The call of a builder whose mounts and children end with it, however it ends, and which ends with this process.

    It gets a mount and a process namespace of its own; unmounts on the host still reach it, so that it keeps no file
    system of the host mounted.
    """
    return [
        *("setpriv", "--pdeathsig", "KILL"),
        *("unshare", "--mount", "--propagation", "slave", "--pid", "--fork", "--kill-child", "--mount-proc", "--"),
        *map(str, argv),
    ]
