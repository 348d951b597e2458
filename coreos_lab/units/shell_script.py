"""The commands in a shell script, as units have them: `sh -c '...'`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# Words of the shell's grammar after which a command begins.
_BEFORE_COMMAND = ("if", "then", "else", "elif", "do", "while", "until", "!", "{", "time")
# A function that only puts words in front of its arguments: ask() { etcdctl --no-sync "$@"; }
_FORWARDER = re.compile(r"""(?P<name>\w+)\s*\(\s*\)\s*\{\s*(?P<words>[^{}();&|<>"'\n]+?)\s+"\$@"\s*;?\s*\}""")


@dataclass
class _Word:
    """A word without its quotes, and the scripts in its command substitutions, $(...)."""

    text: str = ""
    inner: list[str] = field(default_factory=list)


def commands(script: str, variables: Mapping[str, str]) -> Iterator[list[str]]:
    """The simple commands of a script, whatever its conditions, including those in $(...).

    Variables of the environment are replaced; all others, which the script sets as it runs, stay: $NAME. A call of a
    function that forwards its arguments is the command that the function calls.
    """
    functions = {match["name"]: match["words"].split() for match in _FORWARDER.finditer(script)}
    for command in _commands(script, variables):
        yield [*functions.get(command[0], command[:1]), *command[1:]]


def _commands(script: str, variables: Mapping[str, str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in [*_Reader(script).words(), None]:
        if word is not None:
            for each in word.inner:
                yield from _commands(each, variables)
            if command or word.text not in _BEFORE_COMMAND:
                command.append(_substituted(word.text, variables))
        else:
            if command:
                yield command
            command = []


def _substituted(text: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: variables.get(match[1] or match[2], match[0]), text)


class _Reader:
    """Splits a script into words; None stands for the end of a command."""

    def __init__(self, script: str) -> None:
        self._script, self._at = script, 0
        self._word: _Word | None = None
        self._redirected = False  # the next word is the name of a file

    def words(self) -> Iterator[_Word | None]:
        while self._at < len(self._script):
            char = self._script[self._at]
            if char in " \t\r":
                self._at += 1
                yield from self._ended()
            elif char in ";&|()\n":
                self._at += 1
                yield from self._ended()
                self._redirected = False
                yield None
            elif char in "<>":
                if self._word is not None and self._word.text.isdigit():  # the number of a file descriptor
                    self._word = None
                yield from self._ended()
                self._at += len(self._match(r"[<>&|]+"))
                self._redirected = True
            elif char == "#" and self._word is None:
                self._at += len(self._match(r"[^\n]*"))
            else:
                self._word = self._word or _Word()
                self._piece(self._word, char)
        yield from self._ended()

    def _ended(self) -> Iterator[_Word]:
        if self._word is not None:
            if not self._redirected:
                yield self._word
            self._redirected = False
        self._word = None

    def _match(self, pattern: str) -> str:
        match = re.compile(pattern, re.DOTALL).match(self._script, self._at)
        return match[0] if match else ""

    def _piece(self, word: _Word, char: str) -> None:
        """Adds what begins here to a word: a quoted part, a substitution, or plain characters."""
        if char == "'":
            quoted = self._match(r"'[^']*'?")
            self._at += len(quoted)
            word.text += quoted[1:].removesuffix("'")
        elif char == '"':
            self._double_quoted(word)
        elif self._match(r"\$\(|`"):
            self._substitution(word)
        elif braced := self._match(r"\$\{[^}]*\}?"):
            self._at += len(braced)
            word.text += braced
        elif char == "\\":
            escaped = self._match(r"\\.?")
            self._at += len(escaped)
            word.text += escaped[1:].replace("\n", "")
        else:
            self._at += 1
            word.text += char

    def _double_quoted(self, word: _Word) -> None:
        self._at += 1
        while self._at < len(self._script) and self._script[self._at] != '"':
            if self._match(r"\$\(|`"):
                self._substitution(word)
                continue
            plain = self._match(r"\\[\"\\$`]")
            word.text += plain[1:] or self._script[self._at]
            self._at += len(plain) or 1
        self._at += 1

    def _substitution(self, word: _Word) -> None:
        """The $(...) or `...` that begins here."""
        start = self._at
        if self._script[start] == "`":
            whole = self._match(r"`[^`]*`?")
            self._at += len(whole)
            word.inner.append(whole[1:].removesuffix("`"))
        else:
            self._at = self._closing(start + 2)
            word.inner.append(self._script[start + 2 : self._at - 1])
        word.text += self._script[start : self._at]

    def _closing(self, at: int) -> int:
        """The place after the parenthesis that closes the one open at `at`."""
        depth, quote = 1, ""
        while at < len(self._script) and depth:
            char = self._script[at]
            if char == "\\" and quote != "'":
                at += 1
            elif quote:
                quote = "" if char == quote else quote
            elif char in "\"'":
                quote = char
            else:
                depth += (char == "(") - (char == ")")
            at += 1
        return at
