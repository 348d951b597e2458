"""The commands of a unit as they will run: systemd's quoting, specifiers and variables, and scripts of `sh -c`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coreos_lab.units import shell_script
from coreos_lab.units.option import Option

_BLANK = " \t\n\r"
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "s": " "}
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<braced>\w+)\}|(?P<plain>[A-Za-z_]\w*))")
_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh", "busybox")
_WITH_OPERAND = ("timeout", "flock")  # of the wrappers: the duration, the file
# Commands that run another one, each with those of its options that take a value.
_WRAPPERS = {
    "exec": "-a",
    "env": "-u -C -S --unset --chdir",
    "sudo": "-u -g -h -p -C -D -R -T --user --group --host --prompt --chdir",
    "nohup": "",
    "nice": "-n --adjustment",
    "ionice": "-c -n -p -P -u",
    "setsid": "",
    "timeout": "-k -s --kill-after --signal",
    "flock": "-w -E --wait --timeout --conflict-exit-code",
    "command": "",
    "stdbuf": "-i -o -e",
}
# Programs whose words are a text, or the name of a program, and no command.
_NOT_RUNNING = ("echo", "printf", "logger", "which", "type", "test", "[")


@dataclass(frozen=True)
class Word:
    """A word of a value, without its quotes; `start` and `end` are its place in the value."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Call:
    """One command of a unit: its words, and its option. Variables that only the machine has stay: ${NAME}."""

    words: tuple[str, ...]
    option: Option

    @property
    def program(self) -> str:
        """The program's name without its folder."""
        return self.words[0].rpartition("/")[2] if self.words else ""


def split(value: str) -> list[Word]:
    """A value's words as systemd splits them: quotes anywhere, escapes as in C. A line continuation is a blank."""
    words: list[Word] = []
    text, start, quote = "", -1, ""
    at = 0
    while at < len(value):
        char = value[at]
        begin = at
        at += 1
        if char == "\\" and value[at : at + 1] == "\n":
            at += 1
            char = " "
        elif char == "\\":
            char, at = _escaped(value, at)
            text, start = text + char, begin if start < 0 else start
            continue
        if quote:
            if char == quote:
                quote = ""
            else:
                text += char
        elif char in "\"'":
            quote, start = char, begin if start < 0 else start
        elif char in _BLANK:
            if start >= 0:
                words.append(Word(text, start, begin))
            text, start = "", -1
        else:
            text, start = text + char, begin if start < 0 else start
    if start >= 0:
        words.append(Word(text, start, len(value)))
    return words


def _escaped(value: str, at: int) -> tuple[str, int]:
    """The character that an escape stands for, and the place after it. What is not an escape stays as it is."""
    for pattern, base in ((r"x([0-9a-fA-F]{2})", 16), (r"u([0-9a-fA-F]{4})", 16), (r"([0-7]{3})", 8)):
        if number := re.compile(pattern).match(value, at):
            return chr(int(number[1], base)), number.end()
    char = value[at : at + 1]
    if char in _ESCAPES:
        return _ESCAPES[char], at + 1
    return (char if char in ("\\", '"', "'") else f"\\{char}"), at + 1


def specified(text: str, unit: str) -> str:
    """A text with systemd's specifiers replaced, as far as they follow from the unit's name."""
    stem = unit.rpartition(".")[0]
    prefix, _at, instance = stem.partition("@")
    meanings = {"n": unit, "N": stem, "p": prefix, "P": prefix, "i": instance, "I": instance.replace("-", "/")}
    meanings |= {"j": prefix.rpartition("-")[2], "%": "%"}
    if stem.endswith("@"):  # a template's instances have these
        for specifier in "iInN":
            del meanings[specifier]
    return re.sub(r"%(.)", lambda match: meanings.get(match[1], match[0]), text)


def environment(options: Sequence[Option], unit: str) -> dict[str, str]:
    """The variables that a unit's Environment= lines set. Those of an EnvironmentFile= exist only on the machine."""
    variables: dict[str, str] = {}
    for option in options:
        if option.name == "Environment":
            if not option.value:
                variables.clear()
            for word in split(option.value):
                name, equals, value = word.text.partition("=")
                if equals:
                    variables[name] = specified(value, unit)
    return variables


def calls(options: Sequence[Option], unit: str, *names: str) -> list[Call]:
    """Every command that a unit runs, those of `sh -c` one by one; with `names`, only those of these options."""
    variables = environment(options, unit)
    return [
        Call(tuple(call), option)
        for option in options
        if option.section == "Service" and (option.name in names if names else option.name.startswith("Exec"))
        for words in _systemd_commands(option.value, unit, variables)
        for call in within(words, variables)
    ]


