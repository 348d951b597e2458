"""The step of a walk as HTML."""

from __future__ import annotations

import pytest

pytest.importorskip("markdown_it")

from coreos_lab.console import walking
from coreos_lab.definition.page.steps import Block, Browser, Command, Step, Task

BLOCK = Block((Command("lab status", 3), Command("", 4)), 3)


def test_html_of_a_page_is_text_and_its_links_run_nothing() -> None:
    made = walking.html(
        "<img src=x onerror=alert(1)> [a](javascript:alert(1)) ![b](https://example.org/b.png)\n\n<script>x</script>"
    )
    assert "<img" not in made
    assert "<script" not in made
    assert 'href="javascript' not in made


def test_text_tables_and_code() -> None:
    made = walking.html("**b** `c`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert "<strong>b</strong> <code>c</code>" in made
    assert "<td>2</td>" in made


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (BLOCK, {"commands": ["lab status"], "on": ""}),
        (Block(BLOCK.commands, 3, on="core-02"), {"commands": ["lab status"], "on": "core-02"}),
        (Block(BLOCK.commands, 3, terminal="two"), {"commands": ["lab status"], "on": "terminal two"}),
        (Browser("http://x/", (), 3), {"commands": ["http://x/"], "on": "a browser"}),
        (Task("Mend it", "by *hand*", BLOCK, 3), {"task": "Mend it", "about": "<p>by <em>hand</em></p>\n"}),
    ],
)
def test_what_the_reader_is_to_do(act: Block | Browser | Task, expected: dict[str, object]) -> None:
    assert walking.shown(Step(1, "", "Read.", act)) == {"text": "<p>Read.</p>\n", **expected}
