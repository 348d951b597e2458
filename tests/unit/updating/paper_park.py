"""Machines of paper that are updated: what each says is a list, one entry a round."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from coreos_lab import wait
from coreos_lab.clients import etcd, ssh
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import ready
from coreos_lab.providers.base import SlotProvider
from coreos_lab.run import Completed
from coreos_lab.updating import locks, watch
from coreos_lab.updating.look import Look
from coreos_lab.updating.watch import Watch
from tests.unit.paper import stands_for

BASE = Look("k", "", "stable", "http://update.lab:5810/v1/update/", "", "etcd-lock", state="running")
ROUND = 1.0  # seconds


@stands_for(SlotProvider)
class Park:
    """What is so in each round. A machine's list of words: old, waits, locked, goes, off, boots, new, held, back;
    early is held before locksmithd runs again.
    """

    boot_deadline = 90.0
    boots_at_once: int | None = None
    name = "paper"

    def __init__(self, said: dict[str, list[str]], most: int = 1) -> None:
        self.said, self.most, self.round = said, most, 0
        self.stolen: list[str] = []  # machine ids that have the lock besides
        self.silent: list[int] = []  # rounds in which etcd does not answer

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def word(self, node: Node) -> str:
        words = self.said.get(node.name, ["gone"])
        return words[min(self.round, len(words) - 1)]

    def state(self, _cluster: Cluster, node: Node) -> NodeState:
        return NodeState.STOPPED if self.word(node) in ("off", "gone") else NodeState.RUNNING

    def boot_id(self, _cluster: Cluster, node: Node) -> str:
        if self.word(node) in ("off", "boots", "gone"):
            return ""
        return "2" if self.word(node) in ("new", "held", "back", "early") else "1"

    def machine_id(self, _cluster: Cluster, node: Node) -> str:
        return f"id-of-{node.name}"

    def journal_folders(self, _cluster: Cluster, _node: Node) -> tuple[Path, ...]:
        return ()

    def booted_image(self, _cluster: Cluster, node: Node) -> str:
        return "k-2" if self.word(node) in ("new", "held", "early") else "k"

    def look(self, _cluster: Cluster, node: Node) -> Look | None:
        word, base = self.word(node), replace(BASE, machine=f"id-of-{node.name}")
        return {
            "old": base,
            "back": base,
            "waits": replace(base, staged="k-2", state="reboot-planned"),
            "locked": replace(base, staged="k-2", state="reboot-planned"),
            "goes": replace(base, staged="k-2", state="rebooting"),
            "by hand": replace(base, staged="k-2", strategy="off", state=""),
            "new": replace(base, version="k-2"),
            "held": replace(base, version="k-2"),
            "early": replace(base, version="k-2", strategy="off", state=""),
        }.get(word)

    def tree(self) -> dict[str, str]:
        holders = [
            f"id-of-{name}" for name in self.said if self.word_of(name) in ("locked", "goes", "boots", "held", "early")
        ]
        value = json.dumps({"semaphore": 0, "max": self.most, "holders": [*holders, *self.stolen]})
        return {f"{locks.PREFIX}/semaphore": value}

    def word_of(self, name: str) -> str:
        words = self.said[name]
        return words[min(self.round, len(words) - 1)]


@pytest.fixture
def park(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Park]:
    """Makes the machines, with a clock that goes on by a second a round."""

    def make(said: dict[str, list[str]], most: int = 1) -> Park:
        made = Park(said, most)

        def pause(_seconds: float) -> None:
            made.round += 1

        monkeypatch.setattr(wait, "pause", pause)
        monkeypatch.setattr(time, "monotonic", lambda: made.round * ROUND)
        monkeypatch.setattr(watch, "look", made.look)

        def tree(_self: object, _key: str) -> dict[str, str]:
            if made.round in made.silent:
                raise CannotCheckError("etcd: no answer")
            return made.tree()

        monkeypatch.setattr(etcd.Etcd, "tree", tree)
        monkeypatch.setattr(etcd, "is_healthy", lambda _address: True)
        monkeypatch.setattr(ready, "port_open", lambda *_args: True)
        monkeypatch.setattr(ready, "last_words", lambda *_args: "the journal's last words")
        monkeypatch.setattr(ssh, "forget", lambda *_args: None)
        monkeypatch.setattr(ssh, "answer", lambda *_args, **_options: Completed((), 0, "", ""))
        return made

    return make


def watching(made: Park, cluster: Cluster, *names: str) -> Watch:
    """A watch of the nodes of these names, or of all that say something."""
    nodes = [node for node in cluster.nodes if node.name in (names or made.said)]
    return Watch(cast(SlotProvider, made), cluster, nodes, "k-2")
