"""Probes: HTTP requests as a user of the cluster makes them, several times a second while something is broken."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from coreos_lab.chaos.watch import Watch
from coreos_lab.clients.http import request
from coreos_lab.model import Lab, LabProbe, QualifiedName

INTERVAL = 0.1  # seconds between two requests of a probe
PATIENCE = 0.5  # seconds for an answer
LATE = "no answer in time"  # the detail of a sample that shows nothing else: a busy host is late, too


@dataclass(frozen=True)
class Sample:
    """One measurement: when it was made (monotonic and wall seconds), and whether the answer was good.

    `lab` is the lab that has the probe, "" for a measurement of the cluster itself. `seconds` is how long it took, with
    all nodes that were asked; None in records from before it was measured.
    """

    lab: str
    probe: str
    mono: float
    wall: float
    ok: bool
    detail: str = ""
    seconds: float | None = None

    @property
    def of(self) -> QualifiedName:
        """The probe's name, with its lab."""
        return QualifiedName(self.lab, self.probe)


class Outage:
    """The longest time without a good answer in samples that are added one by one: from the first bad one to the next
    good one. An outage that lasts to the end counts to the last sample.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._since: float | None = None

    def add(self, mono: float, ok: bool) -> None:
        """The next sample of the same probe."""
        if not ok and self._since is None:
            self._since = mono
        if self._since is not None:
            self.longest = max(self.longest, mono - self._since)
        if ok:
            self._since = None


def longest_outage(samples: Iterable[Sample]) -> float:
    """Seconds of the longest time without a good answer."""
    outage = Outage()
    for sample in samples:
        outage.add(sample.mono, sample.ok)
    return outage.longest


def record(path: Path, probes: Iterable[Sequence[Sample]]) -> None:
    """Writes the samples, one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as out:
        for samples in probes:
            out.writelines(json.dumps(asdict(sample)) + "\n" for sample in samples)


class Prober(Watch):
    """Repeats every probe of the deployed labs."""

    def __init__(self, labs: Sequence[Lab], addresses: Sequence[str]) -> None:
        super().__init__()
        self._lock = threading.Lock()
        probes = {QualifiedName(lab.name, probe.name): probe for lab in labs for probe in lab.probes}
        self.samples: dict[QualifiedName, list[Sample]] = {name: [] for name in probes}
        self._orders = {name: list(addresses) for name in probes}  # in which nodes are asked
        for name, probe in probes.items():
            self.every(INTERVAL, partial(self._look, name, probe))

    def follow(self, addresses: Sequence[str]) -> None:
        """From now on, these are the nodes' addresses."""
        with self._lock:
            self._orders = {name: list(addresses) for name in self._orders}

    def outages(self) -> dict[QualifiedName, float]:
        """The longest outage of each probe, in seconds."""
        with self._lock:
            return {name: longest_outage(samples) for name, samples in self.samples.items()}

    def _look(self, name: QualifiedName, probe: LabProbe) -> None:
        sample = measured(name, probe, self._orders[name])
        with self._lock:
            self.samples[name].append(sample)


def measured(name: QualifiedName, probe: LabProbe, order: list[str]) -> Sample:
    """One measurement of a probe: asks the nodes at these addresses in turn, until one gives a good answer.

    That node is put first in `order`, and so asked first next time: a unit moves seldom.
    """
    mono, wall = time.monotonic(), time.time()
    ok, detail = False, ""
    for address in list(order):
        ok, detail = _ask(probe, address)
        if ok:
            order.remove(address)
            order.insert(0, address)
            break
    return Sample(name.lab, name.name, mono, wall, ok, detail, time.monotonic() - mono)


def _ask(probe: LabProbe, address: str) -> tuple[bool, str]:
    try:
        status, body = request(f"http://{address}:{probe.port}", "GET", probe.path, timeout=PATIENCE)
    except (OSError, http.client.HTTPException) as error:
        return False, f"{address}: {error or type(error).__name__}"
    if status != http.client.OK or probe.expect not in body:
        return False, f"{address}: HTTP {status}"
    return True, address
