"""A reader goes through a page: Enter, own commands, back, skip, hints, a task that is noticed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coreos_lab import settings
from coreos_lab.definition.page import parse
from coreos_lab.definition.page.steps import Block
from coreos_lab.walk import notice
from coreos_lab.walk.guide import GivenUpError, Guide
from coreos_lab.walk.judge import Judge
from coreos_lab.walk.notice import Notice
from coreos_lab.walk.paper import Paper
from coreos_lab.walk.session import session

TEXT = """\
# Page

```console
$ echo one   # a comment
one
```

### Task: make a file

```console check
$ test -e made
```

<details><summary>Hint</summary>

Use touch.

</details>

<details><summary>Solution</summary>

```console
$ touch made
```

</details>

## Last

```console
$ echo three
```

The end.
"""


class Walk:
    """Walks with the lines given as the reader's; returns the number of the next step."""

    def __init__(self, judge: Judge, look: Callable[[Block], Notice]) -> None:
        self._judge, self._look = judge, look
        self.prompts: list[str] = []

    def __call__(self, *lines: str | Callable[[], str], first: int = 1, text: str = TEXT) -> int:
        page, problems = parse.parse(text, Path("page.md"))
        assert problems == []
        left = iter(lines)
        self.prompts.clear()

        def ask(prompt: str) -> str:
            self.prompts.append(prompt)
            line = next(left, None)
            if line is None:
                raise EOFError
            return line if isinstance(line, str) else line()

        return Guide(self._judge, page, Paper(live=False), ask, self._look).walk(first, lambda _number: None)


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    monkeypatch.setattr(settings, "state_dir", lambda: tmp_path)
    monkeypatch.setattr(notice, "INTERVAL", 0.05)
    with session("core", tmp_path) as opened:
        judge = Judge(opened, mute=lambda _quiet: None)

        def look(block: Block) -> Notice:
            checks = opened.hidden(".check")
            return Notice(lambda: judge.passes(block, checks), checks.cut_off)

        yield Walk(judge, look)


