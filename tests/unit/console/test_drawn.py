"""A lab's map as Graphviz lays it out."""

from __future__ import annotations

import pytest

from coreos_lab import run
from coreos_lab.console import drawn
from coreos_lab.definition import catalog


@pytest.mark.skipif(run.which("dot") is None, reason="needs Graphviz")
@pytest.mark.parametrize("name", ["ch3", "ch6", "ch7"])
def test_each_service_has_a_box_and_each_need_an_arrow_within_the_picture(name: str) -> None:
    made = drawn.layout(catalog.load(name).on(3))
    assert made is not None
    boxes = {box["name"]: box for box in made["boxes"]}
    assert "etcd" in boxes
    for box in boxes.values():
        assert box["x"] - box["width"] / 2 >= 0 and box["x"] + box["width"] / 2 <= made["width"] + 1
        assert box["y"] - box["height"] / 2 >= 0 and box["y"] + box["height"] / 2 <= made["height"] + 1
        assert box["kind"] == "etcd" or box["units"]
    for arrow in made["arrows"]:
        assert {arrow["from"], arrow["to"]} <= boxes.keys()
        assert len(arrow["points"]) % 3 == 1, "a Bézier curve"
        assert arrow["kind"] in ("needs", "bound", "etcd")


def test_without_graphviz_there_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "which", lambda _program: None)
    assert drawn.layout(catalog.load("ch3")) is None
