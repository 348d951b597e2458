"""Namespaces: calls in ones of their own, which cannot leave anything behind, and work done inside of others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

CLONE_FS = 0x200
CLONE_NEWNS = 0x20000
CLONE_NEWNET = 0x40000000

Made = TypeVar("Made")


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


def inside(handle: int, kind: int, make: Callable[[], Made]) -> Made:
    """What `make` gets in a namespace, given by an open descriptor and its kind (CLONE_NEW...). OSError passes through.

    Only a thread enters the namespace, and ends in it; the process stays where it is.
    """
    made: list[Made] = []
    failed: list[OSError] = []

    def enter() -> None:
        try:
            _enter(handle, kind)
            made.append(make())
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


def _enter(handle: int, kind: int) -> None:
    import ctypes  # slow to import, and seldom needed

    libc = ctypes.CDLL(None, use_errno=True)
    # Threads share root and working folder, and a thread that shares those cannot enter a mount namespace.
    if libc.unshare(CLONE_FS) != 0 or libc.setns(handle, kind) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
