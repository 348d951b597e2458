"""The history of a run: recorded while something is broken, and judged when nothing is measured any more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from coreos_lab import events, run, wait
from coreos_lab.chaos import writes
from coreos_lab.chaos.history import judgement as judgements
from coreos_lab.chaos.history.clients import Clients
from coreos_lab.chaos.history.judgement import Judgement
from coreos_lab.chaos.verdict import JUDGEMENT, OPERATIONS, PICTURE
from coreos_lab.clients.etcd import CLIENT_PORT, Etcd
from coreos_lab.errors import LabError
from coreos_lab.model import Node, Outcome
from coreos_lab.records.formats import Record

ENOUGH = 100  # answered operations: fewer prove nothing
FILLING = 30.0  # seconds
PATIENCE = 300.0  # seconds for the judge, which has a limit of its own, to read the longest history and to draw


class History:
    """Records a history through `members` while its `with` block runs. `judge` is the judge's program.

    After a block that ended by itself, each register is read once more.
    """

    def __init__(self, members: Sequence[Node], folder: Path, judge: Path) -> None:
        self._folder, self._judge = folder, judge
        self._registers = f"{writes.FOLDER}/{folder.name}-registers"
        self._etcd = Etcd([node.address for node in members])
        self._clients = Clients(
            {node.name: f"http://{node.address}:{CLIENT_PORT}" for node in members},
            self._registers,
            writes.KEPT,
            folder / OPERATIONS,
        )

    @property
    def troubles(self) -> list[str]:
        """Errors that ended a client before the block was over."""
        return self._clients.troubles

    def __enter__(self) -> Self:
        self._clients.__enter__()
        return self

    def __exit__(self, error: type[BaseException] | None, *_args: object) -> None:
        if error is None:
            self._clients.finish()
        self._clients.close()
        writes.remove(self._etcd, self._registers)

    def fill(self) -> None:
        """Lets the clients go on until there is enough to judge, for half a minute at most: some breaks are short."""
        with suppress(wait.DeadlineError):
            wait.until(
                lambda: self._clients.answered >= ENOUGH,
                deadline=wait.patiently(FILLING),
                interval=0.2,
                missing="too few operations were answered",  # so the judge finds, too
            )

    def judged(self) -> tuple[Outcome, str]:
        """Whether the history is linearizable, and the evidence in words. Call it after the block."""
        try:
            with events.step("history", message="is it linearizable?"):
                found = judge(self._judge, self._folder)
        except LabError as error:
            return Outcome.UNKNOWN, error.message
        return found.outcome, found.words


def judge(program: Path, folder: Path) -> Judgement:
    """Judges the history in a run's folder, and records the judgement and porcupine's picture beside it.

    CommandError where the judge fails.
    """
    answer = _ask(program, folder, "-picture", folder / PICTURE)
    found = judgements.of_answer(answer)
    judgements.FORMAT.write(folder / JUDGEMENT, answer)
    return found


def judge_again(program: Path, folder: Path) -> Judgement:
    """The same, without a record. LabError where there is no history any more."""
    if not (folder / OPERATIONS).is_file():
        raise LabError(f"{folder / OPERATIONS}: it is not there, so the history cannot be judged again")
    return judgements.of_answer(_ask(program, folder))


def _ask(program: Path, folder: Path, *options: str | Path) -> Record:
    call = [program, "-least", str(ENOUGH), *options, folder / OPERATIONS]
    answer: Record = json.loads(run.run(call, timeout=PATIENCE).stdout)
    return answer
