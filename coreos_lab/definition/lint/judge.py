"""All rules by their names, and what they find in a lab.

A comment `# lint: NAME: why` anywhere in a file explains the findings of that rule there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import disk
from coreos_lab.definition import etcd_keys, lab_map, lab_settings, node_units
from coreos_lab.definition.checklist import questions
from coreos_lab.definition.lint import config, containers, dockerfiles, keys, schedulers, services
from coreos_lab.definition.lint.subject import Rule, Subject, TextRule
from coreos_lab.definition.page import parse
from coreos_lab.definition.page.steps import PAGE
from coreos_lab.model import Lab

RULES: dict[str, Rule] = {
    "state": containers.state,
    "address": config.address,
    "ttl": keys.ttl,
    "withdrawn": keys.withdrawn,
    "watch": keys.watch,
    "sidekick": services.sidekick,
    "latest": containers.latest,
    "many-needs": services.many_needs,
    "detached": containers.detached,
    "leftover": containers.leftover,
    "patience": services.patience,
    "pull": containers.pull,
    "logs": containers.logs,
    "secret": config.secret,
    "restart": services.restart,
    "second-scheduler": schedulers.second_scheduler,
    "docker-option": containers.docker_option,
    "old-name": services.old_name,
    "ignored-value": services.ignored_value,
    "no-such-unit": services.no_such_unit,
}
DOCKERFILE_RULES: dict[str, TextRule] = {
    "supervisor": dockerfiles.supervisor,
    "moving-base": dockerfiles.moving_base,
    "second-scheduler": schedulers.clock,
}
SCRIPT_RULES: dict[str, TextRule] = {"second-scheduler": schedulers.script}


@dataclass(frozen=True)
class Finding:
    """One thing to think about: the rule, where, why, and the remedy. `explained` is the file's own comment on it."""

    rule: str
    file: str
    line: int
    why: str
    remedy: str
    explained: str = ""


def findings(lab: Lab) -> list[Finding]:
    """Everything that the rules find: unit by unit, then container image by container image, by rule; then the page."""
    parts = lab_map.parts(lab_settings.in_full(lab))
    result: list[Finding] = []
    for part in parts:
        path = part.unit.path
        text = path.read_text(encoding="utf-8")
        for name, rule in RULES.items():
            for line, why, remedy in rule(Subject(lab, part, parts)):
                result.append(Finding(name, disk.shown(path), line, why, remedy, _explained(text, name)))
    for image, folder in lab.containers.items():
        dockerfile = folder / "Dockerfile"
        result += _in_text(lab, image, dockerfile, disk.text(dockerfile), DOCKERFILE_RULES)
        for path in _scripts(folder):
            text = path.read_text(encoding="utf-8", errors="replace")
            result += _in_text(lab, image, path, text, SCRIPT_RULES)
    page = lab.folder / PAGE
    problems = parse.parse(disk.text(page), page)[1] if page.is_file() else []
    return result + [Finding("page", disk.shown(page), each.line, each.message, each.remedy) for each in problems]


def _in_text(lab: Lab, image: str, path: Path, text: str, rules: Mapping[str, TextRule]) -> list[Finding]:
    """What these rules find in a file of a container image."""
    return [
        Finding(name, disk.shown(path), line, f"{image}: {why}", remedy, _explained(text, name))
        for name, rule in rules.items()
        for line, why, remedy in rule(lab, text)
    ]


def _scripts(folder: Path) -> list[Path]:
    """The shell scripts of a container image: those with a shell's name in their first line."""
    shebang = re.compile(rb"#!.*\b(?:ba|da|a|k|z)?sh\b")
    return [path for path in etcd_keys.programs(folder) if shebang.match(path.read_bytes()[:200])]


def _explained(text: str, rule: str) -> str:
    """A file's comment on a rule, with the lines of comment that continue it; "" where there is none."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if comment := re.match(rf"\s*#\s*lint:\s*{rule}:\s*(.+)", line):
            more = []
            for after in lines[number + 1 :]:
                if not after.lstrip().startswith("#") or re.match(r"\s*#\s*lint:", after):
                    break
                more.append(after.strip().lstrip("# "))
            return " ".join([comment[1], *more]).strip()
    return ""


def unseen() -> list[str]:
    """What no rule checks, in words: what the checklist lists as unseen."""
    return questions.unseen(units_are_known=units_are_known())


def units_are_known() -> bool:
    """Whether there is a machine image, so that names of units can be judged."""
    return node_units.known() is not None


def files(lab: Lab) -> list[Path]:
    """The files that the rules read."""
    images = [path for folder in lab.containers.values() for path in (folder / "Dockerfile", *_scripts(folder))]
    page = lab.folder / PAGE
    return [*(unit.path for unit in lab.units), *images, *([page] if page.is_file() else [])]
