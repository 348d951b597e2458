"""The umask of this process: ours for all that the lab makes, the user's own again for programs that it becomes."""

from __future__ import annotations

import os

UMASK = 0o022
_users: int | None = None


def fix() -> None:
    """Sets the umask with which the lab makes everything, whatever the user's shell has.

    Machines are made of our folders: a node whose upper folder is closed to others has a `/` that its users cannot
    enter. What is private is made with a mode of its own.
    """
    global _users  # noqa: PLW0603 - belongs to the process, as the umask itself does
    before = os.umask(UMASK)
    _users = before if _users is None else _users


def restore() -> None:
    """Sets the umask that the user's shell has."""
    if _users is not None:
        os.umask(_users)
