"""Alarms: what one says, the state that figures give it, and the file with all of them.

Source: CloudWatch's "Alarm evaluation" and its table "How alarm state is evaluated when data is missing".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coreos_lab.cloud.monitoring.series import Metric
from coreos_lab.records.formats import Format, Record

FORMAT = Format("CloudWatch's alarms")
OK, ALARM, UNKNOWN = "OK", "ALARM", "INSUFFICIENT_DATA"
STATES = (OK, ALARM, UNKNOWN)
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}
WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanOrEqualToThreshold": "less than or equal to",
    "LessThanThreshold": "less than",
}
MISSING, IGNORE, BREACHING, NOT_BREACHING = "missing", "ignore", "breaching", "notBreaching"
TREATMENTS = (MISSING, IGNORE, BREACHING, NOT_BREACHING)
BEYOND = 2  # periods before the ones that count, from which figures are taken in place of missing ones
HISTORY_KEPT = 100


@dataclass
class Event:
    """What happened to an alarm. `kind` is AWS's: ConfigurationUpdate, StateUpdate or Action."""

    moment: float
    kind: str
    summary: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class Alarm:
    """An alarm. `actions` are the ARNs of what is done on becoming a state.

    `since` is when it became its state, `judged` the end of the last period that it was judged by, `acted` when its
    actions were last carried out. Moments are seconds since 1970.
    """

    name: str
    arn: str
    namespace: str
    metric: str
    dimensions: list[list[str]]
    statistic: str
    period: int
    periods: int
    needed: int
    threshold: float
    comparison: str
    unit: str = ""
    treatment: str = MISSING
    description: str = ""
    enabled: bool = True
    actions: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    updated: float = 0.0
    state: str = UNKNOWN
    reason: str = "Unchecked: Initial alarm creation"
    since: float = 0.0
    judged: float = 0.0
    acted: float = 0.0
    history: list[Event] = field(default_factory=list)

    @property
    def watched(self) -> Metric:
        """The metric that it is about."""
        return Metric(self.namespace, self.metric, tuple((key, value) for key, value in self.dimensions))

    def breaches(self, figure: float) -> bool:
        """Whether a figure is on the wrong side of the threshold."""
        return COMPARISONS[self.comparison](figure, self.threshold)

    def note(self, moment: float, kind: str, summary: str, data: dict[str, Any] | None = None) -> None:
        """Writes something into its history."""
        self.history.insert(0, Event(moment, kind, summary, data or {}))
        del self.history[HISTORY_KEPT:]


def judge(alarm: Alarm, figures: Sequence[float | None]) -> str:
    """The state that figures give an alarm; they are of its periods and of `BEYOND` before, the oldest first.

    A None is missing. As long as there are enough others, it does not matter that some are.
    """
    real = [alarm.breaches(each) for each in figures if each is not None][-alarm.periods :]
    breaching, lacking = sum(real), alarm.periods - len(real)
    if alarm.treatment == BREACHING:
        breaching += lacking
    if breaching >= alarm.needed:
        return ALARM
    if lacking == 0 or alarm.treatment in (BREACHING, NOT_BREACHING):
        return OK
    if alarm.treatment == IGNORE:
        return OK if not all(real) else alarm.state
    if not real:
        return UNKNOWN
    return ALARM if all(real) else OK


def reason(alarm: Alarm, figures: Sequence[float | None], state: str) -> str:
    """Why an alarm has a state, in AWS's words."""
    shown = [each for each in figures if each is not None][-alarm.periods :]
    if not shown:
        return f"Insufficient Data: {alarm.periods} datapoints were unknown."
    breaching = sum(map(alarm.breaches, shown))
    listed = ", ".join(f"{each:g}" for each in shown)
    count, begin = (breaching, "") if state == ALARM else (len(shown) - breaching, "not ")
    return (
        f"Threshold Crossed: {count} datapoints [{listed}] were {begin}{WORDS[alarm.comparison]} the threshold "
        f"({alarm.threshold:g})."
    )


@dataclass
class Kept:
    """All alarms of a cloud, in one file."""

    path: Path
    alarms: dict[str, Alarm] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Kept:
        """What the file says; nothing where there is none."""
        return FORMAT.read(path, lambda raw: _parse(path, raw)) if path.exists() else cls(path)

    def save(self) -> None:
        """Writes everything; it is on the disk when this returns."""
        FORMAT.write(self.path, {"alarms": {name: asdict(each) for name, each in self.alarms.items()}}, 0o600)


def _parse(path: Path, raw: Record) -> Kept:
    return Kept(path, {name: _alarm(each) for name, each in raw["alarms"].items()})


def _alarm(raw: Record) -> Alarm:
    return Alarm(**{**raw, "history": [Event(**each) for each in raw["history"]]})
