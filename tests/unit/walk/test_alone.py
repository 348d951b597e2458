"""A walk without a reader stops at the first step that does not pass; a task's check must be able to fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from coreos_lab import settings
from coreos_lab.definition.page import parse
from coreos_lab.model import Outcome
from coreos_lab.records.walks import Progress
from coreos_lab.walk import alone
from coreos_lab.walk.judge import Judge
from coreos_lab.walk.session import session

TASK = """
### Task: make a file

```console check
$ test -e made
```

<details><summary>Solution</summary>

```console
$ {solution}
```

</details>
"""


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Judge]:
    monkeypatch.setattr(settings, "state_dir", lambda: tmp_path)
    with session("core", tmp_path) as opened:
        yield Judge(opened)


def walked(judge: Judge, text: str, first: int = 1) -> list[tuple[str, Outcome, str]]:
    page, problems = parse.parse(text, Path("page.md"))
    assert problems == []
    results, _output = alone.walk(judge, page, "mylab", Progress(first), lambda _progress: None)
    return [(result.name, result.outcome, result.message) for result in results]


def test_it_stops_at_the_first_failure(judge: Judge) -> None:
    text = "```console\n$ true\n```\n```console\n$ false\n```\n```console\n$ true\n```\n"
    assert walked(judge, text) == [
        ("1 true", Outcome.PASS, ""),
        ("2 false", Outcome.FAIL, "page.md:4: false: exit code 1 instead of 0"),
    ]


def test_it_begins_where_it_is_to(judge: Judge) -> None:
    assert walked(judge, "```console\n$ false\n```\n```console\n$ true\n```\n", 2) == [("2 true", Outcome.PASS, "")]


def test_a_task_is_solved(judge: Judge) -> None:
    assert walked(judge, TASK.format(solution="touch made")) == [("1 Task: make a file", Outcome.PASS, "")]


def test_a_task_that_is_done_already_is_an_error(judge: Judge) -> None:
    ((_name, outcome, message),) = walked(judge, f"```console\n$ touch made\n```\n{TASK.format(solution='true')}", 1)[
        1:
    ]
    assert outcome is Outcome.FAIL
    assert "is done already" in message


def test_a_solution_that_solves_nothing_is_an_error(judge: Judge) -> None:
    ((_name, outcome, message),) = walked(judge, TASK.format(solution="true"))
    assert (outcome, message) == (Outcome.FAIL, "page.md:2: check: test -e made: exit code 1 instead of 0")


def test_a_check_that_could_not_look_before_the_solution_is_unknown(judge: Judge) -> None:
    check = "lab () { [ -e made ] || return 3; }\n$ lab check"
    ((_name, outcome, message),) = walked(judge, TASK.format(solution="touch made").replace("test -e made", check))
    assert outcome is Outcome.UNKNOWN
    assert message == "page.md:2: check, before the solution: lab check: exit code 3 instead of 0"
