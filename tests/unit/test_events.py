"""Events reach every sink, in order, and the screen shows them."""

from __future__ import annotations

import io
import json
import re
import threading
from pathlib import Path

import pytest

from coreos_lab import events, screen
from coreos_lab.events import Event


def test_a_step_is_timed_and_keeps_its_data() -> None:
    seen: list[Event] = []
    with events.listening(seen.append), events.step("boot", "core-01", "again", pid=7):
        pass
    start, end = seen
    assert (start.kind, start.seconds, start.message, start.data) == ("start", None, "again", {"pid": 7})
    assert end.kind == "end"
    assert end.seconds is not None
    assert 0 <= end.seconds <= end.mono - start.mono + 1


@pytest.mark.parametrize(("error", "words"), [(KeyboardInterrupt, "interrupted"), (TimeoutError, "TimeoutError")])
def test_a_failure_without_words_says_what_it_is(error: type[BaseException], words: str) -> None:
    seen: list[Event] = []
    with events.listening(seen.append), pytest.raises(error), events.step("boot"):
        raise error
    assert (seen[-1].kind, seen[-1].message) == ("error", words)


def test_nobody_listens_any_more_after_the_block_however_it_ends() -> None:
    seen: list[Event] = []
    with pytest.raises(ValueError, match="x"), events.listening(seen.append):
        raise ValueError("x")
    events.note("later", "not heard")
    assert seen == []


def test_sinks_take_one_event_at_a_time() -> None:
    """Nodes boot in parallel, and a sink need not care."""
    inside = threading.Lock()
    seen: list[str] = []

    def sink(event: Event) -> None:
        assert inside.acquire(blocking=False), "two at a time"
        seen.append(event.message)
        inside.release()

    def tell(who: int) -> None:
        for number in range(50):
            events.note("x", f"{who}:{number}")

    with events.listening(sink):
        threads = [threading.Thread(target=tell, args=(who,)) for who in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(seen) == 400
    assert [m for m in seen if m.startswith("3:")] == [f"3:{number}" for number in range(50)]


def test_a_line_holds_what_says_something() -> None:
    event = Event("end", "boot", mono=1.0, wall=2.0, seconds=0.0, data={"path": Path("/x")})
    assert json.loads(event.as_json()) == {
        "kind": "end",
        "step": "boot",
        "mono": 1.0,
        "wall": 2.0,
        "seconds": 0.0,
        "data": {"path": "/x"},
    }
    assert "\n" not in Event("note", "x", message="two\nlines").as_json()


def test_a_reader_can_follow_the_file(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with path.open("w") as out, events.listening(events.json_lines(out)):
        events.note("x", "now")
        assert json.loads(path.read_text())["message"] == "now"


def test_the_screen_in_plain_lines() -> None:
    out = io.StringIO()
    with screen.showing(out):
        events.emit(Event("start", "boot", "core-01"))
        events.emit(Event("end", "boot", "core-01", seconds=1.25))
        events.emit(Event("error", "boot", "core-02", "no power", seconds=2.0))
        events.note("mirror", "is there already")
    events.note("after", "the block")
    lines = out.getvalue().splitlines()
    assert [re.sub(r"^ +-?\d+\.\d ", "", line) for line in lines] == [
        ".. boot core-01",
        "ok boot core-01 (1.2 s)",
        "!! boot core-02: no power (2.0 s)",
        "-- mirror: is there already",
    ]


def test_every_plain_line_has_its_time() -> None:
    out = io.StringIO()
    sink = screen.plain_lines(out)
    sink(Event("note", "x"))
    assert re.fullmatch(r" +0\.\d -- x\n", out.getvalue())
