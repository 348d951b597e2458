"""Probes: what a user of the cluster would see, asked several times a second while something is broken."""

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
from coreos_lab.model import LabProbe

INTERVAL = 0.1  # seconds between two questions
PATIENCE = 0.5  # seconds for an answer


@dataclass(frozen=True)
class Sample:
    """One question: when it was asked (monotonic and wall seconds), and whether it was answered well."""

    probe: str
    mono: float
    wall: float
    ok: bool
    detail: str = ""


def longest_outage(samples: Sequence[Sample]) -> float:
    """Seconds of the longest time without a good answer, from the first bad one to the next good one.

    An outage that lasts to the end counts to the last sample.
    """
    longest, since = 0.0, None
    for sample in samples:
        if not sample.ok:
            since = sample.mono if since is None else since
            longest = max(longest, sample.mono - since)
        elif since is not None:
            longest = max(longest, sample.mono - since)
            since = None
    return longest


def record(path: Path, probes: Iterable[Sequence[Sample]]) -> None:
    """Writes what probes have seen, one sample a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as out:
        for samples in probes:
            out.writelines(json.dumps(asdict(sample)) + "\n" for sample in samples)


class Prober(Watch):
    """Asks every probe of the deployed labs."""

    def __init__(self, probes: Sequence[LabProbe], addresses: Sequence[str]) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self.samples: dict[str, list[Sample]] = {probe.name: [] for probe in probes}
        for probe in probes:
            self.every(INTERVAL, partial(self._look, probe, list(addresses)))

    def outages(self) -> dict[str, float]:
        """The longest outage of each probe, in seconds."""
        with self._lock:
            return {name: longest_outage(samples) for name, samples in self.samples.items()}

    def _look(self, probe: LabProbe, order: list[str]) -> None:
        mono, wall = time.monotonic(), time.time()
        ok, detail = False, ""
        for address in list(order):
            ok, detail = _ask(probe, address)
            if ok:  # where it was served last is asked first: a unit moves seldom
                order.remove(address)
                order.insert(0, address)
                break
        with self._lock:
            self.samples[probe.name].append(Sample(probe.name, mono, wall, ok, detail))


def _ask(probe: LabProbe, address: str) -> tuple[bool, str]:
    try:
        status, body = request(f"http://{address}:{probe.port}", "GET", probe.path, timeout=PATIENCE)
    except (OSError, http.client.HTTPException) as error:
        return False, f"{address}: {error or type(error).__name__}"
    if status != http.client.OK or probe.expect not in body:
        return False, f"{address}: HTTP {status}"
    return True, address
