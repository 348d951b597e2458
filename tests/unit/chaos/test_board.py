"""What a terminal shows while something is broken."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console

from coreos_lab.chaos.board import COLUMNS, board, sparkline
from coreos_lab.chaos.observer import Observer
from coreos_lab.chaos.probes import Sample
from coreos_lab.model import Cluster, QualifiedName


def samples(pattern: str, now: float) -> list[Sample]:
    """A sample each half second, the last just now."""
    last = len(pattern) - 1
    return [Sample("ch3", "front", now - (last - i) * 0.5 - 0.1, 0.0, mark == "+") for i, mark in enumerate(pattern)]


def test_each_column_is_a_second() -> None:
    assert sparkline(samples("++--+-++", 100.0), 100.0).strip() == "█▁▄█"
    assert sparkline([], 100.0) == " " * COLUMNS
    assert len(sparkline(samples("+" * 500, 100.0), 100.0)) == COLUMNS


def test_nodes_units_and_probes_on_one_board(planned: Callable[..., Cluster]) -> None:
    observer = Observer(planned())
    units = {
        "nginx.service": [("core-02", "active", "running")],
        "b.service": [("core-02", "failed", "")],
        "all.service": [("core-01", "active", "running"), ("core-02", "active", "running")],
    }
    observer.changes.append((0.0, 0.0, units))
    now = 100.0
    out = io.StringIO()
    probes = {QualifiedName("ch3", "front"): samples("+--+", now)}
    Console(file=out, width=120).print(board(observer, probes, [("core-01", "kill")], now - 7, now))
    drawn = out.getvalue()
    assert "core-01: kill for 7 s" in drawn
    (line,) = [line for line in drawn.splitlines() if "core-02" in line]
    assert "all, b (failed), nginx" in line
    assert "all" in next(line for line in drawn.splitlines() if line.startswith("core-01  "))
    assert "down for 1.0 s at most" in drawn
