"""Reads a page: Markdown whose `console` blocks are steps. docs/writing-a-lab.md describes the format for authors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from coreos_lab import disk
from coreos_lab.definition.lab_file import Problem, refuse
from coreos_lab.definition.page.attributes import Attributes, parse_attributes
from coreos_lab.definition.page.steps import INTERRUPT, Block, Browser, Command, Page, Step, Task

FENCE = re.compile(r"(`{3,}|~{3,})\s*(\S*)\s*(.*)")
HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*")
DETAILS = re.compile(r"<details>\s*<summary>(.*?)</summary>", re.IGNORECASE)
CODE = re.compile(r"\[(\d{1,3})\]")
CONSOLE, BROWSER = "console", "browser"


def read(path: Path) -> Page:
    """A page's steps. Raises UsageError with file and line for the first mistake, and lists the others."""
    page, problems = parse(disk.text(path), path)
    refuse(problems)
    return page


def parse(text: str, path: Path) -> tuple[Page, list[Problem]]:
    """The steps of a page's text, and its mistakes; `path` is for the messages."""
    reader = _Reader(path)
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        fence = FENCE.fullmatch(lines[number].rstrip())
        if fence is None:
            reader.take_line(lines[number], number + 1)
            number += 1
            continue
        end = number + 1
        while end < len(lines) and not re.fullmatch(rf"{fence[1][0]}{{{len(fence[1])},}}\s*", lines[end]):
            end += 1
        if end == len(lines):
            reader.problem(number + 1, "this block has no end", f"close it with {fence[1]}")
        reader.take_block(fence[2], fence[3], lines[number + 1 : end], number + 1, lines[number : end + 1])
        number = end + 1
    reader.end_task()
    return Page(path, tuple(reader.steps), reader.text_so_far()), reader.problems


@dataclass
class _Draft:
    """A task as far as it has been read."""

    title: str
    line: int
    text: str
    prose: list[str] = field(default_factory=list)
    check: Block | None = None
    hint: list[str] = field(default_factory=list)
    solution: list[Block] = field(default_factory=list)
    inside: str = ""  # the summary of the open <details>


