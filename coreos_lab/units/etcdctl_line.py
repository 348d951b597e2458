"""A unit's etcdctl commands, in version 2 of etcd's API: the verb, the key, its TTL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coreos_lab.units import command_lines, docker_line
from coreos_lab.units.command_lines import Call
from coreos_lab.units.option import Option

SETS = ("set", "mk", "update", "mkdir", "setdir", "updatedir")
REMOVES = ("rm", "rmdir")
WATCHES = ("watch", "exec-watch")
_VERBS = (*SETS, *REMOVES, *WATCHES, "get", "ls")
# Options that take a value: etcdctl's own, and those of its verbs.
_VALUED = (
    *("output", "o", "peers", "C", "endpoint", "endpoints", "cert-file", "key-file", "ca-file", "username", "u"),
    *("timeout", "total-timeout", "discovery-srv", "D"),
    *("ttl", "swap-with-value", "swap-with-index", "with-value", "with-index", "after-index"),
)


@dataclass(frozen=True)
class Command:
    """One call of etcdctl. `key` has a slash in front; it begins with $ where only the machine knows all of it.

    `ttl` is in seconds, None for a key that does not expire. `recursive` removes, lists or watches what is below it.
    """

    verb: str
    key: str
    ttl: int | None
    recursive: bool
    option: Option


def commands(options: Sequence[Option], unit: str, *names: str) -> list[Command]:
    """The etcdctl commands of a unit in their order; with `names`, only those of these options (ExecStart ...).

    For the name of a template (`web@.service`) the specifiers of its instances stay as they are.
    """
    calls = command_lines.calls(options, unit, *names)
    return [command for call in calls for words in _calls(call) if (command := _parse(words, call.option))]


def _calls(call: Call) -> Iterator[Sequence[str]]:
    """The words of each etcdctl that a call runs: the call itself, or what it runs in a container."""
    if call.program == "docker":
        command = docker_line.parse(call)
        if command.verb in ("run", "exec", "create"):
            for words in command_lines.within(command.words[1:], {}):
                yield from [words] if _is_etcdctl(words[0]) else []
    elif _is_etcdctl(call.words[0]):
        yield call.words


def _is_etcdctl(word: str) -> bool:
    return word.rpartition("/")[2] == "etcdctl"


def _parse(words: Sequence[str], option: Option) -> Command | None:
    """The command that the words are, program first; None where it is about no key."""
    values: dict[str, str] = {}
    rest: list[str] = []
    ahead = list(words[1:])
    while ahead and not (rest[:1] == ["exec-watch"] and len(rest) > 1):  # another command follows the key
        word = ahead.pop(0)
        if not word.startswith("-") or word in ("-", "--"):
            rest += [] if word == "--" else [word]
            continue
        name, equals, value = word.lstrip("-").partition("=")
        values[name] = value if equals or name not in _VALUED else ahead.pop(0) if ahead else ""
    if len(rest) < 2 or rest[0] not in _VERBS:  # noqa: PLR2004 - a verb and a key
        return None
    key = rest[1] if rest[1].startswith(("/", "$")) else f"/{rest[1]}"
    ttl = int(values["ttl"]) if values.get("ttl", "").isdecimal() and int(values["ttl"]) else None
    return Command(rest[0], key, ttl, "recursive" in values or "r" in values, option)
