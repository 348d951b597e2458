"""Guides a reader through a page: shows a step, runs its commands on Enter, and compares what came with the page."""

from __future__ import annotations

import readline  # noqa: F401 - input() then edits lines and has a history
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from enum import Enum, auto

from coreos_lab.definition.page.steps import Block, Browser, Command, Page, Step, Task
from coreos_lab.model import Outcome
from coreos_lab.walk.judge import Judge
from coreos_lab.walk.notice import Notice
from coreos_lab.walk.paper import Paper

HELP = """\
Enter        run the command that is shown
any command  run it in the same shell; `lab`, `fleetctl` and `etcdctl` mean this cluster
:skip        go on to the next step without this one
:back        go back to the step before
:again       show this step again
:hint        a hint for a task
:solution    the solution of a task; Enter then runs it, command by command
:stop        stop here; the next walk goes on from this step (Ctrl-D and exit do the same)
"""


class Go(Enum):
    """Where the reader goes from a step."""

    ON = auto()
    BACK = auto()
    AGAIN = auto()
    STOP = auto()


# `exit` would end the shell with all its variables, while whoever types it wants to stop.
WORDS = {":skip": Go.ON, ":back": Go.BACK, ":again": Go.AGAIN, ":stop": Go.STOP, "exit": Go.STOP, "logout": Go.STOP}


@dataclass
class Guide:
    """A reader's walk. `ask` returns a line that the reader typed, and raises EOFError at the end of the input."""

    judge: Judge
    page: Page
    paper: Paper
    ask: Callable[[str], str]
    notice: Callable[[Block], Notice]

    def go_on(self, block: Block, shown: str) -> None:
        """Starts a second terminal's command that ran when the walk was stopped, see Judge.go_on."""
        self.paper.note(f"Terminal {block.terminal} goes on: {block.commands[0].text}")
        result = self.judge.go_on(block, shown)
        if result.outcome is not Outcome.PASS:
            self.paper.note(result.message)

    def walk(self, first: int, reached: Callable[[int], None]) -> int:
        """Goes through the steps from `first` on; returns the number of the step that is next.

        `reached` is called with each step's number before it is shown.
        """
        self.paper.note(
            "Enter runs the command that is shown, and you can type others. :help lists what else there is."
        )
        number = first
        went = Go.ON
        while number <= len(self.page.steps):
            reached(number)
            step = self.page.steps[number - 1]
            self.paper.step(step, len(self.page.steps))
            went = self._take(step, returned=went is not Go.ON)
            match went:
                case Go.ON:
                    number += 1
                case Go.BACK:
                    number = max(1, number - 1)
                case Go.STOP:
                    return number
                case Go.AGAIN:
                    pass
        self.paper.text(self.page.rest)
        return number

    def _take(self, step: Step, *, returned: bool) -> Go:
        if isinstance(step.act, Task):
            return self._task(step.act, returned=returned)
        if isinstance(step.act, Browser):
            return self._browser(step.act)
        return self._commands(step.act, step.act.commands)

    def _commands(self, block: Block, commands: Sequence[Command]) -> Go:
        for command in commands:
            self.paper.command(block, command)
            while True:
                line = self._line()
                if isinstance(line, Go):
                    return line
                if line and not _same(line, command.text):
                    self._free(line)
                    continue
                result = self.judge.run(_only(block, command))
                self.paper.result(result, command)
                if result.outcome is Outcome.PASS:
                    break
        return Go.ON

    def _browser(self, browser: Browser) -> Go:
        self.paper.browser(browser)
        while True:
            line = self._line()
            if isinstance(line, Go):
                return line
            if line:
                self._free(line)
                continue
            result = self.judge.open(browser)
            self.paper.result(result)
            if result.outcome is not Outcome.FAIL:  # without a browser here the reader has looked in another
                return Go.ON

    def _task(self, task: Task, *, returned: bool) -> Go:
        """A task. One that is done is passed by, but not under a reader who has `returned` to it."""
        self.paper.task(task)
        if done := self.judge.passes(task.check):
            self.paper.note("This is so already.")
            if not returned:
                return Go.ON
        waiting: list[tuple[Block, Command]] = []  # of the solution, once the reader has asked for it
        with nullcontext() if done else self.notice(task.check) as notice:
            while True:
                line = self._line(task, notice)
                if isinstance(line, Go):
                    return line
                if (notice and notice.done) or self._solved(task, line, waiting):
                    self.paper.note("Done.")
                    return Go.ON
                if line == ":solution":
                    waiting = [(block, command) for block in task.solution for command in block.commands]
                    for block, command in waiting:
                        self.paper.command(block, command)
                elif line:
                    self._free(line)

    def _solved(self, task: Task, line: str, waiting: list[tuple[Block, Command]]) -> bool:
        """Whether Enter has solved a task: it runs the next command of the solution, if that is shown, or looks."""
        if line:
            return False
        if waiting:
            block, command = waiting[0]
            result = self.judge.run(_only(block, command))
            self.paper.result(result, command)
            if result.outcome is not Outcome.PASS:
                return False
            waiting.pop(0)
            if waiting:
                return False
            result = self.judge.run(task.check)
            if result.outcome is not Outcome.PASS:
                self.paper.result(result)
            return result.outcome is Outcome.PASS
        if self.judge.passes(task.check):
            return True
        self.paper.note("Not yet. It is noticed as soon as it is done.")
        return False

    def _line(self, task: Task | None = None, notice: Notice | None = None) -> str | Go:
        """What the reader types: a command, "" for Enter, or where to go."""
        while True:
            try:
                line = (notice.ask(self.ask) if notice else self.ask("$ ")).strip()
            except EOFError:
                return Go.STOP
            if line in WORDS:
                return WORDS[line]
            if line == ":hint":
                self.paper.text((task and task.hint) or "There is no hint here.")
            elif line == ":solution" and task is None:
                self.paper.note("This is no task: Enter runs the command.")
            elif line.startswith(":") and line != ":solution":
                self.paper.note(HELP if line == ":help" else f"{line}: no such word; :help lists them")
            else:
                return line

    def _free(self, line: str) -> None:
        """Runs a command of the reader's own."""
        result = self.judge.run(Block((Command(line, 0),), 0))
        self.paper.output(result)
        if result.outcome is not Outcome.PASS:
            self.paper.note(result.message.removesuffix(" instead of 0"))


def _same(typed: str, command: str) -> bool:
    """Whether the reader has typed the command that is shown, with or without its comment."""
    plain = " ".join(command.split())
    return " ".join(typed.split()) in (plain, plain.partition(" # ")[0].rstrip())


def _only(block: Block, command: Command) -> Block:
    """A block with one of its commands."""
    return replace(block, commands=(command,))
