"""lab status --watch, with a cluster of paper."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from coreos_lab.commands import status


def looked(memory: int, *, state: str = "running") -> dict[str, Any]:
    node = {
        "name": "core-01",
        "address": "172.17.8.101",
        "state": state,
        "etcd": "member",
        "etcd_healthy": True,
        "fleet": True,
        "memory_bytes": memory,
    }
    faults = [] if state == "running" else [{"node": "core-01", "kind": "kill"}]
    whole = {"cluster": "core", "provider": "nspawn", "subnet": "172.17.8.0/24", "labs": ["ch3"], "units": []}
    return {**whole, "nodes": [node], "faults": faults, "leaving": []}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is seen, one look after the other; at the last one somebody presses Ctrl-C."""
    left = [looked(1), looked(2), *[looked(n, state="stopped") for n in (3, 4)], looked(5), looked(6)]

    def look(_name: str) -> dict[str, Any]:
        seen = left.pop(0)
        if not left:
            signal.raise_signal(signal.SIGINT)
        return seen

    monkeypatch.setattr(status, "_look", look)
    monkeypatch.setattr(status, "INTERVAL", 0.0)
    return left


def test_a_line_of_json_for_every_change(looks: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    status.status("core", watch=True, as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["nodes"][0]["state"] for line in lines] == ["running", "stopped", "running"]
    assert looks == []


def test_away_from_a_terminal_the_text_is_printed_when_it_changes(
    looks: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    del looks
    status.status("core", watch=True, as_json=False)
    out = capsys.readouterr().out
    assert out.count("Cluster core") == 3
    assert out.count("Broken: core-01 (kill); 'lab heal' undoes it") == 1


def test_one_look_is_one_document(looks: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    status.status("core", watch=False, as_json=True)
    assert json.loads(capsys.readouterr().out)["nodes"][0]["memory_bytes"] == 1
    assert len(looks) == 5
