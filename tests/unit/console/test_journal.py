"""Journals as a page gets them: whatever a machine has written, it is text, it is cut, and that is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from coreos_lab.chaos import journals
from coreos_lab.console import journal
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster
from tests.unit.console.paper_cluster import Paper

HTML = "<script>alert(1)</script>"


def printed(message: Any, **more: Any) -> str:
    fields = {"__REALTIME_TIMESTAMP": "1700000000000000", "__CURSOR": "c", "_SYSTEMD_UNIT": "a.service"}
    return json.dumps({**fields, "MESSAGE": message, **more})


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The options of each call of journalctl; what it prints is set as `lines`."""
    made: list[list[str]] = []

    def answer(_provider: object, _cluster: object, _node: object, chosen: list[str]) -> list[str]:
        made.append(list(chosen))
        return LINES

    monkeypatch.setattr(journals, "printed", answer)
    return made


LINES: list[str] = []


def read(cluster: Cluster, lines: list[str], unit: str = "", after: str = "") -> dict[str, Any]:
    LINES[:] = lines
    return journal.read(Paper(), cluster, cluster.nodes[0], unit, after)


def test_controls_html_and_long_lines(planned: Callable[..., Cluster], calls: list[list[str]]) -> None:
    lines = [
        printed(HTML),
        printed("\x1b[2J\x07 cursor \u202e reversed"),
        printed("x" * 1_000_000),
        printed(None),
        printed(list("bytes \x00 \xff".encode())),
        printed("bad", PRIORITY="3", _SYSTEMD_UNIT="\x1b]0;title\x07.service"),
        "not JSON",
    ]
    found = read(planned(), lines)["lines"]
    assert [line["cut"] for line in found] == [False, False, True, True, False, False]
    assert found[0]["text"] == HTML, "the page makes text of it"
    assert found[1]["text"] == "␛[2J␇ cursor <U+202E> reversed"
    assert len(found[2]["text"]) == journals.CHARACTERS
    assert "more than 4096 bytes" in found[3]["text"]
    assert found[5]["priority"] == 3
    assert "\x1b" not in json.dumps(found, ensure_ascii=False)
    assert calls == [["--lines=301"]]


def test_only_the_last_lines_and_then_those_that_come(planned: Callable[..., Cluster], calls: list[list[str]]) -> None:
    many = [printed(str(number), __CURSOR=f"c{number}") for number in range(journal.LINES + 1)]
    first = read(planned(), many, unit="a")
    assert (len(first["lines"]), first["earlier"], first["cursor"]) == (journal.LINES, True, f"c{journal.LINES}")
    assert first["lines"][0]["text"] == "1"
    then = read(planned(), [], unit="a", after=first["cursor"])
    assert then == {"lines": [], "cursor": first["cursor"], "earlier": False}
    assert calls[1] == ["--lines=301", f"--after-cursor=c{journal.LINES}", "--unit=a.service"]


@pytest.mark.parametrize("after", ["x" * 501, "a\nb", "\x00"])
def test_a_cursor_that_is_none(planned: Callable[..., Cluster], calls: list[list[str]], after: str) -> None:
    with pytest.raises(UsageError, match="not a cursor"):
        read(planned(), [], after=after)
    assert calls == []


@pytest.mark.parametrize("unit", ["a\nb", "\x00"])
def test_a_unit_that_is_none(planned: Callable[..., Cluster], calls: list[list[str]], unit: str) -> None:
    with pytest.raises(UsageError, match="not a unit's name"):
        read(planned(), [], unit=unit)
    assert calls == []
