"""Blocks run where they say, and are judged by what came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab import run, settings
from coreos_lab.definition.page.steps import HOST, INTERRUPT, Block, Browser, Command
from coreos_lab.model import Outcome
from coreos_lab.walk import browser
from coreos_lab.walk.judge import Judge, judged
from coreos_lab.walk.session import Session, session
from coreos_lab.walk.terminal import Done


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(settings, "state_dir", lambda: tmp_path)
    with session("core", tmp_path) as made:
        yield made


def block(*texts: str, output: tuple[str, ...] = (), terminal: str = "", within: float = 0.0) -> Block:
    return Block(tuple(Command(text, 1, output) for text in texts), 1, HOST, terminal, within, 20.0)


def test_commands_run_in_order_up_to_the_first_that_fails(opened: Session, tmp_path: Path) -> None:
    result = Judge(opened).run(block("true", "false", f"touch {tmp_path}/never"))
    assert (result.outcome, result.message) == (Outcome.FAIL, "false: exit code 1 instead of 0")
    assert not (tmp_path / "never").exists()


def test_a_command_is_repeated_until_it_prints_what_it_must(opened: Session, tmp_path: Path) -> None:
    counting = f"echo >> {tmp_path}/n; wc -l < {tmp_path}/n"
    assert Judge(opened).run(block(counting, output=("3",), within=30.0)).outcome is Outcome.PASS
    result = Judge(opened).run(block(counting, output=("1",)))
    assert result.message == f"{counting}: does not print: 1"


def test_the_screen_is_mute_while_a_command_is_repeated(opened: Session, tmp_path: Path) -> None:
    quiet: list[bool] = []
    judge = Judge(opened, mute=quiet.append)
    result = judge.run(block(f"echo >> {tmp_path}/n; wc -l < {tmp_path}/n", output=("3",), within=30.0))
    assert (result.outcome, result.repeated) == (Outcome.PASS, True)
    assert quiet == [False, True, True, False]
    assert judge.run(block("true")).repeated is False


def test_a_command_that_had_to_be_interrupted_is_not_repeated(opened: Session) -> None:
    slow = replace(block("sleep 60", within=60.0), limit=0.3)
    result = Judge(opened).run(slow)
    assert (result.outcome, result.repeated) == (Outcome.FAIL, False)
    assert "did not end within" in result.message


def test_a_page_is_looked_at_again_until_it_shows_what_it_must(
    opened: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[str | run.CommandError] = ["one", "one", "two"]

    def shown(*_args: object) -> str:
        if isinstance(answer := answers.pop(0), run.CommandError):
            raise answer
        return answer

    monkeypatch.setattr(browser, "find", lambda: Path("/browser"))
    monkeypatch.setattr(browser, "shown", shown)
    step = Browser("http://a/", ("two",), 1, 60.0)
    assert Judge(opened).open(step).outcome is Outcome.PASS
    answers.append("one")
    late = Judge(opened).open(replace(step, within=0.0))
    assert (late.outcome, late.message) == (Outcome.FAIL, "http://a/: does not show: two")
    answers.append(run.CommandError(run.Completed(("browser",), 1, "", "no display"), ""))
    assert Judge(opened).open(step).outcome is Outcome.UNKNOWN, "one that cannot look is not asked again"
    answers += ["", "one"]
    nothing = Judge(opened).open(Browser("http://a/", (), 1))
    assert (nothing.outcome, nothing.message) == (Outcome.FAIL, "http://a/: shows nothing")
    assert Judge(opened).open(Browser("http://a/", (), 1)).outcome is Outcome.PASS


def test_a_second_terminal_runs_on_and_only_new_output_counts(opened: Session) -> None:
    judge = Judge(opened)
    loop = "n=0; while sleep 0.05; do n=$((n+1)); [ $n != 1 ] || echo first; [ ! -e $HOME/go ] || echo later; done"
    start = block(f"HOME={opened.folder}; {loop}", output=("first",), terminal="loop", within=20.0)
    assert judge.run(start).outcome is Outcome.PASS
    assert judge.run(block(f"touch {opened.folder}/go")).outcome is Outcome.PASS
    look = block("", output=("later",), terminal="loop", within=20.0)
    assert judge.run(look).outcome is Outcome.PASS
    old = judge.run(block("", output=("first",), terminal="loop"))
    assert (old.outcome, old.message) == (Outcome.FAIL, "terminal loop does not show: first")
    assert judge.run(block(INTERRUPT, terminal="loop")).outcome is Outcome.PASS
    assert judge.run(block(INTERRUPT, terminal="loop")).outcome is Outcome.PASS, "it has ended already"


def test_a_second_terminal_goes_on_in_another_session(opened: Session, tmp_path: Path) -> None:
    judge = Judge(opened)
    judge.run(block("echo early; echo shown; sleep 1000", output=("shown",), terminal="loop", within=20.0))
    judge.run(block("echo gone; sleep 1000", output=("gone",), terminal="over", within=20.0))
    judge.run(block(INTERRUPT, terminal="over"))
    stopped = judge.progress(5)
    assert (stopped.step, stopped.beside) == (5, {"loop": "early\nshown\n"})
    with session("core", tmp_path) as another:
        going_on = Judge(another)
        assert going_on.go_on(block("echo again; sleep 1000", terminal="loop"), "early\nshown").outcome is Outcome.PASS
        look = block("", output=("shown", "again"), terminal="loop", within=20.0)
        assert going_on.run(look).outcome is Outcome.PASS
        ended = going_on.go_on(block("echo why", terminal="other"), "")
        assert (ended.outcome, ended.output) == (Outcome.FAIL, "why\n")


def test_of_what_a_second_terminal_has_shown_the_end_is_kept(opened: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coreos_lab.walk.judge.KEPT", 3)
    judge = Judge(opened)
    judge.run(block("echo 12345; sleep 1000", output=("12345",), terminal="loop", within=20.0))
    assert judge.progress(2).beside == {"loop": "45\n"}
    judge.run(block("true"))
    assert judge.progress(3).beside == {"loop": ""}, "it is older than the last command"


def test_a_second_terminal_whose_command_ends_is_a_failure(opened: Session) -> None:
    result = Judge(opened).run(block("echo gone", terminal="loop"))
    assert (result.outcome, result.message) == (Outcome.FAIL, "the command in terminal loop has ended")
    assert result.output == "gone\n"


def test_a_command_on_a_node_goes_over_ssh(opened: Session) -> None:
    on_node = Block((Command("echo 'a b'", 1),), 1, "core-02")
    assert opened.command(on_node, "echo 'a b'") == "lab ssh core-02 -- 'echo '\"'\"'a b'\"'\"''"


def test_without_a_browser_a_page_is_unknown(opened: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "which", lambda _program: None)
    assert browser.find() is None
    result = Judge(opened).open(Browser("http://127.0.0.1/", (), 1))
    assert result.outcome is Outcome.UNKNOWN


def test_text_of_a_page() -> None:
    html = "<head><title>t</title></head><body><h1>Hello <b>you</b></h1><script>x</script><ul><li>a<li>b</ul>"
    assert browser.text(html) == "Hello you\na\nb"


@pytest.mark.parametrize(
    ("text", "done", "outcome"),
    [
        ("lab check", Done(3, "", 1.0), Outcome.UNKNOWN),
        ("lab check", Done(1, "", 1.0), Outcome.FAIL),
        ("grep x", Done(3, "", 1.0), Outcome.FAIL),
        ("lab ssh core-01 -- curl x", Done(3, "", 1.0), Outcome.FAIL),
        ("lab check", Done(None, "", 9.0), Outcome.FAIL),
        ("lab check", Done(0, "", 1.0), Outcome.PASS),
    ],
)
def test_could_not_look_is_unknown(text: str, done: Done, outcome: Outcome) -> None:
    assert judged(Command(text, 1), done).outcome is outcome


def test_a_page_that_is_not_there_yet_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is looked at again: Chromium ends with an error of its own then."""
    said = ["[ERROR:headless_command_handler.cc] Page load failed: net::ERR_CONNECTION_REFUSED"]

    def fail(*_call: object, **_options: object) -> run.Completed:
        raise run.CommandError(run.Completed(("browser",), 1, "", said[0]))

    monkeypatch.setattr(run, "run", fail)
    assert browser.shown(Path("/browser"), "http://127.0.0.1:3000/", tmp_path) == ""
    said[0] = "no such profile"
    with pytest.raises(run.CommandError):
        browser.shown(Path("/browser"), "http://127.0.0.1:3000/", tmp_path)
