"""Every mistake that can be seen in one unit file alone, with its line and a remedy.

Finding a mistake here costs nothing; fleet finds it on a running cluster and reports it without the line, or drops
what it does not understand in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coreos_lab.spelling import did_you_mean
from coreos_lab.units import fleet_grammar, fleet_rules, systemd_grammar, unit_file
from coreos_lab.units.fleet_grammar import LINE_MAX, RefusedError
from coreos_lab.units.option import Option

SECTIONS = ("Unit", "Service", "Socket", "Timer", "Path", "Mount", "Automount", "Device", "Install", "X-Fleet")
_BLANK = " \t\f\v\r"

# What fleet refuses to find together in one [X-Fleet] section.
_CONTRADICTIONS = (
    ("MachineID", "MachineOf"),
    ("MachineID", "Conflicts"),
    ("MachineID", "Global"),
    ("MachineID", "Replaces"),
    ("Global", "MachineOf"),
    ("Global", "Replaces"),
    ("Conflicts", "Replaces"),
)


@dataclass(frozen=True)
class Mistake:
    """Something wrong on a line of a file: what, and what to do about it."""

    line: int
    message: str
    remedy: str = ""


def check_name(name: str) -> str:
    """What is wrong with a unit's name, "" when fleetctl accepts it as it is."""
    stem, dot, kind = name.rpartition(".")
    if not dot or kind not in fleet_rules.TYPES:
        return f"a unit's name ends in one of .{', .'.join(fleet_rules.TYPES)}"
    return fleet_rules.name_error(stem, kind)


def check_file(name: str, path: Path) -> tuple[list[Option], list[Mistake]]:
    """A unit file's options, and every mistake that can be seen in the file alone."""
    if line := unit_file.not_utf_8(path.read_bytes()):
        return [], [Mistake(line, "not UTF-8: fleet would replace the bytes that are not", "save the file as UTF-8")]
    return check(name, unit_file.read(path))


def check(name: str, text: str) -> tuple[list[Option], list[Mistake]]:
    """The options of a unit's text, and every mistake that can be seen in it alone."""
    options = unit_file.parse(text)
    mistakes = [*_grammar_mistakes(text), *_fleet_mistakes(options)]
    if name.endswith(".service") and not unit_file.values(options, "Service", "ExecStart"):
        mistakes.append(Mistake(1, "no ExecStart= in [Service]", "add it: it says what the unit runs"))
    return options, mistakes


def _grammar_mistakes(text: str) -> list[Mistake]:
    seen = systemd_grammar.parse(text)
    cut_off = dict(_cut_off(text))
    mistakes = [*cut_off.values(), *_header_mistakes(seen.headers)]
    remedy = "end the line before with \\ to go on in it"
    # The line after one that was cut off is malformed only because of that.
    mistakes += [
        Mistake(number, f"{line!r} is not a Name=value line", remedy)
        for number, line in seen.malformed
        if number - 1 not in cut_off
    ]
    mistakes += [
        Mistake(number, f"{name}= comes before the first section", "put a section above it, such as [Service]")
        for number, name in seen.homeless
    ]
    lines = text.split("\n")
    mistakes += [
        Mistake(number, "a comment between continued lines: for fleet the value ends here", "move it above the option")
        for number in seen.inner_comments
        if not lines[number - 1].endswith("\\")
    ]
    mistakes += [
        Mistake(number, f"{LINE_MAX} bytes or more: fleet refuses such a line", "break the line with \\")
        for number, line in enumerate(lines, 1)
        if len(line.encode("utf-8")) >= LINE_MAX
    ]
    try:
        mistakes += _lost(text, lines)
        if not mistakes:
            mistakes = _misread(text)
    except RefusedError as refused:
        if not mistakes:
            mistakes.append(Mistake(refused.line, f"fleet refuses the unit: {refused.message}", "rewrite that line"))
    return mistakes


def _header_mistakes(headers: Sequence[tuple[int, str]]) -> Iterator[Mistake]:
    for number, line in headers:
        section = line[1:-1]
        foreign = section.startswith("X-") and section.lower() != fleet_rules.SECTION.lower()
        if not line.endswith("]"):
            yield Mistake(number, f"{line}: a section's line ends in ]", "put the rest on a line of its own")
        elif section not in SECTIONS and not foreign:
            yield Mistake(number, f"{line}: no such section", did_you_mean(section, SECTIONS))


def _cut_off(text: str) -> Iterator[tuple[int, Mistake]]:
    """Lines that are not continued, as they were meant to be, because something follows the backslash."""
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.rstrip(_BLANK)
        continues = (len(bare) - len(bare.rstrip("\\"))) % 2 == 1
        if not continues or bare == line or line.lstrip(_BLANK).startswith(("#", ";")):
            continue
        if line == f"{bare}\r":
            message = "a carriage return after the backslash: for fleet the value ends here"
            yield number, Mistake(number, message, "save the file with line feeds only")
        else:
            yield number, Mistake(number, "a blank after the backslash: the value ends here", "remove the blank")


def _lost(text: str, lines: Sequence[str]) -> Iterator[Mistake]:
    """Lines that fleet reads as part of the comment above them."""
    for _begun, taken in fleet_grammar.parse(text.encode("utf-8")).swallowed:
        for number in taken:
            line = lines[number - 1].strip(_BLANK) if number <= len(lines) else ""
            if line and not line.startswith(("#", ";")):
                message = f"the comment ends in a backslash: for fleet the next line ({line}) is part of it"
                yield Mistake(number - 1, message, "remove the backslash")


