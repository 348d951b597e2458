"""fleet's grammar of unit files. It decides what reaches a machine.

This follows the parser of fleet 1.0.0 (go-systemd's package unit) step by step, with its read buffer: fleet's limit on
the length of a line depends on that. A unit test gives the same texts to fleet's own packages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from coreos_lab.units.option import Option

LINE_MAX = 2048  # bytes: fleet's limit on a line
_COMMENT = "#;"
_BUFFER = 4096  # bytes that Go's bufio.Reader holds
# What Go's unicode.IsSpace() takes for white space. Python's str.isspace() has four more characters.
SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


class RefusedError(Exception):
    """fleet refuses the text; `line` is where it stopped."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


@dataclass
class Reading:
    """The options that fleet reads, and its continued comments: the first line, and the lines that they swallow."""

    options: list[Option] = field(default_factory=list)
    swallowed: list[tuple[int, list[int]]] = field(default_factory=list)


def decode(data: bytes) -> str:
    """Text as fleet's JSON carries it: each byte that is not UTF-8 becomes U+FFFD."""
    text = data.decode("utf-8", errors="surrogateescape")
    return "".join("\ufffd" if "\udc80" <= char <= "\udcff" else char for char in text)


class _Step(Protocol):
    """One step of the parser; returns the next, None at the end of the file."""

    def __call__(self) -> _Step | None: ...


class _Lexer:
    """go-systemd's lexer: each step returns the next one. The length of a line is checked between steps."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at, self._filled = data, 0, 0
        self._begun = 1  # the line on which the current step began
        self.result = Reading()

    def run(self) -> Reading:
        step: _Step | None = self._outside
        while step is not None:
            self._begun = self._line()
            if self._filled - self._at >= LINE_MAX:
                ahead = self._data[self._at : self._at + LINE_MAX]
                if b"\n" not in ahead and b"\r" not in ahead:
                    raise RefusedError(self._begun, f"longer than {LINE_MAX} bytes")
            step = step()
        return self.result

    def _line(self) -> int:
        return self._data.count(b"\n", 0, self._at) + 1

    def _fill(self) -> bool:
        before = self._filled
        self._filled = min(len(self._data), self._at + _BUFFER)
        return self._filled > before

    def _rune(self) -> str | None:
        """The next character, None at the end; U+FFFD for a byte that is not UTF-8."""
        while True:
            ahead = self._data[self._at : min(self._filled, self._at + 4)]
            valid = len(ahead)
            try:
                ahead.decode("utf-8")
            except UnicodeDecodeError as error:
                valid = error.start
                incomplete = valid == 0 and error.reason == "unexpected end of data"
            else:
                incomplete = not ahead
            if incomplete and self._fill():
                continue
            if not ahead:
                return None
            char = ahead[:valid].decode("utf-8")[0] if valid else "\ufffd"
            self._at += len(char.encode("utf-8")) if valid else 1
            return char

    def _until(self, end: bytes) -> tuple[bytes, bool]:
        """Everything up to and including `end`, and whether the file ended before it."""
        start = self._at
        while True:
            place = self._data.find(end, self._at, self._filled)
            if place >= 0:
                self._at = place + 1
                return self._data[start : self._at], False
            if self._filled - self._at >= _BUFFER:
                self._at = self._filled
            elif not self._fill():
                self._at = self._filled
                return self._data[start : self._at], True

    def _to_end_of_line(self) -> tuple[bytes, bool]:
        line, ended = self._until(b"\n")
        # In the parser's order: a carriage return before the newline stays.
        return line.removesuffix(b"\r").removesuffix(b"\n"), ended

    def _outside(self) -> _Step | None:
        char = self._rune()
        if char is None:
            return None
        if char == "[":
            return self._section_name
        if char in _COMMENT:
            return lambda: self._comment(self._outside)
        return self._outside

    def _section_name(self) -> _Step:
        name, ended = self._until(b"]")
        if ended:
            raise RefusedError(self._begun, "the name of a section has no closing ]")
        section = decode(name[:-1])

        def rest() -> _Step:
            garbage, _ended = self._to_end_of_line()
            if decode(garbage).strip(SPACE):
                raise RefusedError(self._begun, f"{decode(garbage).strip(SPACE)!r} after the name of a section")
            return self._inside(section)

        return rest

    def _comment(self, after: _Step) -> _Step:
        taken = []
        while True:
            line, ended = self._to_end_of_line()
            if not line.removesuffix(b" ").endswith(b"\\"):
                break
            if ended:
                break
            taken.append(self._line())
        if taken:
            self.result.swallowed.append((self._begun, taken))
        return after

    def _inside(self, section: str) -> _Step:
        def step() -> _Step | None:
            before = self._at
            char = self._rune()
            if char is None:
                return None
            if char in SPACE:
                return self._inside(section)
            if char == "[":
                return self._section_name
            if char in _COMMENT:
                return lambda: self._comment(self._inside(section))
            self._at = before
            return self._option_name(section)

        return step

    def _option_name(self, section: str) -> _Step:
        def step() -> _Step:
            name = ""
            while (char := self._rune()) != "=":
                if char is None or char in "\r\n":
                    raise RefusedError(self._begun, f"{name.strip(SPACE)!r} is not a Name=value")
                name += char
            return self._option_value(Option(section, name.strip(SPACE), "", self._begun), b"")

        return step

    def _option_value(self, option: Option, partial: bytes) -> _Step:
        def step() -> _Step:
            value = partial
            line, ended = self._to_end_of_line()
            if decode(line).strip(SPACE):
                value += line
                if line.endswith(b"\\"):
                    if ended:
                        # The same step again, at the end of the file, adds nothing.
                        return self._option_value(option, value)
                    return self._option_value(option, value + b"\n")
            text = decode(value)
            text = text.strip(SPACE) + ("\n" if text.endswith("\n") else "")
            self.result.options.append(Option(option.section, option.name, text, option.line))
            return self._inside(option.section)

        return step


def parse(data: bytes) -> Reading:
    """A unit file as fleet reads it. Raises RefusedError where fleet refuses it.

    A value keeps the backslashes and line ends within it: fleet passes them on to systemd.
    """
    return _Lexer(data).run()


def written(options: list[Option]) -> str:
    """The text that fleet writes for systemd from these options: section by section, without the comments."""
    sections: dict[str, list[Option]] = {}
    for option in options:
        sections.setdefault(option.section, []).append(option)
    blocks = [
        f"[{section}]\n" + "".join(f"{option.name}={option.value}\n" for option in assignments)
        for section, assignments in sections.items()
    ]
    return "\n".join(blocks)
