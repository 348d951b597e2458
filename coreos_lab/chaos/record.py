"""How a run ends in its folder, and the record of one that breaks nothing: a deployment, or a walk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from coreos_lab.chaos import journals
from coreos_lab.chaos.phases import reason
from coreos_lab.chaos.verdict import JOURNALS, Phase, Verdict, evidence_of, judge, of_checks, save
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import CheckResult, Cluster, Outcome
from coreos_lab.observed import node_states
from coreos_lab.providers.base import Provider
from coreos_lab.run import CommandError


def conclude(
    provider: Provider, cluster: Cluster, verdict: Verdict, folder: Path, more: Sequence[journals.Moment] = ()
) -> None:
    """Writes a run's verdict and the nodes' journals that explain it: around its moments, and of those in `more`."""
    save(verdict, folder)
    around = journals.moments(verdict.phases, time.time() - time.monotonic())
    journals.record(provider, cluster, [*more, *around], folder / JOURNALS)


class Record:
    """The phases of a run that breaks nothing, and its verdict when it ends.

    `what` is the run's verb, which did something to `lab`. It began at `wall`, in seconds since the epoch. `units` are
    those that failed, as far as the run knows.
    """

    def __init__(self, provider: Provider, cluster: Cluster, what: str, lab: str, folder: Path, wall: float) -> None:
        self._provider, self._cluster, self._folder = provider, cluster, folder
        self._what, self._lab = what, lab
        self._began = wall
        self._done: list[Phase] = []
        self.units: list[str] = []

    def add(self, phase: Phase) -> None:
        """Adds a phase that is over."""
        self._done.append(phase)

    def checks(self, name: str, began: float, results: Sequence[CheckResult]) -> None:
        """Adds a phase of checks, which began at `began` in monotonic seconds."""
        seconds = time.monotonic() - began
        self.add(Phase(name, of_checks(results), seconds, evidence_of(results), tuple(results), began))

    @contextmanager
    def phase(self, name: str, evidence: str, *, fails: bool = False) -> Iterator[Callable[[str], None]]:
        """The block as a phase, with `evidence` when it passes, and the error when it does not.

        The block may say better than `evidence` what it has found, by calling what it is given.
        `fails` says that an error of the block shows that the lab does not work. Else it is unknown whether it does, as
        it always is where something could not be found out, or a tool underneath has failed.
        """
        began, said = time.monotonic(), [evidence]
        try:
            yield said.append
        except LabError as error:
            shown = fails and not isinstance(error, UnknownError | CommandError)
            outcome = Outcome.FAIL if shown else Outcome.UNKNOWN
            self.add(Phase(name, outcome, time.monotonic() - began, reason(error), began=began))
            raise
        self.add(Phase(name, Outcome.PASS, time.monotonic() - began, said[-1], began=began))

    @contextmanager
    def until_the_end(self) -> Iterator[None]:
        """Writes the verdict when the block ends, by itself or with an error of ours.

        A run that was interrupted or killed has no verdict, which its report says.
        """
        began = time.monotonic()
        try:
            yield
        except LabError as error:
            if judge(self._done) is Outcome.PASS:  # no phase has it, and without its end the run proves nothing
                seconds = time.monotonic() - began
                self.add(Phase("carried out to the end", Outcome.UNKNOWN, seconds, reason(error), began=began))
            self.conclude()
            raise
        self.conclude()

    def conclude(self) -> None:
        """Writes the verdict; where it is no pass, with the journals of the units that failed, from the run's begin."""
        verdict = Verdict(
            judge(self._done),
            self._cluster.name,
            (),
            self._what,
            (self._lab,),
            tuple(self._done),
            userns=self._cluster.userns,
        )
        more = []
        if verdict.outcome is not Outcome.PASS and (units := self.units or self._failed()):
            about = f"{', '.join(units)}: since the run began"
            more.append(journals.Moment(time.time(), about, self._began, tuple(units)))
        conclude(self._provider, self._cluster, verdict, self._folder, more)

    def _failed(self) -> list[str]:
        """The units that fleet says have failed; none where it does not answer."""
        running = node_states.running(self._cluster, self._provider)
        try:
            states = Fleet(node_states.addresses(running), timeout=1.0).states() if running else []
        except CannotCheckError:
            return []
        return sorted({state.name for state in states if state.active == "failed"})
