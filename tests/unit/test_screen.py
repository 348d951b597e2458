"""Our standard streams raise nothing, whatever is done to them: work, and above all an undo, goes on."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from coreos_lab import events, screen
from coreos_lab.events import Event

# A command that prints before and after its work, which leaves a file.
WORK = """
import sys
import coreos_lab.commands.labs as m
from coreos_lab import events, screen
def labs(**_):
    with screen.showing():
        for _time in range(3):
            print("to stdout", flush=True)
            events.note("work", "to stderr")
    open({done!r}, "w").close()
m.labs = labs
from coreos_lab.cli import main
main()
"""


def work(tmp_path: Path, redirected: str) -> tuple[int, bool, str]:
    """Runs the command in a shell with these streams: its code, whether its work was done, what was on stderr."""
    entry = WORK.format(done=str(tmp_path / "done"))
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" labs {redirected}', sys.executable, entry],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        check=False,
    )
    return done.returncode, (tmp_path / "done").exists(), done.stderr


@pytest.mark.parametrize(
    ("redirected", "code"),
    [
        ("", 0),
        (">&-", 0),
        ("2>&-", 0),
        ("<&- >&- 2>&-", 0),
        (">/dev/full", 4),
        ("2>/dev/full", 0),
        ("2> >(exec true)", 0),
        ("| true; exit ${PIPESTATUS[0]}", 141),
        ("2>&1 | true; exit ${PIPESTATUS[0]}", 141),
    ],
)
def test_work_is_done_whoever_listens(tmp_path: Path, redirected: str, code: int) -> None:
    returned, done, err = work(tmp_path, redirected)
    assert done
    assert returned == code, err
    assert "Traceback" not in err
    assert "Exception ignored" not in err


def test_a_closed_stream_is_no_other_file(tmp_path: Path) -> None:
    """The next file that is opened would get its number, and all that is printed."""
    work(tmp_path, "<&- >&- 2>&-")
    assert (tmp_path / "done").read_text() == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp1252"])
def test_a_page_is_readable_in_every_encoding(encoding: str) -> None:
    entry = "print('caf\\u00e9 \\u2013 \\u2022 \\u2192 \\u732b')"
    call = f"from coreos_lab import screen; screen.prepare(); {entry}"
    done = subprocess.run(
        [sys.executable, "-c", call], capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=True
    )
    output = done.stdout.decode(encoding).strip()
    expected = {"ascii": "cafe - * -> ?", "latin-1": "caf\u00e9 - * -> ?", "cp1252": "caf\u00e9 \u2013 \u2022 -> ?"}
    assert output == expected.get(encoding, "caf\u00e9 \u2013 \u2022 \u2192 \u732b")


def test_a_page_is_drawn_on_an_ascii_terminal() -> None:
    import pty

    ours, theirs = pty.openpty()
    entry = "from coreos_lab.cli import main; main()"
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "TERM": "xterm"}
    shown = subprocess.Popen([sys.executable, "-c", entry, "show", "ch2"], stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    output = b""
    try:
        while chunk := os.read(ours, 4096):
            output += chunk
    except OSError:  # the end of a terminal
        pass
    assert shown.wait() == 0
    assert b"the cluster and its tools" in output
    assert output.isascii()


def test_a_sink_that_fails_is_dropped_and_the_others_are_told() -> None:
    seen: list[Event] = []
    failed: list[Event] = []

    def full(event: Event) -> None:
        failed.append(event)
        raise OSError(errno.ENOSPC, "No space left on device")

    with events.listening(full), events.listening(seen.append), events.step("heal", "core-02"):
        events.note("heal", "goes on")
    assert len(failed) == 1
    assert [event.kind for event in seen] == ["start", "note", "note", "end"]
    assert seen[1].message == "no longer recorded: [Errno 28] No space left on device"


def test_a_record_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    seen: list[Event] = []
    (tmp_path / "full").symlink_to("/dev/full")
    with events.listening(seen.append):
        with events.recording(tmp_path / "full"):
            events.note("work", "goes on")
        with events.recording(tmp_path / "nowhere" / "events.jsonl"):
            events.note("work", "goes on, too")
    assert next(event.message for event in seen if event.step == "work") == "goes on"
    assert any("No space left" in event.message for event in seen)
    assert any("No such file" in event.message for event in seen)
    assert seen[-1].message == "goes on, too"


def test_a_record_has_a_line_an_event(tmp_path: Path) -> None:
    with events.recording(tmp_path / "events.jsonl"):
        events.note("work", "one")
        assert json.loads((tmp_path / "events.jsonl").read_text())["message"] == "one"


@pytest.mark.parametrize("said", [r"a\[/]", "[/] [bold", r"[1] \\[b]", "[core-01]", "no [end"])
def test_what_is_said_is_no_markup(said: str) -> None:
    out = io.StringIO()
    Console(file=out, width=200, highlight=False).print(f"[red]x[/] {screen.escape(said)} [dim]y[/]")
    assert out.getvalue() == f"x {said} y\n"


def test_what_a_machine_says_in_an_event_does_not_act_on_the_terminal() -> None:
    out = io.StringIO()
    screen.plain_lines(out)(Event("note", "check", "core-01", "says \x1b[2J\x07\tand é"))
    assert out.getvalue().endswith("check core-01: says \\x1b[2J\\x07\tand é\n")
