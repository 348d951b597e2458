"""All questions with their answers for one lab, and what lint finds or the lab explains about each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from coreos_lab import disk
from coreos_lab.definition.checklist import code, paper, ports, questions, running, services
from coreos_lab.definition.checklist.paper import Answer, Paper
from coreos_lab.definition.checklist.questions import Question
from coreos_lab.definition.lint import judge
from coreos_lab.definition.lint.judge import Finding
from coreos_lab.model import Lab

_FAMILIES: dict[str, Callable[[Paper], Iterator[Answer]]] = {
    "infrastructure": code.infrastructure,
    "codebase": code.codebase,
    "dependencies": code.dependencies,
    "config": services.config,
    "backing services": services.backing,
    "build, release, run": code.release,
    "processes": running.processes,
    "port binding": ports.ports,
    "concurrency": running.concurrency,
    "disposability": running.disposability,
    "parity": running.parity,
    "logs": running.logs,
    "admin processes": running.admin,
    "edge": ports.edge,
}


@dataclass(frozen=True)
class Answered:
    """A question with its answers. `findings` are those of the lint rules that judge it; `unseen` no file shows."""

    question: Question
    answers: tuple[Answer, ...]
    findings: tuple[Finding, ...]
    unseen: tuple[str, ...]


def answered(lab: Lab) -> list[Answered]:
    """Every question with what the lab's files answer."""
    read = paper.read(lab)
    findings = judge.findings(lab)
    result = []
    for question in questions.QUESTIONS:
        own = tuple(finding for finding in findings if finding.rule in question.rules)
        unseen = question.unseen
        if question.name == "dependencies" and not judge.units_are_known():
            unseen += (questions.UNSEEN_UNITS,)
        result.append(Answered(question, tuple(_FAMILIES[question.name](read)), own, unseen))
    return result


def plain(lab: Lab, found: list[Answered]) -> dict[str, Any]:
    """The answers as plain values, for JSON."""
    return {
        "name": lab.name,
        "title": lab.title,
        "questions": [
            {
                "name": each.question.name,
                "question": each.question.text,
                "platform": each.question.platform,
                "answers": [_plain(answer) for answer in each.answers],
                "findings": [
                    {"rule": f.rule, "file": f.file, "line": f.line, "why": f.why, "explained": f.explained}
                    for f in each.findings
                ],
                "unseen": list(each.unseen),
            }
            for each in found
        ],
    }


def _plain(answer: Answer) -> dict[str, Any]:
    evidence = [{"file": disk.shown(place.path), "line": place.line or None} for place in answer.places]
    return {"about": answer.subject, "answer": answer.text, "seen": answer.seen, "evidence": evidence}