def test_enter_runs_the_command_and_the_solution_solves_the_task(
    walk: Walk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert walk("", ":hint", "", ":solution", "", "") == 4
    shown = capsys.readouterr().out
    for part in ("one\n", "as expected", "Use touch.", "Not yet.", "touch made", "Done.", "three\n", "The end."):
        assert part in shown, part


def test_a_typed_command_counts_with_and_without_its_comment(walk: Walk) -> None:
    assert walk("echo  one", ":stop") == 2
    assert walk("echo one # a comment", ":stop") == 2


def test_another_command_runs_and_the_step_stays(walk: Walk, capsys: pytest.CaptureFixture[str]) -> None:
    assert walk("echo mine; false") == 1
    shown = capsys.readouterr().out
    assert "mine\n" in shown
    assert "exit code 1\n" in shown


def test_skip_back_and_stop(walk: Walk) -> None:
    assert walk(":skip", ":back", ":skip", ":skip", ":stop") == 3


def test_a_task_is_noticed_while_the_prompt_waits(
    walk: Walk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def somebody_does_it() -> str:
        (tmp_path / "made").touch()
        time.sleep(20)  # the prompt is interrupted long before
        raise AssertionError("it was not noticed")

    assert walk(somebody_does_it, ":stop", first=2) == 3
    assert "Done." in capsys.readouterr().out


def test_a_task_is_noticed_by_a_check_that_needs_what_the_page_has_set(
    walk: Walk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def somebody_does_it() -> str:
        (tmp_path / "made").touch()
        time.sleep(20)  # the prompt is interrupted long before
        raise AssertionError("it was not noticed")

    text = TEXT.replace("echo one   # a comment", "mine=made; there() { test -e $mine; }; echo one")
    text = text.replace("$ test -e made", "$ there")
    assert walk("", somebody_does_it, ":stop", text=text) == 3
    assert "Done." in capsys.readouterr().out


def test_a_task_is_not_done_where_its_check_lacks_what_the_page_has_set(
    walk: Walk, capsys: pytest.CaptureFixture[str]
) -> None:
    text = TEXT.replace("echo one   # a comment", "there=here; echo one").replace("$ test -e made", '$ [ -z "$there" ]')

    def later() -> str:
        time.sleep(1)  # the first looks have ended
        return ":stop"

    assert walk("", later, text=text) == 2
    assert "Done." not in capsys.readouterr().out


def test_a_task_that_is_done_is_passed_by(walk: Walk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "made").touch()
    assert walk("exit", first=2) == walk("logout", first=2) == 3
    assert walk(":stop", first=2) == 3
    assert "This is so already." in capsys.readouterr().out


def test_a_reader_goes_back_to_a_task_that_is_done_and_to_the_step_before_it(
    walk: Walk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "made").touch()
    assert walk(":back", ":stop", first=3) == 2
    assert walk(":back", ":back", ":stop", first=3) == 1
    capsys.readouterr()
    assert walk(":back", "echo mine", "", ":stop", first=3) == 3
    assert "mine\n" in capsys.readouterr().out


def test_a_command_of_a_solution_that_fails_is_tried_again(walk: Walk, capsys: pytest.CaptureFixture[str]) -> None:
    text = TEXT.replace("$ touch made", "$ touch sub/here\n$ touch made")
    assert walk(":solution", "", "mkdir sub", "", "", ":stop", first=2, text=text) == 3
    shown = capsys.readouterr().out
    assert shown.count("touch sub/here: exit code 1") == 1
    assert "Done." in shown


def test_a_solution_that_does_not_solve_the_task_is_named(walk: Walk, capsys: pytest.CaptureFixture[str]) -> None:
    walk(":solution", "", ":stop", first=2, text=TEXT.replace("$ touch made", "$ touch other"))
    assert "test -e made: exit code 1 instead of 0" in capsys.readouterr().out


def test_words_that_mean_nothing_are_named(walk: Walk, capsys: pytest.CaptureFixture[str]) -> None:
    walk(":nxt", ":help", ":solution")
    shown = capsys.readouterr().out
    assert ":nxt: no such word" in shown
    assert "goes on from this step" in shown
    assert "This is no task" in shown


@pytest.mark.parametrize(
    "lines",
    [
        ("cat <<EOF", "  :stop", "", "it's", "EOF"),
        ("cat <<EOF\n  :stop\n\nit's\nEOF\n",),
        ("echo '  :stop", "", "it'\\''s'"),
        ("for each in '  :stop' '' \"it's\"", "do", '  echo "$each"', "done"),
        ("printf '%s\\n' \\", "'  :stop' \\", "'' \"it's\""),
    ],
)
def test_a_command_of_several_lines_is_one(
    walk: Walk, lines: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert walk(*lines, ":stop") == 1
    shown = capsys.readouterr().out
    assert "  :stop\n\nit's\n" in shown
    assert "exit code" not in shown


def test_the_other_lines_of_a_command_are_asked_for_with_another_prompt(walk: Walk) -> None:
    assert walk("", "x='", "'", 'test "$x" = "', '" && touch made', "", ":stop") == 3
    assert walk.prompts == ["$ ", "$ ", "> ", "$ ", "> ", "$ ", "$ "]


def test_ctrl_c_gives_up_all_lines_of_a_command(walk: Walk, tmp_path: Path) -> None:
    def ctrl_c() -> str:
        raise GivenUpError

    assert walk(f"touch {tmp_path}/never &&", ctrl_c, "", ":stop", text=TEXT) == 2
    assert not (tmp_path / "never").exists()


def test_a_command_that_has_no_end_at_the_end_of_the_input_is_not_run(
    walk: Walk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert walk("echo mine; cat <<EOF", "half") == 1
    assert "The command has no end, and was not run." in capsys.readouterr().out


def test_each_command_of_a_text_that_is_pasted_is_one_of_its_own(
    walk: Walk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert walk("\n\nx=5; echo $((x + 1))\n\necho one\ntouch made\n  \n", "", ":stop") == 3
    shown = capsys.readouterr().out
    assert "6\n" in shown
    assert "as expected" in shown


def test_a_page_s_command_of_several_lines_may_be_typed(walk: Walk, capsys: pytest.CaptureFixture[str]) -> None:
    text = "```console\n$ for each in 1 2; do\n>   echo $each\n> done\n1\n2\n```\n"
    assert walk("for each in 1 2;  do", "echo $each", "done", text=text) == 2
    assert "as expected" in capsys.readouterr().out
    assert walk("echo a b", text="```console\n$ echo a \\\n> b\n```\n") == 1, "another command"


def test_a_colon_is_a_command_of_the_shell(walk: Walk, tmp_path: Path) -> None:
    walk(f": >{tmp_path}/empty")
    assert (tmp_path / "empty").exists()


def test_a_check_that_hangs_holds_nobody_at_its_task(walk: Walk, tmp_path: Path) -> None:
    """Such as one that asks a machine which is frozen: it has ten minutes."""
    flag = tmp_path / "asked"
    text = TEXT.replace("test -e made", f"[ -e {flag} ] || {{ touch {flag}; false; }} && sleep 500")
    assert text != TEXT

    def later() -> str:
        time.sleep(0.5)  # the look has begun
        return ":skip"

    began = time.monotonic()
    assert walk("", later, ":stop", text=text) == 3
    assert time.monotonic() - began < 20
