"""What a run measures and checks, on paper: writes to etcd, and the labs' checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from coreos_lab.chaos.probes import Sample
from coreos_lab.model import CheckResult, Outcome


class Told(Protocol):
    """A test's stage: what each run of the checks will find (an outcome, or an error to raise), and what was done.

    `within` are the seconds that each run of the checks has had.
    """

    checks: list[Any]
    done: list[str]
    within: list[float]


class Paper:
    """An etcd that keeps what it has acknowledged, or does not."""

    judgement = (Outcome.PASS, "all 3 acknowledged writes are there")
    troubles: ClassVar[list[str]] = []

    def __init__(self, addresses: list[str], run: str) -> None:
        del addresses, run
        self.samples: list[Sample] = []

    def __enter__(self) -> Paper:
        return self

    def __exit__(self, *_args: object) -> None:
        pass

    def stop(self) -> None:
        """Nothing is written anyway."""

    def judged(self) -> tuple[Outcome, str]:
        return self.judgement


def run_checks(stage: Told) -> Callable[..., list[CheckResult]]:
    """Stands for `run_checks`: one check, which finds what the stage says."""

    def run(*_args: object, only: str | None, deadline: float, **_options: object) -> list[CheckResult]:
        stage.done.append(f"check {only or 'all'}")
        stage.within.append(deadline)
        outcome = stage.checks.pop(0)
        if not isinstance(outcome, Outcome):
            raise outcome
        return [CheckResult("web", outcome, "says no" if outcome is not Outcome.PASS else "")]

    return run
