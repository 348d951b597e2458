"""Writes to etcd, several times a second while something is broken: acknowledged writes must be there afterwards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from coreos_lab.chaos.probes import Sample
from coreos_lab.chaos.watch import Watch
from coreos_lab.clients.etcd import Etcd
from coreos_lab.errors import LabError
from coreos_lab.model import ETCD_PROBE, Outcome

INTERVAL = 0.2  # seconds between two writes
PATIENCE = 0.5  # seconds for one node's answer
ATTEMPTS = 3  # to remove them
KEPT = 3 * 3600  # time to live in seconds, for keys that a killed command has left: longer than any storm
# etcd hides a name that begins with _ from listings and watches.
FOLDER = "/_coreos-lab"


def remove(etcd: Etcd, folder: str) -> None:
    """Removes a folder of such keys. What cannot be removed now, or is written late, expires by itself."""
    for _attempt in range(ATTEMPTS):
        with suppress(LabError):
            etcd.remove(folder)
            if not etcd.tree(folder):
                etcd.remove_empty_folders_above(folder)
                return


class Writes(Watch):
    """Writes numbers, each under a key of its own, through whichever node answers."""

    def __init__(self, addresses: Sequence[str], run: str) -> None:
        super().__init__()
        self.follow(addresses)
        self._folder = f"{FOLDER}/{run}"
        self.samples: list[Sample] = []
        self.acknowledged: list[str] = []
        self.every(INTERVAL, self._write)

    def follow(self, addresses: Sequence[str]) -> None:
        """From now on, these are the nodes' addresses."""
        self._addresses = list(addresses)
        self._etcd = Etcd(self._addresses, timeout=PATIENCE)

    def _write(self) -> None:
        number = str(len(self.samples) + 1)
        mono, wall, detail = time.monotonic(), time.time(), ""
        try:
            self._etcd.set(f"{self._folder}/{number}", number, ttl=KEPT)
        except LabError as error:
            detail = error.message
        else:
            self.acknowledged.append(number)
        self.samples.append(Sample("", ETCD_PROBE, mono, wall, not detail, detail, time.monotonic() - mono))

    def __exit__(self, *error: object) -> None:
        """Removes the keys, too, whether they were judged or not."""
        super().__exit__(*error)
        if not self.samples:
            return
        remove(Etcd(self._addresses), self._folder)

    def judged(self) -> tuple[Outcome, str]:
        """Whether every acknowledged write is there, and the evidence in words. To be called within the block."""
        try:
            present = set(Etcd(self._addresses).tree(self._folder).values())
        except LabError as error:
            return Outcome.UNKNOWN, error.message
        lost = [number for number in self.acknowledged if number not in present]
        if lost:
            first = ", ".join(lost[:3])
            return Outcome.FAIL, f"etcd lost {len(lost)} of {len(self.acknowledged)} acknowledged writes: {first} ..."
        if not self.acknowledged:
            return Outcome.UNKNOWN, "etcd acknowledged no write"
        return Outcome.PASS, f"all {len(self.acknowledged)} acknowledged writes are there"
