"""What a page consists of: steps, each a command block or a task, with the text that leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PAGE = "page.md"
HOST = "host"  # where commands run that name no node
INTERRUPT = "^C"
LIMIT = 600.0  # seconds within which a command must end


@dataclass(frozen=True)
class Command:
    """A command and what it must do: exit with `code`, and print lines that match `output`, in that order.

    `...` in a line of `output` stands for any text. `line` is the command's in the page. INTERRUPT as text is Ctrl-C.
    """

    text: str
    line: int
    output: tuple[str, ...] = ()
    code: int = 0


@dataclass(frozen=True)
class Block:
    """Commands that run in one place, one after the other.

    `on` is HOST, a node's name, or unit:NAME for the node that runs that unit. `terminal` names a second terminal, in
    which the last command runs on while the page continues. With `within`, in seconds, a command is repeated until it
    does what it must, and a second terminal's output is awaited. A command must end within `limit` seconds.
    """

    commands: tuple[Command, ...]
    line: int
    on: str = HOST
    terminal: str = ""
    within: float = 0.0
    limit: float = LIMIT

    @property
    def looks(self) -> bool:
        """Whether it runs nothing: it says what a second terminal shows by now."""
        return not self.commands[0].text


@dataclass(frozen=True)
class Browser:
    """An address to open in a browser, and the lines that the page there must show."""

    url: str
    output: tuple[str, ...]
    line: int
    within: float = 0.0


@dataclass(frozen=True)
class Task:
    """What the reader is to achieve. `check` has the commands that tell whether it is done: all do what they must."""

    title: str
    text: str
    check: Block
    line: int
    hint: str = ""
    solution: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Step:
    """One step of a walk. `number` counts from 1; `section` is the heading above it, `text` is Markdown."""

    number: int
    section: str
    text: str
    act: Block | Browser | Task

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks that it runs: a task's are those of its solution."""
        if isinstance(self.act, Task):
            return self.act.solution
        return (self.act,) if isinstance(self.act, Block) else ()

    @property
    def line(self) -> int:
        """Its line in the page."""
        return self.act.line

    @property
    def title(self) -> str:
        """It in one line."""
        if isinstance(self.act, Task):
            return f"Task: {self.act.title}"
        if isinstance(self.act, Browser):
            return f"open {self.act.url}"
        if self.act.looks:
            return f"look at terminal {self.act.terminal}"
        first = self.act.commands[0].text.splitlines()[0]
        more = len(self.act.commands) - 1
        return f"{first} (and {more} more)" if more else first


@dataclass(frozen=True)
class Page:
    """A page: its steps, and the text after the last one."""

    path: Path
    steps: tuple[Step, ...] = ()
    rest: str = ""

    def running_before(self, number: int) -> tuple[Block, ...]:
        """The blocks whose commands run in second terminals when step `number` begins."""
        running: dict[str, Block] = {}
        for block in (block for step in self.steps[: number - 1] for block in step.blocks if block.terminal):
            if block.commands[0].text == INTERRUPT:
                running.pop(block.terminal, None)
            elif not block.looks:
                running[block.terminal] = block
        return tuple(running.values())
