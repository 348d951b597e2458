"""A lab judged before it runs: by the twelve factors (https://12factor.net), and by what this platform needs.

Every rule has a name. A comment `# lint: NAME: why` anywhere in the file explains its findings there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import lab_map
from coreos_lab.lab_file import shown
from coreos_lab.lab_map import Part
from coreos_lab.model import Lab
from coreos_lab.unit_file import Option

MANY = 3  # services of its own lab that one may need directly before it becomes a question
# What keeps data: programs by their names, in a Dockerfile or as a container image.
STORES = r"redis|mysql|mariadb|postgres|mongo|couch|cassandra|elasticsearch|rethinkdb|influx|rabbitmq|kafka|zookeeper"
SUPERVISORS = r"pm2|supervisord?|supervisor|runit|s6-overlay|monit|forever|circusd?|systemd-sysv"
UNSEEN = (
    "codebase: whether there is one in version control, and the same for every deployment",
    "build, release, run: how container images get their versions, and how one goes back",
    "parity: how far development is from production",
    "processes: what a program keeps in memory that a second copy of it would miss",
    "admin: whether one-off tasks run as what they work on",
    "keys and services that are put together while a program runs",
)


@dataclass(frozen=True)
class Finding:
    """One thing to think about: the rule, where, why, and the remedy. `explained` is the lab's own answer."""

    rule: str
    file: str
    line: int
    why: str
    remedy: str
    explained: str = ""


Rule = Callable[[Lab, Part, list[Part]], Iterator[tuple[int, str, str]]]


def judge(lab: Lab) -> list[Finding]:
    """Everything that the rules find, in the order of units and lines."""
    parts = lab_map.parts(lab)
    found: list[Finding] = []
    for part in parts:
        text = part.unit.path.read_text(encoding="utf-8")
        for name, rule in RULES.items():
            for line, why, remedy in rule(lab, part, parts):
                found.append(Finding(name, shown(part.unit.path), line, why, remedy, _explained(text, name)))
    for image, folder in lab.containers.items():
        path = folder / "Dockerfile"
        text = path.read_text(encoding="utf-8")
        for name, lines in (("supervisor", _supervisors(text)), ("moving-base", _moving(lab, text))):
            for number, why, remedy in lines:
                found.append(Finding(name, shown(path), number, f"{image}: {why}", remedy, _explained(text, name)))
    return found


