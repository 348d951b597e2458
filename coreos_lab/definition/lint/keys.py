"""Rules about the keys in etcd that a unit sets, removes and watches."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coreos_lab.definition import etcd_keys
from coreos_lab.definition.lint.subject import Remark, Subject
from coreos_lab.units import command_lines, etcdctl_line, service_life, unit_file
from coreos_lab.units.etcdctl_line import Command

_LOOP = re.compile(r"\b(?:while|until)\b")


def ttl(subject: Subject) -> Iterator[Remark]:
    """A service's key in etcd must not expire while the service runs."""
    for option in subject.commands():
        ttls = [int(seconds) for seconds in re.findall(r"--ttl[ =](\d+)", option.value)]
        sleeps = [float(seconds) for seconds in re.findall(r"\bsleep (\d+(?:\.\d+)?)", option.value)]
        if ttls and sleeps and min(ttls) <= max(sleeps):
            yield Remark(
                option.line,
                f"the key expires after {min(ttls)} s and is renewed after {max(sleeps):g} s: in between it is missing",
                "renew it well before it expires",
            )


def withdrawn(subject: Subject) -> Iterator[Remark]:
    """A key is removed under the name that it was set under: another name leaves it in etcd."""
    commands = etcdctl_line.commands(subject.part.options, subject.part.unit.name)
    own = [command for command in commands if command.verb in etcdctl_line.SETS]
    if not own or any(command.key.startswith("$") for command in own):
        return  # nothing to compare with, or a name that only the machine knows
    text = unit_file.read(subject.part.unit.path)
    for command in commands:
        if command.verb != "rm" or command.key.startswith("$") or _is_set(subject, command):
            continue
        folder = etcd_keys.folder_of(command.key)
        alike = [each for each in own if etcd_keys.folder_of(each.key) == folder] or own
        names = ", ".join(dict.fromkeys(each.key for each in alike))
        stays = max((each.ttl or 0 for each in alike), default=0)
        until = f"until it expires, up to {stays} s later" if all(each.ttl for each in alike) else "for ever"
        yield Remark(
            unit_file.line_of(text, command.option, f" {command.verb} ", command.key),
            f"removes {command.key}, which nothing in the lab sets; what this unit sets, {names}, stays {until}",
            "remove the key by the name that it was set under (systemd replaces ${NAME} within a word, and not $NAME)",
        )


def _is_set(subject: Subject, removal: Command) -> bool:
    """Whether a unit of the lab sets what is removed, or a program may: one that writes to the same folder."""
    for part in subject.parts:
        for command in etcdctl_line.commands(part.options, part.unit.name):
            name, removed = _as_it_runs(command), _as_it_runs(removal)
            same = name == removed or (removal.recursive and name.startswith(f"{removed}/"))
            if same and command.verb in etcdctl_line.SETS:
                return True
    folder = etcd_keys.folder_of(removal.key)
    uses = [use for part in subject.parts for use in part.keys if use.written and not use.option]
    return any(use.key in (folder, removal.key) for use in uses)


def _as_it_runs(command: Command) -> str:
    """The key with its variables written alike, and a backslash before each dollar that nothing replaces.

    A shell replaces $NAME and ${NAME}. systemd replaces ${NAME}, and $NAME only where it is a whole word.
    """
    key = command.key
    if not re.search(r"\b(?:ba|da|a|k|z)?sh\b\s", command.option.value):
        key = re.sub(r"\$(?=\w)", r"\\$", key)
    return re.sub(r"\$\{(\w+)\}", r"$\1", key)


def watch(subject: Subject) -> Iterator[Remark]:
    """A watch ends when its etcd stops, and without --forever after each change: then the unit must start again."""
    watching = [
        call
        for call in command_lines.calls(subject.part.options, subject.unit, "ExecStart")
        if _watches(call.words) and not _LOOP.search(re.split("watch|wait=true", call.option.value)[0])
    ]
    life = service_life.of(subject.part.options)
    if not watching or life.kind == "oneshot":
        return
    line = watching[0].option.line
    if life.restart != "always":
        how = "nothing starts it" if life.restart == "no" else f"with Restart={life.restart} not every end starts it"
        why = f"the watch ends when this machine's etcd stops, and {how} again: later changes are missed"
        yield Remark(life.restart_line or line, why, "set Restart=always in [Service]")
    elif life.gives_up:
        why = (
            f"while etcd is off, the watch ends at once: after {life.burst} starts in {life.interval:g} s systemd gives"
            " up, and later changes are missed"
        )
        yield Remark(life.restart_line, why, "add StartLimitIntervalSec=0 to [Unit], and RestartSec=1 to [Service]")


def _watches(words: tuple[str, ...]) -> bool:
    program = words[0].rpartition("/")[2]
    if program == "curl":
        return any(re.search(r"/v2/keys.*[?&]wait=true", word) for word in words)
    return program == "etcdctl" and any(verb in words for verb in etcdctl_line.WATCHES)
