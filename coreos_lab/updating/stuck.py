"""Why an update does not go on, judged from what was seen and for how long: pure, so that each case has a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coreos_lab import hints
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.updating.locks import Lock
from coreos_lab.updating.phase import ETCD_LOCK, Phase, Seen, until_window

SOON = 300.0  # seconds: a reboot window that begins sooner is waited for
IDLE_HOLDER = 60.0  # seconds for a machine that has the lock to reboot, or to give it back after that
SETTLED = 10.0  # seconds for locksmithd to say how long it waits
AT_REST = (Phase.DONE, Phase.WINDOW, Phase.BY_HAND)


@dataclass(frozen=True)
class Standing:
    """Where a node is: its phase, for how many seconds, and what was last seen of it."""

    phase: Phase
    seconds: float
    seen: Seen


def stuck_lock(
    standings: Mapping[str, Standing], locks: Mapping[str, Lock], machines: Mapping[str, str], lost: Mapping[str, str]
) -> LabError | None:
    """The error for nodes that wait for a lock whose holders do nothing; None where one of them may give it back.

    `machines` are names by machine id; `lost` says of the nodes that do not come back by themselves why not.
    """
    for name, standing in standings.items():
        look = standing.seen.look
        if standing.phase is not Phase.LOCK or look is None:
            continue
        lock = locks.get(look.lock_group, Lock())
        idle = {holder: why for holder in lock.holders if (why := _idle(holder, standings, machines, lost))}
        if len(idle) >= lock.most and lock.most > 0:
            holder, why = next(iter(idle.items()))
            return LabError(
                f"{name}: waits for the reboot lock, which {machines.get(holder, f'machine {holder}')} has: {why}",
                f"take it away: {_locksmithctl(name, look.lock_group, 'unlock', holder)};"
                f" then go on: {hints.lab('update')}",
            )
        if lock.most <= 0:
            return LabError(
                f"{name}: waits for the reboot lock, which no machine may have: its maximum is {lock.most}",
                f"allow one: {_locksmithctl(name, look.lock_group, 'set-max', '1')}; then go on: {hints.lab('update')}",
            )
    return None


def _locksmithctl(node: str, group: str, *words: str) -> str:
    """The command that changes the lock of a group, from a node."""
    return hints.lab("ssh", node, "--", "locksmithctl", *(["-group", group] if group else []), *words)


def _idle(holder: str, standings: Mapping[str, Standing], machines: Mapping[str, str], lost: Mapping[str, str]) -> str:
    """Why a holder of the lock will not give it back by itself; "" for one that may."""
    name = machines.get(holder, "")
    if not name:
        return "no machine of this cluster"
    if name in lost:
        return lost[name]
    standing = standings.get(name)
    busy = (Phase.REBOOTS, Phase.LOGIN, Phase.OFF, Phase.BOOTS, Phase.STARTS)
    if standing is None or standing.phase in busy or standing.seconds < IDLE_HOLDER:
        return ""
    return "it runs, and does not reboot"


def at_rest(standings: Mapping[str, Standing]) -> LabError | None:
    """The error for nodes that reboot later, or by hand, when no other node has anything left to do."""
    if any(standing.phase not in AT_REST for standing in standings.values()):
        return None
    windows = [name for name, standing in standings.items() if standing.phase is Phase.WINDOW]
    for name in windows:
        look = standings[name].seen.look
        left = until_window(look) if look else None
        if left is None and standings[name].seconds < SETTLED:
            return None
        if look is not None and (left is None or left > SOON):
            when = f", in {as_hours(left)}" if left is not None else ""
            return UnknownError(
                f"{', '.join(windows)}: the update is installed; the reboot window ({look.window}{when}) has not begun",
                f"look again later: {hints.lab('update')}",
            )
    by_hand = [name for name, standing in standings.items() if standing.phase is Phase.BY_HAND]
    if by_hand and not windows:
        return UnknownError(
            f"{', '.join(by_hand)}: the update is installed; with the reboot strategy off somebody must reboot",
            f"reboot one after the other: {hints.lab('ssh', by_hand[0], '--', 'sudo', 'locksmithctl', 'reboot')};"
            f" then: {hints.lab('update')}",
        )
    return None


def as_hours(seconds: float) -> str:
    """A long time in words: 11 h 23 min."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"  # noqa: PLR2004


def without_lock(standings: Mapping[str, Standing]) -> list[str]:
    """The nodes that ask no lock before they reboot."""
    looks = {name: standing.seen.look for name, standing in standings.items()}
    return [name for name, look in looks.items() if look is not None and look.strategy != ETCD_LOCK]
