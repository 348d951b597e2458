"""Check a lab's units and container images before it runs."""

from __future__ import annotations

import json
from dataclasses import asdict

from coreos_lab import hints
from coreos_lab.commands.options import Json, LabName, verb
from coreos_lab.definition import catalog
from coreos_lab.definition.lint import judge
from coreos_lab.errors import FailedError

app = verb()


@app.command(help=__doc__)
def command(lab: LabName, as_json: Json = False) -> None:
    lint(lab, as_json=as_json)


def lint(lab_name: str, *, as_json: bool) -> None:
    """Prints every finding. Raises FailedError if the lab does not explain one of them."""
    labs = [catalog.load(part) for part in catalog.parts(lab_name)]
    found = [finding for lab in labs for finding in judge.findings(lab)]
    open_ = [finding for finding in found if not finding.explained]
    names = ", ".join(lab.name for lab in labs)
    if as_json:
        print(
            json.dumps(
                {"labs": [lab.name for lab in labs], "findings": [asdict(f) for f in found], "unseen": judge.unseen()}
            )
        )
    else:
        for finding in found:
            print(f"{finding.file}:{finding.line}: {finding.rule}: {finding.why}")
            print(f"    explained: {finding.explained}" if finding.explained else f"    remedy: {finding.remedy}")
        files = sum(len(judge.files(lab)) for lab in labs)
        print(f"{names}: {len(open_)} findings, and {len(found) - len(open_)} that are explained; files: {files}.")
        print(f"What no rule can check: '{hints.lab('checklist', lab_name)}' lists it.")
    if open_:
        remedy = "correct them, or explain one by a comment in its file: # lint: RULE: why"
        raise FailedError(f"{names}: {len(open_)} findings", remedy)
