"""The nodes' journals around the moments of a run, for its report. They explain a verdict, and decide none."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coreos_lab import events, run, wait
from coreos_lab.chaos import numbering
from coreos_lab.chaos.verdict import Phase
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, Outcome
from coreos_lab.providers.base import Provider

BEFORE, AFTER = 2.0, 6.0  # seconds around a moment
MOMENTS = 12  # that are read
LINES = 250  # of one node around one moment: the last ones
CHARACTERS = 500  # of a line
PATIENCE = 15.0  # seconds for one call
FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_SYSTEMD_UNIT,UNIT"
ACTS = ("effect", "repair")  # phases that change something, by their names without a number


@dataclass(frozen=True)
class Moment:
    """What happened at `wall`, in seconds since the epoch; journals are read from `begin` to `end`.

    With `since` they begin there. With `units`, only what these and systemd say of them is read.
    """

    wall: float
    what: str
    since: float | None = None
    units: tuple[str, ...] = ()

    @property
    def begin(self) -> float:
        """Where its journals begin."""
        return self.wall - BEFORE if self.since is None else self.since

    @property
    def end(self) -> float:
        """Where they end."""
        return self.wall + AFTER


@dataclass(frozen=True)
class Line:
    """One message of a node, at `wall` seconds; `cut` says that there was more of it. `moment` is what it is about.

    A line without a text of a unit's (`unit` is "") is a remark of ours: what was left out, or not reached.
    """

    moment: str
    at: float
    wall: float
    node: str
    unit: str
    priority: int
    text: str
    cut: bool = False


def moments(phases: Sequence[Phase], offset: float) -> list[Moment]:
    """When something was done or went wrong: the first moments, or the last ones where something went wrong.

    `offset` makes seconds since the epoch of monotonic ones.
    """
    found = []
    for phase in phases:
        if phase.began is None:
            continue
        if numbering.split(phase.name)[1] in ACTS:
            found.append(Moment(phase.began + offset, phase.name))
        if phase.outcome is not Outcome.PASS:
            found.append(Moment(phase.began + phase.seconds + offset - AFTER / 2, f"{phase.name}: {phase.outcome}"))
    wrong = any(phase.outcome is not Outcome.PASS for phase in phases)
    return found[-MOMENTS:] if wrong else found[:MOMENTS]


def record(provider: Provider, cluster: Cluster, around: Sequence[Moment], path: Path) -> None:
    """Writes what the nodes' journals have around some moments, one JSON object a line.

    What cannot be read or written is reported: the verdict that this explains stands without it.
    """

    def of_node(node: Node) -> list[Line]:
        return [line for moment in around for line in _read(provider, cluster, node, moment)]

    with events.step("record", message="journals"), ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(of_node, cluster.nodes))
    try:
        with path.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(asdict(line)) + "\n" for lines in found for line in lines)
    except OSError as error:
        events.note("record", f"{path}: {error.strerror}")


def _read(provider: Provider, cluster: Cluster, node: Node, moment: Moment) -> Iterator[Line]:
    """A node's messages around one moment: on the host where its journal lies there, else by asking the node."""
    span = [f"--since=@{moment.begin:.3f}", f"--until=@{moment.end:.3f}", f"--lines={LINES + 1}"]
    of_units = [f"--unit={unit}" for unit in moment.units]
    remark = Line(moment.what, moment.wall, moment.begin, node.name, "", 4, "")
    try:
        lines = printed(provider, cluster, node, [*span, *of_units])
    except LabError as error:
        yield _with(remark, f"its journal was not read: {error.message}")
        return
    if len(lines) > LINES:
        yield _with(remark, f"more than {LINES} messages: the last {LINES} were recorded")
    for text in lines[-LINES:]:
        if (line := parse(text, remark)) is not None:
            yield line


def printed(provider: Provider, cluster: Cluster, node: Node, chosen: Sequence[str]) -> list[str]:
    """A node's messages that journalctl's options have `chosen`, each a line of JSON, the oldest first.

    Read on the host where the journal lies there, else asked of the node. LabError where that fails.
    """
    call = ["journalctl", "--no-pager", "--quiet", "--output=json", f"--output-fields={FIELDS}", *chosen]
    folders = provider.journal_folders(cluster, node) if run.which("journalctl") else ()
    if folders:
        at = [f"--directory={folder}" for folder in folders]
        return run.run([*call, *at], check=False, timeout=wait.patiently(PATIENCE)).stdout.splitlines()
    return ssh.answer(cluster, node, ["sudo", *call], timeout=PATIENCE).stdout.splitlines()


def parse(text: str, about: Line) -> Line | None:
    """A line of `journalctl --output=json`; None for what is none. The moment and the node are those of `about`."""
    try:
        raw = json.loads(text)
        wall = int(raw["__REALTIME_TIMESTAMP"]) / 1e6
        unit = str(raw.get("UNIT") or raw.get("_SYSTEMD_UNIT") or raw.get("SYSLOG_IDENTIFIER") or "?")
        priority = int(raw.get("PRIORITY", 6))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    message, cut = _message(raw.get("MESSAGE"))
    return Line(about.moment, about.at, wall, about.node, unit, priority, message, cut)


def _message(raw: Any) -> tuple[str, bool]:
    """A message as text, and whether some of it is missing. journalctl leaves out what is longer than 4096 bytes.

    What is no text comes as a list of bytes, and a field that a message has several times as a list of its values.
    """
    if raw is None:
        return "(a message of more than 4096 bytes)", True
    if isinstance(raw, list) and all(isinstance(each, int) and 0 <= each <= 255 for each in raw):  # noqa: PLR2004
        raw = bytes(raw).decode("utf-8", "replace")
    text = raw if isinstance(raw, str) else json.dumps(raw)
    return text[:CHARACTERS], len(text) > CHARACTERS


def _with(line: Line, text: str) -> Line:
    return Line(**{**asdict(line), "text": text})
