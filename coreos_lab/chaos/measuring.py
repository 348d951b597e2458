"""What is measured while a cluster is broken or updated: probes, writes, reads from etcd, where units run.

A run ends here, too: what was measured goes into its folder, with the verdict that follows from it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from coreos_lab import screen
from coreos_lab.chaos.board import board
from coreos_lab.chaos.history.history import History
from coreos_lab.chaos.objectives import allowed
from coreos_lab.chaos.observer import Observer
from coreos_lab.chaos.phases import Phases
from coreos_lab.chaos.probes import Prober, Sample, record
from coreos_lab.chaos.record import conclude
from coreos_lab.chaos.verdict import HISTORY, OBJECTIVES, PROBES, UNITS, Verdict, of_objectives, outages_of
from coreos_lab.chaos.writes import Writes
from coreos_lab.model import ETCD_PROBE, Cluster, Lab, Outcome, QualifiedName
from coreos_lab.observed import node_states
from coreos_lab.providers.base import Provider

if TYPE_CHECKING:
    from rich.console import RenderableType

Doing = Callable[[], Sequence[tuple[str, str]]]  # nodes, each with what is being done to it now


class Measurement:
    """What is measured during one run, whose records go into `folder`. `phases` are those of the run's verdict.

    With the program of the `judge`, a history of registers in etcd is recorded, too.
    """

    def __init__(
        self,
        provider: Provider,
        cluster: Cluster,
        labs: Sequence[Lab],
        phases: Phases,
        folder: Path,
        judge: Path | None = None,
    ) -> None:
        self._provider, self._cluster, self._labs = provider, cluster, labs
        self._phases, self._folder = phases, folder
        addresses = node_states.addresses(cluster.nodes)
        self._prober, self._writes = Prober(labs, addresses), Writes(addresses, folder.name)
        self._observer = Observer(cluster)
        self._history = History(cluster.members, folder, judge) if judge else None

    @property
    def reads(self) -> dict[str, list[Sample]]:
        """The samples of reading from each node's etcd, by the node's name."""
        return self._observer.reads

    def follow(self, cluster: Cluster) -> None:
        """From now on, the cluster's nodes are measured at these addresses."""
        self._cluster = cluster
        addresses = node_states.addresses(cluster.nodes)
        self._prober.follow(addresses)
        self._writes.follow(addresses)
        self._observer.follow(cluster)

    @contextmanager
    def going_on(self, doing: Doing) -> Iterator[None]:
        """Measures while the block runs; a terminal shows it, with what `doing` returns."""

        def drawn() -> RenderableType:
            probes = {**self._prober.samples, QualifiedName("", ETCD_PROBE): self._writes.samples}
            return board(self._observer, probes, doing(), self._phases.began, time.monotonic())

        with self._history or nullcontext(), self._prober, self._writes, self._observer, screen.foot(drawn):
            yield

    def judge_writes(self) -> None:
        """Ends the writes; whether etcd has kept what it acknowledged becomes a phase."""
        self._writes.stop()
        began = time.monotonic()
        outcome, evidence = self._writes.judged()
        self._phases.add("writes", outcome, began, evidence)

    def fill_history(self) -> None:
        """Lets a history, if there is one, go on until there is enough to judge."""
        if self._history:
            self._history.fill()

    def judge_history(self) -> None:
        """Whether the history, if there is one, is linearizable becomes a phase.

        It is judged when nothing is measured any more: the judge may use all processors.
        """
        if self._history:
            began = time.monotonic()
            outcome, evidence = self._history.judged()
            self._phases.add(HISTORY, outcome, began, evidence)

    def conclude(
        self,
        fault: str,
        nodes: Sequence[str],
        *,
        by_objectives: bool,
        without_majority: bool = False,
        by_reads: bool = False,
    ) -> Verdict:
        """Records what was measured, the verdict, and the journals around what went wrong.

        `fault` was done to `nodes`. `by_objectives` says whether the labs' objectives judge it. No lab promises
        anything for a time `without_majority` of etcd's members. `by_reads`: a phase was judged from `reads`.
        """
        history = self._history.troubles if self._history else []
        reads = self._observer.troubles if by_reads else []
        if troubles := [*self._prober.troubles, *self._writes.troubles, *history, *reads]:
            self._phases.add("measured to the end", Outcome.UNKNOWN, time.monotonic(), troubles[0])
        measured = [*self._prober.samples.values(), self._writes.samples, *self.reads.values()]
        record(self._folder / PROBES, measured)
        self._observer.record(self._folder / UNITS)
        outages = outages_of(sample for samples in measured for sample in samples)
        objectives = {} if without_majority else allowed(self._cluster, self._labs)
        if by_objectives and objectives:
            outcome, evidence = of_objectives(objectives, outages)
            self._phases.add(OBJECTIVES, outcome, time.monotonic(), evidence)
        verdict = Verdict(
            self._phases.outcome,
            self._cluster.name,
            tuple(nodes),
            fault,
            tuple(lab.name for lab in self._labs),
            tuple(self._phases.done),
            outages,
            objectives,
            userns=self._cluster.userns,
        )
        conclude(self._provider, self._cluster, verdict, self._folder)
        return verdict