def _systemd_commands(value: str, unit: str, variables: Mapping[str, str]) -> Iterator[list[str]]:
    """The commands in a value of an Exec...= option: one, or several separated by a lone semicolon."""
    command: list[str] = []
    for word in [*split(value), Word(";", len(value), len(value))]:
        raw = value[word.start : word.end]
        if raw in (";", ""):
            if command:
                yield _arguments(command, unit, variables)
            command = []
        else:
            command.append(";" if raw == "\\;" else word.text)


def _arguments(command: Sequence[str], unit: str, variables: Mapping[str, str]) -> list[str]:
    prefix = re.match(r"[@\-:+!]*", command[0])
    prefixes = prefix[0] if prefix else ""
    words = [command[0][len(prefixes) :], *command[1:]]
    if "@" in prefixes:  # the second word is the name that the program gets as argv[0]
        del words[1:2]
    words = [specified(word, unit) for word in words]
    if ":" in prefixes:
        return words
    arguments = []
    for word in words:
        whole = re.fullmatch(r"\$([A-Za-z_]\w*)", word)
        if whole and whole[1] in variables:
            arguments += [part.text for part in split(variables[whole[1]])]
        else:
            arguments.append(_expanded(word, variables, plain=bool(whole)))
    return arguments


def _expanded(word: str, variables: Mapping[str, str], *, plain: bool) -> str:
    """A word as systemd expands it: ${NAME} anywhere, $NAME only as a whole word, $$ as a dollar."""

    def meaning(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        if match["plain"] and not plain:
            return match[0]
        return variables.get(match["braced"] or match["plain"], match[0])

    return _VARIABLE.sub(meaning, word)


def within(words: Sequence[str], variables: Mapping[str, str]) -> Iterator[list[str]]:
    """A command, or those that it runs in its place: behind `env`, `sudo` and such, or in a shell's script.

    What `etcdctl exec-watch` runs on each change comes after the watch itself. Behind any other program (`flock FILE
    docker run ...`), a call of docker or a shell's script comes after it.
    """
    words = list(words)
    while words:
        name = words[0].rpartition("/")[2]
        if re.fullmatch(r"[A-Za-z_]\w*=.*", words[0], re.DOTALL):
            words = words[1:]
        elif name in _WRAPPERS:
            words = _wrapped(words, _WRAPPERS[name].split())
            if name in _WITH_OPERAND:
                words = words[1:]
            if name == "flock" and words[:1] == ["-c"]:  # `flock FILE -c TEXT` calls a shell
                words = ["sh", *words]
        else:
            break
    if not words:
        return
    script = _script(words) if words[0].rpartition("/")[2] in _SHELLS else None
    if script is None:
        yield words
        if words[0].rpartition("/")[2] not in ("docker", *_NOT_RUNNING):
            yield from within(_on_change(words) or _inner(words), variables)
        return
    for command in shell_script.commands(script, variables):
        yield from within(command, variables)


def _on_change(words: Sequence[str]) -> list[str]:
    """The command that `etcdctl exec-watch [OPTIONS] KEY [--] COMMAND` runs; empty for other commands."""
    if words[0].rpartition("/")[2] != "etcdctl" or "exec-watch" not in words:
        return []
    after = list(words[words.index("exec-watch") + 1 :])
    key = next((at for at, word in enumerate(after) if word.startswith(("/", "$"))), len(after))
    return after[key + 2 :] if after[key + 1 : key + 2] == ["--"] else after[key + 1 :]


def _inner(words: Sequence[str]) -> list[str]:
    """The words from the first call of docker, or of a shell with a script, that follows the program's name."""
    for at, word in enumerate(words[1:], 1):
        name = word.rpartition("/")[2]
        if name == "docker" or (name in _SHELLS and _script(words[at:]) is not None):
            return list(words[at:])
    return []


def _wrapped(words: Sequence[str], with_value: Sequence[str]) -> list[str]:
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in with_value else 1
    return list(words[at:])


def _script(words: Sequence[str]) -> str | None:
    """The script of `sh -c SCRIPT`, None for other calls of a shell."""
    for at, word in enumerate(words[1:], 1):
        if re.fullmatch(r"-[a-z]*c[a-z]*", word):
            return words[at + 1] if at + 1 < len(words) else None
        if not word.startswith(("-", "+")) and word != "sh":
            return None
    return None