def _explained(text: str, rule: str) -> str:
    """What a file itself says to a rule: the comment, to the end of its lines."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if found := re.match(rf"\s*#\s*lint:\s*{rule}:\s*(.+)", line):
            more = []
            for after in lines[number + 1 :]:
                if not after.lstrip().startswith("#") or re.match(r"\s*#\s*lint:", after):
                    break
                more.append(after.strip().lstrip("# "))
            return " ".join([found[1], *more]).strip()
    return ""


def _commands(part: Part, *names: str) -> list[Option]:
    return [
        option
        for option in part.options
        if option.section == "Service" and (option.name in names if names else option.name.startswith("Exec"))
    ]


def _values(part: Part, section: str, name: str) -> list[Option]:
    return [option for option in part.options if (option.section, option.name) == (section, name)]


def _state(lab: Lab, part: Part, _parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    """Backing services: data in a container goes with it."""
    folder = lab.containers.get(part.image)
    told = part.image
    if folder is not None:
        told += " " + " ".join(
            line
            for line in (folder / "Dockerfile").read_text(encoding="utf-8").splitlines()
            if not line.startswith("#")
        )
    store = re.search(rf"\b({STORES})", told, re.IGNORECASE)
    for option in _commands(part, "ExecStart"):
        if store and "docker run" in option.value and not re.search(r"\s(-v|--volume|--mount)[ =]", option.value):
            yield (
                option.line,
                f"{store[1]} keeps data, and this container has no volume: what it knows goes with it",
                "mount a folder of the machine with -v, or keep copies on other machines",
            )


def _address(_lab: Lab, part: Part, _parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    """Config: an address belongs into the environment."""
    for option in part.options:
        for address in re.findall(r"\b(?:\d{1,3}\.){3}\d{1,3}\b", option.value):
            if not re.match(r"127\.|0\.0\.0\.0|255\.", address):
                yield (
                    option.line,
                    f"{address}: an address that is written down is another one tomorrow",
                    "use COREOS_PRIVATE_IPV4 from /etc/environment for the own machine, etcd for all others",
                )


def _ttl(_lab: Lab, part: Part, _parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    for option in _commands(part):
        ttls = [int(ttl) for ttl in re.findall(r"--ttl[ =](\d+)", option.value)]
        sleeps = [float(seconds) for seconds in re.findall(r"\bsleep (\d+(?:\.\d+)?)", option.value)]
        if ttls and sleeps and min(ttls) <= max(sleeps):
            yield (
                option.line,
                f"the key lives for {min(ttls)} s and is renewed after {max(sleeps):g} s: between the two it is gone",
                "renew it well before it runs out",
            )


def _sidekick(lab: Lab, part: Part, _parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    stem = re.fullmatch(r"(.+?)[-_](?:sidekick|announce|discovery|presence|register)(@?)", part.name)
    if not stem:
        return
    main = f"{stem[1]}{stem[2]}.service"
    if main not in {unit.name for unit in lab.units}:
        return
    bound = any(main.partition("@")[0] in option.value for option in _values(part, "Unit", "BindsTo"))
    beside = any(main.partition("@")[0] in option.value for option in _values(part, "X-Fleet", "MachineOf"))
    if not bound:
        yield 1, f"does not stop with {main}", f"BindsTo={_instance(main)} and After={_instance(main)}"
    if not beside:
        yield 1, f"may run on another machine than {main}", f"MachineOf={_instance(main)} in [X-Fleet]"


def _instance(name: str) -> str:
    return name.replace("@.", "@%i.")


def _latest(lab: Lab, part: Part, _parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    """Dependencies: what is called latest is something else tomorrow. What the lab builds is what its files say."""
    name, _colon, tag = part.image.partition(":")
    if part.image and name not in lab.containers and tag in ("", "latest") and "@sha256" not in part.image:
        (option, *_rest) = _commands(part, "ExecStart")
        yield option.line, f"{part.image}: nobody knows which version that will be", f"name one: {name}:1.2.3"


def _many(_lab: Lab, part: Part, parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    found = [need.whom for need in lab_map.needs(parts) if need.who == part.name and need.whom != "etcd"]
    if len(found) >= MANY:
        yield (
            1,
            f"needs {len(found)} services directly ({', '.join(found)}): when one fails, so does this",
            "let each of them be found and lost by itself, or put one service between",
        )


def _detached(_lab: Lab, part: Part, _parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    for option in _commands(part, "ExecStart"):
        if re.search(r"\bdocker run\b.*\s(-d|--detach|--restart)\b", option.value):
            yield (
                option.line,
                "the container is looked after by Docker: systemd, and so fleet, never learns that it ended",
                "leave -d and --restart out; say Restart= in [Service]",
            )


def _leftover(_lab: Lab, part: Part, _parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    removed = " ".join(option.value for option in _commands(part, "ExecStartPre"))
    for option in _commands(part, "ExecStart"):
        name = re.search(r"\bdocker run\b.*--name[ =](\S+)", option.value)
        if name and not re.search(rf"docker rm\b.*{re.escape(name[1])}", removed):
            yield (
                option.line,
                f"after a power cut a container {name[1]} is still there, and its name is taken",
                f"ExecStartPre=-/usr/bin/docker rm --force {name[1]}",
            )


def _patience(_lab: Lab, part: Part, _parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    if _values(part, "Service", "TimeoutStartSec"):
        return
    for option in _commands(part, "ExecStartPre"):
        if "docker pull" in option.value:
            yield option.line, "a first pull may take longer than systemd waits (90 s)", "TimeoutStartSec=0"


def _logs(_lab: Lab, part: Part, _parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    for option in _commands(part, "ExecStart"):
        if re.search(r"--log-driver[ =]none|>>?\s*/var/log/|\s-v\s+\S*:/var/log", option.value):
            yield option.line, "its log is not in the journal, where everybody looks", "let it write to stdout"


def _secret(_lab: Lab, part: Part, _parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    for option in part.options:
        found = re.search(r"\b(\w*(?:PASSWORD|SECRET|TOKEN|API_KEY)\w*)=(?![$\"'])(\w{4,})", option.value)
        if found:
            yield (
                option.line,
                f"{found[1]} is written in the unit, which everybody reads",
                "keep it in etcd, or in a file",
            )


def _unwatched(_lab: Lab, part: Part, _parts: list[Part]) -> Iterator[tuple[int, str, str]]:
    """Disposability: who ends is started again."""
    kind = [option.value for option in _values(part, "Service", "Type")]
    restart = [option.value for option in _values(part, "Service", "Restart")]
    if part.image and "oneshot" not in kind and (not restart or restart[-1] == "no"):
        (option, *_rest) = _commands(part, "ExecStart")
        yield option.line, "nobody starts it again when it ends on a machine that is well", "Restart=always"


def _supervisors(text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        found = (
            None if line.lstrip().startswith("#") else re.search(rf"(?:^|[\s\"'/])({SUPERVISORS})(?:[\s\"'=]|$)", line)
        )
        if found:
            yield number, f"{found[1]} inside hides from systemd how a program ended", "one program a container"


def _moving(lab: Lab, text: str) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"\s*FROM\s+(?:--\S+\s+)*(\S+)", line, re.IGNORECASE)
        # `debian` is what the lab itself makes from Debian's packages.
        if found and found[1] not in (*lab.containers, "debian", "scratch") and ":" not in found[1].rpartition("/")[2]:
            yield number, f"built on {found[1]}, whatever that is today", f"name a version: {found[1]}:1.2.3"


RULES: dict[str, Rule] = {
    "state": _state,
    "address": _address,
    "ttl": _ttl,
    "sidekick": _sidekick,
    "latest": _latest,
    "many-needs": _many,
    "detached": _detached,
    "leftover": _leftover,
    "patience": _patience,
    "logs": _logs,
    "secret": _secret,
    "restart": _unwatched,
}


def files(lab: Lab) -> list[Path]:
    """What was looked at."""
    return [*(unit.path for unit in lab.units), *(folder / "Dockerfile" for folder in lab.containers.values())]
