"""Runs a step's commands and judges what came of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from coreos_lab import hints, run, wait
from coreos_lab.definition.page.steps import INTERRUPT, Block, Browser, Command
from coreos_lab.errors import Exit
from coreos_lab.model import Outcome
from coreos_lab.records.walks import Progress
from coreos_lab.walk import browser
from coreos_lab.walk.expect import missing
from coreos_lab.walk.keys import Keys, NoKeys
from coreos_lab.walk.session import Session
from coreos_lab.walk.terminal import Done, Terminal

INTERVAL = 0.5  # seconds between two runs of a command that is repeated
SETTLE = 1.0  # seconds after which a second terminal's command must still run
KEPT = 64 * 1024  # bytes at most of a second terminal's output that are kept for the next session

Watch = Callable[[float], None]


@dataclass(frozen=True)
class Result:
    """What came of a block: its outcome, the reason in one line unless it passed, and the last command's output.

    `repeated`: the output is that of the last of several runs. `beside`: it is that of a second terminal.
    """

    outcome: Outcome
    message: str = ""
    output: str = ""
    repeated: bool = False
    beside: bool = False


class Judge:
    """Runs blocks in a session's terminals.

    `watch` is called while a command runs, see Terminal.run; `mute` with True before a command is repeated or looks
    at a task, and with False afterwards.
    """

    def __init__(
        self,
        session: Session,
        watch: Watch | None = None,
        mute: Callable[[bool], None] = lambda _quiet: None,
        keys: Keys | None = None,
    ) -> None:
        self._session, self._watch, self._mute = session, watch, mute
        self._keys = keys or NoKeys()
        self._marks: dict[str, int] = {}  # where each second terminal's output began to count

    @property
    def stopped(self) -> bool:
        """Whether the reader has pressed Ctrl-C while the last block was judged."""
        return self._keys.stopped

    def run(self, block: Block) -> Result:
        """Runs a block's commands in order, up to the first that does not do what it must."""
        with self._keys.attached():
            return self._run(block)

    def _run(self, block: Block) -> Result:
        if block.terminal:
            return replace(self._run_beside(block), beside=True)
        self._mark()
        result = Result(Outcome.PASS)
        for command in block.commands:
            result = self._run_one(block, command)
            if result.outcome is not Outcome.PASS:
                break
        return result

    def passes(self, block: Block, terminal: Terminal | None = None) -> bool:
        """Whether a block's commands do what they must now, see `look`."""
        return self.look(block, terminal).outcome is Outcome.PASS

    def look(self, block: Block, terminal: Terminal | None = None) -> Result:
        """What comes of a block's commands now; each runs once, in the main terminal or another one."""
        if terminal is not None:
            return self._once(block, terminal, None)
        with self._keys.attached():
            self._mute(True)
            try:
                return self._once(block, self._session.main, self._watch)
            finally:
                self._mute(False)

    def _once(self, block: Block, terminal: Terminal, watch: Watch | None) -> Result:
        result = Result(Outcome.PASS)
        for command in block.commands:
            result = judged(command, terminal.run(self._session.command(block, command.text), block.limit, watch))
            if result.outcome is not Outcome.PASS:
                break
        return result

    def progress(self, number: int) -> Progress:
        """How far the walk has come when step `number` is next."""
        beside = {
            name: terminal.read(max(self._marks.get(name, 0), terminal.size - KEPT))
            for name, terminal in self._session.others.items()
            if terminal.running
        }
        return Progress(number, self._session.main.state(), beside)

    def go_on(self, block: Block, shown: str) -> Result:
        """Starts the command of a second terminal that ran when the walk was stopped.

        What it had `shown` since the main terminal's last command counts: it may never be shown again.
        """
        terminal = self._session.other(block.terminal, shown and shown.removesuffix("\n") + "\n")
        self._marks[block.terminal] = 0
        terminal.start(self._session.command(block, block.commands[0].text))
        return self._ended_early(terminal, block) or Result(Outcome.PASS)

    def open(self, step: Browser) -> Result:
        """Opens a page in a browser without a screen, again until it shows what it must. Unknown without a browser."""
        program = browser.find()
        if program is None:
            names = ", ".join(browser.BROWSERS)
            return Result(Outcome.UNKNOWN, f"{step.url}: this machine has no browser to look with ({names})")
        url = self._session.expand(step.url)

        def look(_again: bool) -> tuple[Result, bool]:
            try:
                text = browser.shown(program, url, self._session.folder)
            except run.CommandError as error:
                return Result(Outcome.UNKNOWN, f"{url}: {program.name} could not look", error.details), False
            if line := missing(text, step.output):
                return Result(Outcome.FAIL, f"{url}: does not show: {line}", text), True
            if not text.strip():  # where no line is asked for, something must be there all the same
                return Result(Outcome.FAIL, f"{url}: shows nothing"), True
            return Result(Outcome.PASS, output=text), False

        with self._keys.attached():
            return self._until_passed(look, step.within)

    def _run_one(self, block: Block, command: Command) -> Result:
        def once(again: bool) -> tuple[Result, bool]:
            self._mute(again)
            done = self._session.main.run(self._session.command(block, command.text), block.limit, self._watch)
            # One that did not end by itself has had its time.
            return replace(judged(command, done), repeated=again), done.code is not None

        try:
            return self._until_passed(once, block.within)
        finally:
            self._mute(False)

    def _run_beside(self, block: Block) -> Result:
        """Starts a second terminal's command, ends it, or awaits what it must print."""
        command = block.commands[0]
        if command.text == INTERRUPT:  # what has ended by itself, or was never started in this session, is ended, too
            if block.terminal in self._session.others:
                self._session.others[block.terminal].interrupt()
            return Result(Outcome.PASS)
        terminal = self._session.other(block.terminal)
        if not block.looks:
            terminal.interrupt()
            self._marks[block.terminal] = terminal.size
            terminal.start(self._session.command(block, command.text))
        if (ended := self._ended_early(terminal, block)) is not None:
            return ended
        return self._await(terminal, block)

    def _ended_early(self, terminal: Terminal, block: Block) -> Result | None:
        code = terminal.wait(0 if block.looks else SETTLE, self._watch)
        if code is None and terminal.running:
            return None
        shown = terminal.read(self._marks.get(block.terminal, 0))
        return Result(Outcome.FAIL, f"the command in terminal {block.terminal} has ended", shown)

    def _await(self, terminal: Terminal, block: Block) -> Result:
        mark = self._marks.get(block.terminal, 0)

        def look(_again: bool) -> tuple[Result, bool]:
            shown = terminal.read(mark)
            if line := missing(shown, block.commands[0].output):
                return Result(Outcome.FAIL, f"terminal {block.terminal} does not show: {line}", shown), True
            return Result(Outcome.PASS, output=shown), False

        return self._until_passed(look, block.within)

    def _until_passed(self, attempt: Callable[[bool], tuple[Result, bool]], within: float) -> Result:
        """The result of the last attempt.

        That is one that passes, one after which another is of no use, or one that ends after `within` seconds or after
        the reader has pressed Ctrl-C.
        `attempt` gets whether there was one before; it returns its result and whether another may have a better one.
        """
        deadline = time.monotonic() + wait.patiently(within)
        again = False
        while True:
            result, may_change = attempt(again)
            if result.outcome is Outcome.PASS or not may_change or time.monotonic() >= deadline:
                return result
            self._keys.pause(INTERVAL)
            if self._keys.stopped:
                return result
            again = True

    def _mark(self) -> None:
        """What second terminals print from now on is newer than the commands that come."""
        for name, terminal in self._session.others.items():
            self._marks[name] = terminal.size


def judged(command: Command, done: Done) -> Result:
    """Whether a command that was run did what it must."""
    if done.code is None:
        return Result(Outcome.FAIL, f"{_first(command)}: did not end within {done.seconds:.0f} s", done.output)
    if done.code != command.code:
        words = [*command.text.split(), "", ""]  # the exit code of `lab ssh` is another program's
        could_not_look = done.code == Exit.UNKNOWN and words[0] == "lab" and words[1] not in hints.PASS_THROUGH
        message = f"{_first(command)}: exit code {done.code} instead of {command.code}"
        return Result(Outcome.UNKNOWN if could_not_look else Outcome.FAIL, message, done.output)
    if line := missing(done.output, command.output):
        return Result(Outcome.FAIL, f"{_first(command)}: does not print: {line}", done.output)
    return Result(Outcome.PASS, output=done.output)


def _first(command: Command) -> str:
    return command.text.splitlines()[0]
