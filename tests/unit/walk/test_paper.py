"""A reader sees what the page says, as it is, and once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.definition.page import parse
from coreos_lab.definition.page.steps import Block, Browser, Command, Step, Task
from coreos_lab.model import Outcome
from coreos_lab.walk.judge import Result
from coreos_lab.walk.paper import Paper

TEXT = """\
# First title

Some text.

## Second title

More text.

```console
$ true
```

```console
$ true
```

<!--
## Hidden title
-->

```console
$ true
```
"""
# What rich takes for markup, for an emoji, or for the end of an escape.
ODD = ["[bold]one[/]", "[/]", "a:x:b :smile:", "C:\\\\", "C:\\", "grep '\\[a' \\[b]", "https://[::1]:80/"]


@pytest.fixture
def paper() -> Paper:
    return Paper(live=False)


def test_a_section_s_title_is_shown_once(paper: Paper, capsys: pytest.CaptureFixture[str]) -> None:
    page, _problems = parse.parse(TEXT, Path("page.md"))
    paper.step(page.steps[0], 3)
    shown = capsys.readouterr().out
    assert shown.count("First title") == shown.count("Second title") == 1
    assert "Step 1 of 3" in shown
    paper.step(page.steps[1], 3)
    assert "Step 2 of 3 · Second title" in capsys.readouterr().out
    paper.step(page.steps[2], 3)
    assert "Step 3 of 3 · Hidden title" in capsys.readouterr().out, "a comment does not show it"


@pytest.mark.parametrize("odd", ODD)
def test_what_looks_like_markup_is_shown_as_it_is(paper: Paper, odd: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = Command(odd, 1, (odd,))
    block = Block((command,), 1)
    shows: list[Callable[[], None]] = [
        lambda: paper.command(block, command),
        lambda: paper.browser(Browser(odd, (), 1)),
        lambda: paper.expected([odd]),
        lambda: paper.result(Result(Outcome.FAIL, odd)),
        lambda: paper.note(odd),
        lambda: paper.step(Step(1, odd, "", block), 1),
        lambda: paper.task(Task(odd, "", block, 1)),
    ]
    for show in shows:
        show()
        assert odd in capsys.readouterr().out


def test_a_long_line_is_left_whole(paper: Paper, capsys: pytest.CaptureFixture[str]) -> None:
    """The terminal wraps it: what is copied from there is one command."""
    long = "echo " + "one  two " * 100
    paper.command(Block((Command(long, 1),), 1), Command(long, 1))
    assert long in capsys.readouterr().out
    paper.result(Result(Outcome.FAIL, long), Command("true", 1, (long,)))
    assert capsys.readouterr().out.count(long) == 2
