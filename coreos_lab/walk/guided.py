"""A walk with a reader at a terminal, or with commands from a pipe."""

from __future__ import annotations

import os
import readline  # input() then edits lines and has a history
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper

from coreos_lab import interrupts
from coreos_lab.definition.page.steps import Block, Page
from coreos_lab.records.walks import Progress
from coreos_lab.walk import beside
from coreos_lab.walk.guide import GivenUpError, Guide
from coreos_lab.walk.judge import Judge
from coreos_lab.walk.notice import Notice
from coreos_lab.walk.paper import Paper
from coreos_lab.walk.pseudo_terminal import ClosedError, PseudoTerminal
from coreos_lab.walk.session import session

CHECK = ".check"  # the terminal in which a task's check runs while the reader works


def walk(
    name: str,
    page: Page,
    begin: Progress,
    reached: Callable[[Progress], None],
    record: Callable[[Progress], None],
) -> int:
    """Guides through a page from where a reader has come; returns the number of the step that is next.

    Both get how far the reader has come: `reached` before each step, `record` after each command, and at the end.
    """
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # a file's name that is no UTF-8 is typed, too
    with (
        _device() as device,
        session(name, page.path.parent, state=begin.shell, device=device.device if device else "") as opened,
    ):
        panes = beside.choose()
        opened.on_other = panes.open
        if device:
            device.log = opened.main.log

        def watch(seconds: float) -> None:
            panes.show()
            if device:
                device.watch(seconds)
            else:
                opened.main.rest(seconds)

        def ask(prompt: str) -> str:
            panes.show()
            return _line(prompt)

        def mute(quiet: bool) -> None:
            if device:
                device.muted = quiet

        def notice(block: Block) -> Notice:
            checks = opened.hidden(CHECK)
            return Notice(lambda: judge.passes(block, checks), checks.cut_off)

        judge = Judge(opened, watch, mute, device)
        number = begin.step

        def begins(step: int) -> None:
            nonlocal number
            number = step
            reached(judge.progress(number))

        def ran() -> None:
            record(judge.progress(number))

        guide = Guide(judge, page, Paper(live=device is not None), ask, notice, ran)
        try:
            for block in page.running_before(begin.step):
                guide.go_on(block, begin.beside.get(block.terminal, ""))
            try:
                following = guide.walk(begin.step, begins)
            except (KeyboardInterrupt, ClosedError):
                with interrupts.undoing("keeping how far the walk has come"):
                    record(judge.progress(number))
                raise
            if following <= len(page.steps):
                record(judge.progress(following))  # with what second terminals have printed meanwhile
            return following
        finally:
            panes.close()


@contextmanager
def _device() -> Iterator[PseudoTerminal | None]:
    """A terminal device for the reader's commands; None where the reader has no terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield None
        return
    if os.environ.get("TERM", "dumb") != "dumb":
        readline.parse_and_bind("set enable-bracketed-paste on")  # Python switches it off; a text comes whole with it
    device = PseudoTerminal(sys.stdin.fileno(), sys.stdout.fileno())
    try:
        yield device
    finally:
        device.close()


def _line(prompt: str) -> str:
    """What the reader types. Ctrl-C throws that away, as a shell does: GivenUpError."""
    try:
        with interrupts.given_back():
            return input(prompt)
    except KeyboardInterrupt:
        interrupts.check()  # SIGTERM and SIGHUP raise it, too, and end this process
        print("^C  (:stop or Ctrl-D stops the walk)")
        raise GivenUpError from None
    except OSError:  # the terminal is closed
        raise EOFError from None
