"""Answer the questions of a deployment's plan for a lab."""

from __future__ import annotations

import json

from coreos_lab import hints
from coreos_lab.commands.options import Json, LabName, verb
from coreos_lab.definition import catalog
from coreos_lab.definition.checklist import answers
from coreos_lab.definition.checklist import text as drawing

app = verb()


@app.command(help=__doc__)
def command(lab: LabName, as_json: Json = False) -> None:
    checklist(lab, as_json=as_json)


def checklist(lab_name: str, *, as_json: bool) -> None:
    """Prints each question with the answers that the lab's files give, where they give them, and what none shows."""
    labs = [catalog.load(part) for part in catalog.parts(lab_name)]
    for lab in labs:
        catalog.require_units(lab)
    found = [(lab, answers.answered(lab)) for lab in labs]
    if as_json:
        print(json.dumps({"labs": [answers.plain(lab, each) for lab, each in found]}, indent=2))
        return
    for lab, each in found:
        print(drawing.text(f"{lab.name}: {lab.title}", each), end="\n\n")
        open_ = sum(not finding.explained for answered in each for finding in answered.findings)
        unseen = sum(len(answered.unseen) + sum(not a.seen for a in answered.answers) for answered in each)
        judged = hints.lab("lint", catalog.named(lab))
        print(f"{lab.name}: {unseen} points cannot be seen: answer them yourself.")
        print(f"Open findings of '{judged}': {open_}.")
