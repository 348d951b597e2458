"""Waiting for a fault's effect, and for its end. A look that could not be taken is unknown, never an answer."""

from __future__ import annotations

from collections.abc import Callable

from coreos_lab import run, wait
from coreos_lab.chaos.fault import Fault, Scene
from coreos_lab.errors import LabError, UnknownError

SEEN_DEADLINE = 60.0  # seconds: a clean shutdown stops containers, and each may take ten seconds
GONE_DEADLINE = 60.0  # seconds until an undo shows


def wait_until_seen(fault: Fault, scene: Scene) -> None:
    """Returns when the effect is there. DeadlineError if it does not come, UnknownError if that cannot be found out."""
    missing, unknown = "no effect of {kind} is seen", "whether {kind} has an effect is unknown"
    _wait_until(fault.seen, fault, scene, missing, unknown, deadline=SEEN_DEADLINE, interval=0.02)


def wait_until_gone(fault: Fault, scene: Scene) -> None:
    """Returns when the effect is gone after the undo. Raises what `wait_until_seen` raises."""
    missing = "{kind} is undone, and its effect is still seen"
    unknown = "{kind} is undone, and whether its effect is gone is unknown"
    _wait_until(fault.gone, fault, scene, missing, unknown, deadline=GONE_DEADLINE, interval=0.1)


def _wait_until(
    look: Callable[[Scene], bool],
    fault: Fault,
    scene: Scene,
    missing: str,
    unknown: str,
    *,
    deadline: float,
    interval: float,
) -> None:
    """Returns when a look at the scene finds what it is to find. `missing` and `unknown` name the fault as {kind}."""
    missing, unknown = (f"{scene.node.name}: {each.format(kind=fault.kind.value)}" for each in (missing, unknown))
    failed: list[LabError] = []  # the last look, if it could not be taken

    def seen() -> bool:
        failed.clear()
        try:
            return look(scene)
        except (UnknownError, run.CommandError) as error:  # no node was reached, or a tool underneath has failed
            failed.append(error)
            return False

    try:
        wait.until(seen, deadline=wait.patiently(deadline), interval=interval, missing=missing)
    except wait.DeadlineError as late:
        if not failed:
            raise
        why = failed[0]
        raise UnknownError(f"{unknown}: {why.message}", why.hint, why.details) from late
