"""Changing etcd's members: again until etcd accepts it, since it refuses while its majority would be at risk."""

from __future__ import annotations

from collections.abc import Callable, Collection

from coreos_lab import wait
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.http import CannotCheckError

INTERVAL = 0.2  # seconds between two attempts


def change(attempt: Callable[[], str], *, deadline: float, missing: str) -> None:
    """Calls `attempt` until it returns "": anything else is why it has changed nothing yet, as is etcd's refusal.

    DeadlineError with `missing` and the last reason once `deadline` seconds have passed.
    """
    refused = "no member answers"

    def accepted() -> bool:
        nonlocal refused
        try:
            refused = attempt()
        except CannotCheckError as error:
            refused = error.reason
        return not refused

    wait.until(accepted, deadline=deadline, interval=INTERVAL, missing=lambda: f"{missing}: {refused}")


def remove(client: Etcd, peer_urls: Collection[str], *, deadline: float, missing: str) -> None:
    """Removes the members with these peer URLs, as far as there are any. DeadlineError as above."""

    def removed() -> str:
        for member in client.members():
            if set(peer_urls) & set(member.peer_urls):
                client.remove_member(member.id)
        return ""

    change(removed, deadline=deadline, missing=missing)