class _Reader:
    """Takes a page's lines and blocks in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.steps: list[Step] = []
        self.problems: list[Problem] = []
        self._section = ""
        self._text: list[str] = []
        self._task: _Draft | None = None

    def problem(self, line: int, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.path, line, message, remedy))

    def text_so_far(self) -> str:
        """The text since the last step, which is forgotten here."""
        text = "\n".join(self._text).strip("\n")
        self._text = []
        return text

    def take_line(self, line: str, number: int) -> None:
        """A line outside any block."""
        if heading := HEADING.fullmatch(line.rstrip()):
            self.end_task()
            if heading[1].startswith("Task:"):
                self._begin_task(heading[1].removeprefix("Task:").strip(), number)
                return
            self._section = heading[1]
        if self._task is None:
            self._text.append(line)
        elif not self._take_details(self._task, line, number):
            (self._task.hint if self._task.inside == "hint" else self._task.prose).append(line)

    def take_block(self, language: str, info: str, lines: list[str], number: int, raw: list[str]) -> None:
        """A fenced block; `raw` are its lines with the fences."""
        if language not in (CONSOLE, BROWSER):
            target = self._text if self._task is None else self._task.prose
            target.extend(raw)
            return
        attributes, mistakes = parse_attributes(info, language)
        for message, remedy in mistakes:
            self.problem(number, message, remedy)
        if language == BROWSER:
            self._take_browser(attributes, lines, number)
            return
        block = self._block(attributes, lines, number)
        if self._task is not None:
            self._take_into_task(self._task, block, number, check=attributes.check)
        elif attributes.check:
            self.problem(number, "check: belongs to a task", "put a heading '### Task: ...' above it")
        elif not block.looks or block.commands[0].output:
            self._add(block)

    def end_task(self) -> None:
        """Adds the task that has been read, if there is one."""
        draft, self._task = self._task, None
        if draft is None:
            return
        if draft.inside:
            self.problem(draft.line, f"Task: {draft.title}: its {draft.inside} has no end", "add a line </details>")
        if draft.check is None:
            self.problem(
                draft.line,
                f"Task: {draft.title}: nothing checks whether it is done",
                f"add a block that begins with ```{CONSOLE} check",
            )
            return
        if not draft.solution:
            self.problem(
                draft.line,
                f"Task: {draft.title}: it has no solution",
                "add <details><summary>Solution</summary>, a console block, and </details>",
            )
        task = Task(
            draft.title,
            "\n".join(draft.prose).strip("\n"),
            draft.check,
            draft.line,
            "\n".join(draft.hint).strip("\n"),
            tuple(draft.solution),
        )
        self._text = [draft.text]
        self._add(task)

    def _add(self, act: Block | Browser | Task) -> None:
        self.steps.append(Step(len(self.steps) + 1, self._section, self.text_so_far(), act))

    def _begin_task(self, title: str, number: int) -> None:
        if not title:
            self.problem(number, "Task: has no title", "say in the heading what the reader is to achieve")
        self._task = _Draft(title, number, self.text_so_far())

    def _take_details(self, task: _Draft, line: str, number: int) -> bool:
        """Whether a line of a task opens or closes its hint or solution."""
        if opening := DETAILS.match(line.strip()):
            name = opening[1].strip().lower()
            if name not in ("hint", "solution"):
                self.problem(number, f"{opening[1]}: neither Hint nor Solution", "name it one of these")
            task.inside = name
            return True
        if line.strip() == "</details>":
            was, task.inside = task.inside, ""
            if was == "solution":
                self.end_task()
            return True
        return False

    def _take_into_task(self, task: _Draft, block: Block, number: int, *, check: bool) -> None:
        if task.inside == "solution":
            task.solution.append(block)
        elif not check:
            self.problem(
                number,
                f"Task: {task.title}: a block that is neither its check nor its solution",
                f"begin it with ```{CONSOLE} check, or put it into the solution",
            )
        elif task.check is not None:
            self.problem(number, f"Task: {task.title}: a second check", "put all commands into one block")
        else:
            task.check = block

    def _take_browser(self, attributes: Attributes, lines: list[str], number: int) -> None:
        shown = tuple(line.rstrip() for line in lines if line.strip())
        if not shown or not re.match(r"https?://\S+$", shown[0]):
            self.problem(number, "no address to open", "write it on the block's first line: http://...")
        elif self._task is not None:
            self.problem(number, f"Task: {self._task.title}: a browser cannot check it", "use a console block")
        else:
            self._add(Browser(shown[0], shown[1:], number, attributes.within))

    def _block(self, attributes: Attributes, lines: list[str], number: int) -> Block:
        commands: list[Command] = []
        output: list[str] = []  # of a second terminal, before any command
        for place, line in enumerate(lines, number + 1):
            if line.startswith("$ ") or line == "$":
                if not line[2:].strip():
                    self.problem(place, "a prompt without a command", "write the command after '$ '")
                commands.append(Command(line[2:], place))
                continue
            if line == INTERRUPT and attributes.terminal and not commands:
                commands.append(Command(INTERRUPT, place))
                continue
            if not commands:
                output.append(line)
                if not attributes.terminal and line.strip():
                    self.problem(place, "output without a command", "begin the command with '$ '")
                continue
            commands[-1] = _with_line(commands[-1], line)
        if not commands and not any(line.strip() for line in output):
            self.problem(number, "an empty block", "write a command after '$ '")
        if not commands:
            commands = [Command("", number, tuple(line for line in output if line.strip()))]
        block = Block(
            tuple(map(_trimmed, commands)),
            number,
            attributes.on,
            attributes.terminal,
            attributes.within,
            attributes.limit,
        )
        if block.terminal and len(commands) > 1:
            self.problem(number, "a second terminal runs one command at a time", "put each into a block of its own")
        return block


def _with_line(command: Command, line: str) -> Command:
    """A command with one more of the lines that follow it: a continuation, or output."""
    if line.startswith("> ") and not command.output:
        return Command(f"{command.text}\n{line[2:]}", command.line)
    return Command(command.text, command.line, (*command.output, line))


def _trimmed(command: Command) -> Command:
    """A command whose last line of output, if it is `[N]`, is the exit code; blank lines are dropped."""
    lines = [line.rstrip() for line in command.output if line.strip()]
    code = CODE.fullmatch(lines[-1]) if lines else None
    if code is None:
        return Command(command.text, command.line, tuple(lines))
    return Command(command.text, command.line, tuple(lines[:-1]), int(code[1]))
