"""A page is read as steps, and what is wrong in it is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coreos_lab.definition.page import parse
from coreos_lab.definition.page.steps import INTERRUPT, Block, Browser, Command, Page, Task

PATH = Path("page.md")
TASK = """\
### Task: write a key

Any value.

```console check within=5s
$ etcdctl get /x
```

<details><summary>Hint</summary>

`etcdctl` can.

</details>

<details><summary>Solution</summary>

```console
$ etcdctl set /x 1
1
```

</details>
"""


def page(text: str) -> Page:
    found, problems = parse.parse(text, PATH)
    assert problems == []
    return found


def problems(text: str) -> list[str]:
    return [str(problem) for problem in parse.parse(text, PATH)[1]]


def test_a_block_becomes_a_step_with_the_text_before_it() -> None:
    made = page(
        "# A\n\nFirst.\n\n## B\n\n```console on=core-02 within=30s limit=2m\n$ one\n> two\nout ...\n[3]\n```\nEnd.\n"
    )
    assert made.rest == "End."
    (step,) = made.steps
    assert (step.number, step.section, step.text) == (1, "B", "# A\n\nFirst.\n\n## B")
    assert step.act == Block((Command("one\ntwo", 8, ("out ...",), 3),), 7, "core-02", "", 30.0, 120.0)


def test_several_commands_have_their_own_output() -> None:
    (step,) = page("```console\n$ a\n1\n\n$ b\n$ c\n[0]\n```\n").steps
    assert isinstance(step.act, Block)
    assert step.act.commands == (Command("a", 2, ("1",)), Command("b", 5), Command("c", 6))
    assert step.title == "a (and 2 more)"


def test_other_blocks_are_text() -> None:
    made = page("```sh\n$ no step\n```\n\n    lab status\n")
    assert made.steps == ()
    assert "$ no step" in made.rest


def test_a_second_terminal_is_started_looked_at_and_ended() -> None:
    made = page(
        "```console terminal=loop\n$ watch\n```\n```console terminal=loop within=5s\n200\n```\n"
        "```console terminal=loop\n^C\n```\n"
    )
    start, look, end = (step.act for step in made.steps)
    assert isinstance(start, Block)
    assert isinstance(look, Block)
    assert isinstance(end, Block)
    assert (start.terminal, start.looks) == ("loop", False)
    assert (look.looks, look.commands[0].output, look.within) == (True, ("200",), 5.0)
    assert end.commands[0].text == INTERRUPT


def test_a_second_terminal_runs_until_the_page_ends_it() -> None:
    def beside(terminal: str, line: str) -> str:
        return f"```console terminal={terminal}\n{line}\n```\n"

    task = "### Task: one\n```console check\n$ true\n```\n"
    solution = f"<details><summary>Solution</summary>\n\n{beside('c', '$ four')}</details>\n"
    made = page(
        beside("a", "$ one")
        + beside("a", "200")
        + beside("b", "$ two")
        + beside("a", "$ three")
        + beside("b", INTERRUPT)
        + task
        + solution
    )

    def commands(number: int) -> list[str]:
        return [block.commands[0].text for block in made.running_before(number)]

    assert [commands(number) for number in range(1, 8)] == [
        [],
        ["one"],
        ["one"],
        ["one", "two"],
        ["three", "two"],
        ["three"],
        ["three", "four"],
    ]


def test_a_browser_opens_an_address() -> None:
    (step,) = page("```browser within=10s\nhttp://$CORE_01/\nhello\n```\n").steps
    assert step.act == Browser("http://$CORE_01/", ("hello",), 1, 10.0)
    assert step.title == "open http://$CORE_01/"


def test_a_task_has_a_check_a_hint_and_a_solution() -> None:
    (step,) = page(f"Intro.\n\n{TASK}").steps
    assert isinstance(step.act, Task)
    assert (step.text, step.title) == ("Intro.", "Task: write a key")
    assert (step.act.text, step.act.hint) == ("Any value.", "`etcdctl` can.")
    assert step.act.check.within == 5.0
    assert [block.commands[0].text for block in step.act.solution] == ["etcdctl set /x 1"]


def test_a_task_ends_with_its_solution() -> None:
    task, after = page(f"{TASK}\nThen.\n\n```console\n$ a\n```\n").steps
    assert isinstance(task.act, Task)
    assert after.text == "Then."


def test_a_task_ends_at_the_next_heading() -> None:
    task, after = page(f"{TASK}\n## Next\n\n```console\n$ a\n```\n").steps
    assert isinstance(task.act, Task)
    assert (after.section, after.text) == ("Next", "## Next")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```console\n$ a\n", "page.md:1: this block has no end"),
        ("```console\nout\n```\n", "page.md:2: output without a command"),
        ("```console\n```\n", "page.md:1: an empty block"),
        ("```console\n$ \n```\n", "page.md:2: a prompt without a command"),
        ("\n```console withins=3s\n$ a\n```\n", "page.md:2: withins: no such attribute of a console block"),
        ("```console within=soon\n$ a\n```\n", "page.md:1: within: 'soon' is not a duration"),
        ("```console on=the_moon\n$ a\n```\n", "page.md:1: on=the_moon: not a valid value"),
        ("```console terminal=A\n$ a\n```\n", "page.md:1: terminal=A: not a valid value"),
        ("```console terminal=a\n$ a\n$ b\n```\n", "page.md:1: a second terminal runs one command at a time"),
        ("```console check\n$ a\n```\n", "page.md:1: check: belongs to a task"),
        ("```console check=1\n$ a\n```\n", "page.md:1: check=1: takes no value"),
        ("```browser\nhello\n```\n", "page.md:1: no address to open"),
        ("```browser on=core-01\nhttp://x/\n```\n", "page.md:1: on: no such attribute of a browser block"),
        ("### Task: x\n", "page.md:1: Task: x: nothing checks whether it is done"),
        ("### Task:\n", "page.md:1: Task: has no title"),
        ("### Task: x\n```console check\n$ a\n```\n", "page.md:1: Task: x: it has no solution"),
        ("### Task: x\n```console\n$ b\n```\n", "page.md:2: Task: x: a block that is neither its check nor"),
        (f"{TASK}```console check\n$ b\n```\n", "page.md:23: check: belongs to a task"),
        ("### Task: x\n```console check\n$ a\n```\n```console check\n$ b\n```\n", "page.md:5: Task: x: a second check"),
        (
            "### Task: x\n<details><summary>Answer</summary>\n</details>\n",
            "page.md:2: Answer: neither Hint nor Solution",
        ),
        (TASK[: TASK.rindex("</details>")], "page.md:1: Task: write a key: its solution has no end"),
        ("### Task: x\n```browser\nhttp://x/\n```\n", "page.md:2: Task: x: a browser cannot check it"),
    ],
)
def test_mistakes_are_named_with_their_line(text: str, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems(text)), problems(text)


def test_every_mistake_has_a_remedy() -> None:
    found = parse.parse("```console limits=1s check\n$\n```\n### Task:\n", PATH)[1]
    assert len(found) > 2
    assert all(problem.remedy for problem in found)


LINES = st.sampled_from(
    [
        *("# A", "### Task: x", "```console", "```console check", "```", "~~~", "$ a", "> b", "^C", "[1]", "...", "$"),
        *("<details><summary>Hint</summary>", "<details><summary>Solution</summary>", "</details>", "```browser", ""),
    ]
)


@settings(deadline=None)
@given(st.lists(LINES | st.text(max_size=12), max_size=30))
def test_any_text_is_a_page_or_has_problems(lines: list[str]) -> None:
    made, found = parse.parse("\n".join(lines), PATH)
    assert [step.number for step in made.steps] == list(range(1, len(made.steps) + 1))
    assert all(problem.line >= 1 for problem in found)
