"""Guides a reader through a page: shows a step, runs its commands on Enter, and compares what came with the page.

One long module because it is one conversation: each answer of the reader decides about the same step.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import takewhile

from coreos_lab.definition.page.steps import Block, Browser, Command, Page, Step, Task
from coreos_lab.model import Outcome
from coreos_lab.walk.judge import Judge, Result
from coreos_lab.walk.notice import Notice
from coreos_lab.walk.paper import Paper
from coreos_lab.walk.syntax import complete

HELP = """\
Enter        run the command that is shown
any command  run it in the same shell; `lab`, `fleetctl` and `etcdctl` mean this cluster. One of several lines is
             asked for until it has its end; Ctrl-C gives it up
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
WORD = re.compile(r":\w")  # `: >file` is a command


class GivenUpError(Exception):
    """The reader has pressed Ctrl-C: what was typed so far is to be forgotten."""


@dataclass
class Guide:
    """A reader's walk.

    `ask` returns what the reader typed: a line, or all lines of a text that was pasted. It raises EOFError at the end
    of the input, and GivenUpError. `ran` is called after each command.
    """

    judge: Judge
    page: Page
    paper: Paper
    ask: Callable[[str], str]
    notice: Callable[[Block], Notice]
    ran: Callable[[], None] = lambda: None
    _pasted: list[str] = field(default_factory=list, init=False)  # lines behind the command that was asked for last

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
                result = self._run(_only(block, command))
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
            result = self._run(_only(block, command))
            self.paper.result(result, command)
            if result.outcome is not Outcome.PASS:
                return False
            waiting.pop(0)
            if waiting:
                return False
            result = self._run(task.check)
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
                line = self._whole(notice)
            except EOFError:
                return Go.STOP
            except GivenUpError:
                continue
            if line in WORDS:
                return WORDS[line]
            if line == ":hint":
                self.paper.text((task and task.hint) or "There is no hint here.")
            elif line == ":solution" and task is None:
                self.paper.note("This is no task: Enter runs the command.")
            elif WORD.match(line) and line != ":solution":
                self.paper.note(HELP if line == ":help" else f"{line}: no such word; :help lists them")
            else:
                return line

    def _whole(self, notice: Notice | None) -> str:
        """What the reader types: a word, or a command with all of its lines; "" for Enter, or when a task is done."""
        text = self._next("$ ", notice).lstrip()
        while not text and self._pasted:  # a blank line of what was pasted is no Enter
            text = self._next("$ ", notice).lstrip()
        if WORD.match(text) or text.strip() in ("", *WORDS):
            return text.strip()
        while not complete(text):
            try:
                text += "\n" + self._next("> ", notice)
            except EOFError:
                self.paper.note("The command has no end, and was not run.")
                raise GivenUpError from None
            if notice and notice.done:
                return ""
        return text

    def _next(self, prompt: str, notice: Notice | None) -> str:
        """The next line. Of a text that was pasted, each command is one of its own, as in a shell."""
        if not self._pasted:
            typed = notice.ask(lambda: self.ask(prompt)) if notice else self.ask(prompt)
            line, *self._pasted = (typed.rstrip() if "\n" in typed else typed).split("\n")
            return line
        line = self._pasted.pop(0)
        self.paper.note(f"{prompt}{line}")
        return line

    def _run(self, block: Block) -> Result:
        """Runs a block. Ctrl-C meanwhile is meant for what was pasted behind it, too."""
        result = self.judge.run(block)
        if self.judge.stopped:
            self._pasted.clear()
        self.ran()
        return result

    def _free(self, line: str) -> None:
        """Runs a command of the reader's own."""
        result = self._run(Block((Command(line, 0),), 0))
        self.paper.output(result)
        if result.outcome is not Outcome.PASS:
            self.paper.note(result.message.removesuffix(" instead of 0"))


def _same(typed: str, command: str) -> bool:
    """Whether the reader has typed the command that is shown, with or without its comment."""
    lines = _words(command)
    return _words(typed) in (lines, [[*takewhile(lambda word: word != "#", line)] for line in lines])


def _words(text: str) -> list[list[str]]:
    """The words of each line."""
    return [line.split() for line in text.strip().split("\n")]


def _only(block: Block, command: Command) -> Block:
    """A block with one of its commands."""
    return replace(block, commands=(command,))
