"""The record of a walk without a reader, as of any other run.

It begins when there is a cluster to keep it with, since a page may make that, and has what happened before, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from coreos_lab import events, hints, run
from coreos_lab.chaos.record import Record
from coreos_lab.chaos.verdict import WALK, Phase
from coreos_lab.commands import described
from coreos_lab.errors import LabError
from coreos_lab.model import CheckResult, Cluster, Lab, Outcome
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import about, runs, store


class Trial:
    """A walk through the page of `lab` from step `first` on, on the cluster `name`."""

    def __init__(self, name: str, lab: Lab, first: int) -> None:
        self._name, self._lab, self._first = name, lab, first
        self._mono, self._wall = time.monotonic(), time.time()
        self._seen: list[events.Event] = []
        self._begins: dict[int, float] = {}  # of the steps, in monotonic seconds
        self._folder: Path | None = None
        self._open = ExitStack()

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Records the walk while the block runs."""
        with self._open, events.listening(self._seen.append):
            yield

    def reached(self, number: int) -> None:
        """The walk has come to a step."""
        self._begins[number] = time.monotonic()
        self._record()

    def conclude(self, results: Sequence[CheckResult], output: str) -> None:
        """Writes the verdict. `output` is that of the last step, if it did not pass."""
        folder, cluster = self._record(), store.load(self._name)
        if folder is None or cluster is None:
            return
        record = Record(choose(cluster.provider), cluster, WALK, self._lab.name, folder, self._wall)
        for result in results:
            shown = [] if result.outcome is Outcome.PASS else output.splitlines()[-run.TAIL :]
            evidence = "\n".join([result.message, *shown]).strip()
            began = self._begins[int(result.name.partition(" ")[0])]
            record.add(Phase(result.name, result.outcome, result.seconds, evidence, began=began))
        record.conclude()
        runs.make_last(cluster, folder)

    def _record(self) -> Path | None:
        """The run's folder: made where there is none yet, or the page has removed it together with the cluster."""
        if self._folder is None or not self._folder.is_dir():
            cluster = store.load(self._name)
            self._folder = self._begin(cluster) if cluster else None
        return self._folder

    def _begin(self, cluster: Cluster) -> Path | None:
        provider = choose(cluster.provider)
        try:
            # Not for longer: the page's commands take it.
            with store.ClusterFolder(self._name).lock(hints.lab("walk", self._lab.name, "--test")):
                folder = runs.new(cluster, f"{WALK}-{self._lab.name}")
        except LabError as error:
            events.note("record", f"not yet: {error.message}")
            return None
        made = described.of_walk(cluster, provider, self._lab, self._first)
        about.save(replace(made, mono=self._mono, wall=self._wall), folder)
        self._open.enter_context(events.recording(folder / runs.EVENTS, list(self._seen)))
        return folder
