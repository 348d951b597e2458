"""lab lint: what could be asked about a lab before it runs."""

from __future__ import annotations

import json
from dataclasses import asdict

from coreos_lab import catalog
from coreos_lab import lint as rules
from coreos_lab.errors import FailedError


def lint(lab_name: str, *, as_json: bool) -> None:
    """Prints every finding. FailedError when there is one that the lab does not explain itself."""
    labs = [catalog.load(part) for part in catalog.parts(lab_name)]
    found = [finding for lab in labs for finding in rules.judge(lab)]
    open_ = [finding for finding in found if not finding.explained]
    names = ", ".join(lab.name for lab in labs)
    if as_json:
        print(
            json.dumps(
                {"labs": [lab.name for lab in labs], "findings": [asdict(f) for f in found], "unseen": rules.UNSEEN}
            )
        )
    else:
        for finding in found:
            print(f"{finding.file}:{finding.line}: {finding.rule}: {finding.why}")
            print(f"    explained: {finding.explained}" if finding.explained else f"    remedy: {finding.remedy}")
        looked = sum(len(rules.files(lab)) for lab in labs)
        print(f"{names}: {looked} files, {len(open_)} findings, {len(found) - len(open_)} more that are explained.")
        print("Not seen from here:")
        for each in rules.UNSEEN:
            print(f"  {each}")
    if open_:
        raise FailedError(
            f"{names}: {len(open_)} findings", "mend them, or explain one with a comment: # lint: RULE: why"
        )
