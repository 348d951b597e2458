"""What a reader sees of a walk: text, commands, what is expected of them and what came."""

from __future__ import annotations

import re
from collections.abc import Sequence

from coreos_lab.definition.page.parse import HEADING
from coreos_lab.definition.page.steps import HOST, Block, Browser, Command, Step, Task
from coreos_lab.model import Outcome
from coreos_lab.walk.judge import Result

WIDTH = 100


class Paper:
    """Prints what the reader is to see. `live`: the commands have a terminal, which shows what they print."""

    def __init__(self, *, live: bool) -> None:
        from rich.console import Console

        self._live = live
        self._console = Console(highlight=False)
        self._console.width = max(40, min(WIDTH, self._console.width))

    def step(self, step: Step, steps: int) -> None:
        """The head of a step, with its section's title unless the text has that, and the text that leads to it."""
        from rich.text import Text

        text = _plain(step.text)
        headings = [heading[1] for line in text.splitlines() if (heading := HEADING.fullmatch(line.rstrip()))]
        section = "" if step.section in headings else step.section
        title = Text.assemble((f"Step {step.number} of {steps}", "bold"), f" · {section}" if section else "")
        self._console.rule(title, align="left")
        self.text(text)

    def text(self, markdown: str) -> None:
        """Markdown. HTML comments, which carry notes for authors, are left out."""
        from rich.markdown import Markdown

        if plain := _plain(markdown):
            self._console.print(Markdown(plain))
            self._console.print()

    def command(self, block: Block, command: Command) -> None:
        """A command that Enter runs, and where it runs."""
        where = f" on {block.on}" if block.on != HOST else ""
        where += f" in terminal {block.terminal}" if block.terminal else ""
        if block.looks:
            self._line((f"Enter looks at terminal {block.terminal}, which must show:", "dim"))
            self.expected(command.output)
            return
        self._line((f"Enter runs{where}:", "dim"), " ", (command.text, "bold"))

    def browser(self, browser: Browser) -> None:
        """An address to open, and what the page there must show."""
        self._line("Open ", (browser.url, "bold"), " in a browser. ", ("Enter looks, too.", "dim"))
        self.expected(browser.output)

    def task(self, task: Task) -> None:
        """What the reader is to achieve."""
        self._line(("Task:", "bold yellow"), " ", (task.title, "bold"))
        self.text(task.text)
        self._line(("Do it in any way; it is noticed when it is done. :hint and :solution help.", "dim"))

    def expected(self, lines: Sequence[str]) -> None:
        """The lines that must come."""
        for line in lines:
            self._line("  ", ("│", "dim"), f" {line}")

    def result(self, result: Result, command: Command | None = None) -> None:
        """Whether it is as expected."""
        self.output(result)
        if result.outcome is Outcome.PASS:
            self._line(("✓", "green"), " ", ("as expected", "dim"), "\n")
            return
        self._line(("✗", "red") if result.outcome is Outcome.FAIL else ("?", "yellow"), f" {result.message}")
        if command and command.output:
            self._line(("expected, with other lines between them:", "dim"))
            self.expected(command.output)
        self._line(("Enter tries again, :skip goes on, :help lists all.", "dim"))

    def output(self, result: Result) -> None:
        """What commands printed in the main terminal, where that was not shown yet."""
        if result.output and not result.beside and (result.repeated or not self._live):
            print(result.output.rstrip("\n"))

    def note(self, text: str) -> None:
        """A line of the guide's own."""
        self._line(text)

    def _line(self, *parts: str | tuple[str, str]) -> None:
        """Parts of a line, each as it is, or with its style.

        No markup: commands may look like it. The terminal wraps the line: a command is to be copied as one.
        """
        from rich.text import Text

        self._console.print(Text.assemble(*parts), soft_wrap=True)


def _plain(markdown: str) -> str:
    """A text without HTML comments."""
    return re.sub(r"<!--.*?-->", "", markdown, flags=re.DOTALL).strip()
