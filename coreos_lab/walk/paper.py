"""What a reader sees of a walk: text, commands, what is expected of them and what came."""

from __future__ import annotations

import re

from coreos_lab.definition.page.steps import HOST, Block, Browser, Command, Step, Task
from coreos_lab.model import Outcome
from coreos_lab.screen import escape
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
        """The head of a step, and the text that leads to it."""
        self._console.rule(f"[bold]Step {step.number} of {steps}[/] · {escape(step.section)}", align="left")
        self.text(step.text)

    def text(self, markdown: str) -> None:
        """Markdown. HTML comments, which carry notes for authors, are left out."""
        from rich.markdown import Markdown

        plain = re.sub(r"<!--.*?-->", "", markdown, flags=re.DOTALL).strip()
        if plain:
            self._console.print(Markdown(plain))
            self._console.print()

    def command(self, block: Block, command: Command) -> None:
        """A command that Enter runs, and where it runs."""
        where = f" on {block.on}" if block.on != HOST else ""
        where += f" in terminal {block.terminal}" if block.terminal else ""
        if block.looks:
            self._console.print(f"[dim]Enter looks at terminal {block.terminal}, which must show:[/]")
            self.expected(command)
            return
        self._console.print(f"[dim]Enter runs{where}:[/] [bold]{escape(command.text)}[/]")

    def browser(self, browser: Browser) -> None:
        """An address to open, and what the page there must show."""
        self._console.print(f"Open [bold]{escape(browser.url)}[/] in a browser. [dim]Enter looks, too.[/]")
        for line in browser.output:
            self._console.print(f"  [dim]│[/] {escape(line)}")

    def task(self, task: Task) -> None:
        """What the reader is to achieve."""
        self._console.print(f"[bold yellow]Task:[/] [bold]{escape(task.title)}[/]")
        self.text(task.text)
        self._console.print("[dim]Do it in any way; it is noticed when it is done. :hint and :solution help.[/]")

    def expected(self, command: Command) -> None:
        """The lines that a command must print."""
        for line in command.output:
            self._console.print(f"  [dim]│[/] {escape(line)}")

    def result(self, result: Result, command: Command | None = None) -> None:
        """Whether it is as expected."""
        self.output(result)
        if result.outcome is Outcome.PASS:
            self._console.print("[green]✓[/] [dim]as expected[/]\n")
            return
        mark = "[red]✗[/]" if result.outcome is Outcome.FAIL else "[yellow]?[/]"
        self._console.print(f"{mark} {escape(result.message)}")
        if command and command.output:
            self._console.print("[dim]expected, with other lines between them:[/]")
            self.expected(command)
        self._console.print("[dim]Enter tries again, :skip goes on, :help lists all.[/]")

    def output(self, result: Result) -> None:
        """What commands printed in the main terminal, where that was not shown yet."""
        if result.output and not result.beside and (result.repeated or not self._live):
            print(result.output.rstrip("\n"))

    def note(self, text: str) -> None:
        """A line of the guide's own."""
        self._console.print(escape(text))