def _misread(text: str) -> list[Mistake]:
    """The first option that does not reach the machine as it is written in the file."""
    on_machine = fleet_grammar.written(fleet_grammar.parse(text.encode("utf-8")).options)
    # fleetd parses the text that fleetctl has written from the options.
    again = fleet_grammar.parse(on_machine.encode("utf-8")).options
    effective = [
        *(option for option in again if option.section == fleet_rules.SECTION),
        *(option for option in systemd_grammar.parse(on_machine).options if option.section != fleet_rules.SECTION),
    ]
    intended = systemd_grammar.parse(text).options
    for section in dict.fromkeys(option.section for option in [*intended, *effective]):
        wanted = [option for option in intended if option.section == section]
        got = [(option.name, _plain(option)) for option in effective if option.section == section]
        for index, option in enumerate(wanted):
            if got[index : index + 1] != [(option.name, _plain(option))]:
                message = f"{option.name}={option.value}: fleet reads this differently from systemd"
                return [Mistake(option.line, message, "look for a backslash or an unusual blank in the lines above it")]
        if len(got) > len(wanted):
            name, value = got[len(wanted)]
            message = f"fleet finds {name}={value} in [{section}], which systemd does not"
            return [Mistake(wanted[-1].line if wanted else 1, message, "look for a backslash or a section inside it")]
    return []


def _plain(option: Option) -> str:
    """A value for comparing. fleet splits Conflicts= into words, so that its value may be continued."""
    if option.section == fleet_rules.SECTION and fleet_rules.canonical(option.name) == "Conflicts":
        return " ".join(word for word in option.value.split() if word != "\\")
    return option.value


def _fleet_mistakes(options: Sequence[Option]) -> list[Mistake]:
    words = fleet_rules.words(options)
    mistakes = [
        Mistake(
            word.option.line, f"{word.name}: fleet has no such option", did_you_mean(word.name, fleet_rules.OPTIONS)
        )
        for word in words
        if word.name not in fleet_rules.OPTIONS
    ]
    mistakes += [mistake for word in words if (mistake := _ignored(word))]
    mistakes += _misplaced(options)
    lines = {word.name: word.option.line for word in words if word.name != "Global" and _has_effect(word)}
    if fleet_rules.is_global(options):
        lines["Global"] = next(word.option.line for word in reversed(words) if word.name == "Global")
    mistakes += [
        Mistake(lines[second], f"fleet refuses {first}= and {second}= together", "keep one of them")
        for first, second in _CONTRADICTIONS
        if first in lines and second in lines
    ]
    return [*mistakes, *excluded_peers(options)]


def _misplaced(options: Sequence[Option]) -> Iterator[Mistake]:
    """fleet's options in systemd's sections, where both ignore them in silence. systemd has a Conflicts= of its own."""
    for option in options:
        known = fleet_rules.canonical(option.name) in fleet_rules.OPTIONS
        of_systemd = option.name == "Conflicts" and option.section == "Unit"
        if known and not of_systemd and not option.section.startswith("X-"):
            message = f"{option.name}= in [{option.section}]: neither fleet nor systemd reads it there"
            yield Mistake(option.line, message, f"move it into a section [{fleet_rules.SECTION}]")


def _has_effect(word: fleet_rules.Word) -> bool:
    return word.name != "Conflicts" or bool(word.value.split())


def _ignored(word: fleet_rules.Word) -> Mistake | None:
    """A value that fleet ignores in silence."""
    line = word.option.line
    if word.name == "Global" and not fleet_rules.truthy(word.value) and word.value.lower() not in fleet_rules.FALSE:
        return Mistake(line, f"Global={word.value}: fleet reads this as no", "write Global=true")
    if word.name == "MachineMetadata" and not fleet_rules.pair(word.value):
        remedy = 'write one key=value, or a list: "disk=ssd" "region=eu"'
        return Mistake(line, f"MachineMetadata={word.value}: fleet ignores this", remedy)
    if word.name in ("Conflicts", "Replaces"):
        patterns = word.value.split() if word.name == "Conflicts" else [word.value]
        for pattern in patterns:
            if pattern != "\\" and not fleet_rules.is_pattern(pattern):
                message = f"{word.name}={pattern}: a malformed pattern, which matches nothing"
                return Mistake(line, message, "close the bracket, or write \\ before it")
    return None


def excluded_peers(options: Sequence[Option], unit: str = "") -> list[Mistake]:
    """A MachineOf= that the unit's own Conflicts= or Replaces= excludes, for `unit` or as it is written."""
    words = fleet_rules.words(options, unit)
    mistakes = []
    for peer in (word.value for word in words if word.name == "MachineOf"):
        for word in words:
            patterns = {"Conflicts": word.value.split(), "Replaces": [word.value]}.get(word.name, [])
            mistakes += [
                Mistake(
                    word.option.line,
                    f"{word.name}={pattern} excludes {peer}, on whose machine MachineOf= puts the unit",
                    f"remove one of the two, or make the pattern of {word.name}= narrower",
                )
                for pattern in patterns
                if fleet_rules.matches(pattern, peer)
            ]
    return mistakes
