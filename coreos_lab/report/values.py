"""What a report says: values without HTML and files. Times are seconds since the run began, unless they are `wall`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from coreos_lab.model import CheckResult, Outcome


@dataclass(frozen=True)
class Span:
    """A part of the timeline. `tone` says what it means (see `TONES` in `picture.py`), `text` is written on it."""

    begin: float
    end: float
    text: str
    tone: str
    detail: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end - self.begin

    def since(self, began: float, subject: str = "") -> Span:
        """The same with times since `began`; its detail names `subject`."""
        detail = " ".join([subject, self.detail]).strip()
        return replace(self, begin=self.begin - began, end=self.end - began, detail=detail)


@dataclass(frozen=True)
class Lane:
    """A row of the timeline. `left_out` is the number of its spans that there was no room for."""

    name: str
    spans: tuple[Span, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Group:
    """Rows of the timeline under one heading, with a sentence about what they show."""

    title: str
    about: str
    lanes: tuple[Lane, ...]


@dataclass(frozen=True)
class Point:
    """The samples of a moment: how many were good and bad; the fastest and the slowest of the good ones, in seconds.

    `low` and `high` are None where there was no good one, or none that was timed.
    """

    begin: float
    end: float
    good: int
    bad: int
    low: float | None = None
    high: float | None = None

    def joined(self, other: Point) -> Point:
        """The samples of both."""
        low = min((each for each in (self.low, other.low) if each is not None), default=None)
        high = max((each for each in (self.high, other.high) if each is not None), default=None)
        return Point(self.begin, other.end, self.good + other.good, self.bad + other.bad, low, high)


@dataclass(frozen=True)
class Curve:
    """What a probe measured. `outages` are those in order of time, `left_out` the number of shorter ones beside them.

    `limit` is the objective: the longest outage that is allowed, None where nothing is promised. `latency` has times in
    seconds by what they are ("median").
    """

    name: str
    points: tuple[Point, ...]
    outages: tuple[Span, ...]
    samples: int
    failed: int
    longest: float
    limit: float | None = None
    left_out: int = 0
    latency: dict[str, float] = field(default_factory=dict)

    @property
    def kept(self) -> bool:
        """Whether the objective was kept."""
        return self.limit is None or self.longest <= self.limit

    def joined(self, points: int) -> Curve:
        """The same with at most so many points."""
        fewer = self.points
        while len(fewer) > points:
            pairs = [fewer[number : number + 2] for number in range(0, len(fewer), 2)]
            fewer = tuple(pair[0].joined(pair[-1]) if len(pair) > 1 else pair[0] for pair in pairs)
        return replace(self, points=fewer)


@dataclass(frozen=True)
class Part:
    """A phase of the run with its evidence; `begin` is None where the record does not say."""

    name: str
    outcome: Outcome
    begin: float | None
    seconds: float
    evidence: str
    checks: tuple[CheckResult, ...] = ()


@dataclass(frozen=True)
class Message:
    """A line of a node's journal; `unit` is "" for a remark of ours. `cut`: there was more of it."""

    at: float
    node: str
    unit: str
    priority: int
    text: str
    cut: bool = False


@dataclass(frozen=True)
class Excerpt:
    """The journals around one moment. `left_out` is the number of messages that there was no room for."""

    what: str
    at: float
    messages: tuple[Message, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Call:
    """An operation of a client on a register in etcd, through a node, which took so many `seconds`."""

    at: float
    seconds: float
    client: int
    node: str
    what: str
    outcome: str


@dataclass(frozen=True)
class History:
    """What was judged of a history. `stale` are its first stale reads, in words.

    `picture` is porcupine's page about the register `pictured`, which has the operations `calls`; `script` is the
    program in that page. Both are "" where there is none, or no room for it.
    """

    outcome: Outcome
    words: str
    stale: tuple[str, ...] = ()
    pictured: str = ""
    calls: tuple[Call, ...] = ()
    picture: str = ""
    script: str = ""


@dataclass(frozen=True)
class Fact:
    """A figure worth a large print: its name, its value, and a remark. `outcome` colours it where it was judged."""

    name: str
    value: str
    remark: str = ""
    outcome: Outcome | None = None


@dataclass(frozen=True)
class Report:
    """One run. `outcome` is None where nothing was judged, `state` says why then ("still going on").

    `wall` is when it began, in seconds since the epoch, None where that is not known. `bands` are the faults, across
    all rows. `waited` are the steps on the critical path, with their seconds. `again` is the command that does it
    again, with the files that it reads. `problems` are what is wrong with the record.
    """

    run: str
    what: str
    outcome: Outcome | None
    state: str
    sentence: str
    wall: float | None
    seconds: float
    facts: tuple[Fact, ...] = ()
    bands: tuple[Span, ...] = ()
    groups: tuple[Group, ...] = ()
    curves: tuple[Curve, ...] = ()
    parts: tuple[Part, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    again: str = ""
    files: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    history: History | None = None
    waited: tuple[tuple[str, float], ...] = ()

    @property
    def mark(self) -> str:
        """The verdict in large letters, or why there is none."""
        return (self.outcome.value if self.outcome else self.state or "no verdict").upper()
