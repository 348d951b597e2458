"""Boxes, and answers of virsh, without a hypervisor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from coreos_lab import disk, run
from coreos_lab.model import Cluster, VagrantBox
from coreos_lab.records.store import ClusterFolder

OURS = VagrantBox("libvirt", "coreos-lab-1", driver="qemu")


FLATCAR = VagrantBox("virtualbox", "flatcar-beta", url="https://beta.example/box.json", flatcar=True)


def answering(monkeypatch: pytest.MonkeyPatch, **answers: str) -> list[tuple[str, ...]]:
    """virsh with such an answer for each of its commands ("_" for "-"); returns the calls that will have been made."""
    calls_made: list[tuple[str, ...]] = []

    def virsh(argv: list[str], **_options: Any) -> run.Completed:
        words = tuple(str(word) for word in argv)
        calls_made.append(words)
        out = answers.get(words[4].replace("-", "_"), "") if words[0] == "virsh" else ""
        return run.Completed(words, 0, out, "")

    monkeypatch.setattr(run, "run", virsh)
    return calls_made


def whole(cluster: Cluster, *numbers: int) -> Path:
    """Marks machines as those whose cloud-config was handed over; returns Vagrant's folder."""
    folder = ClusterFolder(cluster.name).vagrant
    for number in numbers:
        disk.write_atomic(folder / "whole" / cluster.nodes[number].name, "")
    return folder
