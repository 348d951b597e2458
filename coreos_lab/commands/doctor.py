"""Check whether this machine can run a cluster. Each finding comes with its remedy."""

from __future__ import annotations

import json

from coreos_lab import hints
from coreos_lab.commands.options import Json, Provider, verb
from coreos_lab.errors import LabError
from coreos_lab.model import to_json
from coreos_lab.providers.choose import provider as choose

app = verb()


@app.command(help=__doc__)
def command(provider: Provider = hints.DEFAULT_PROVIDER, as_json: Json = False) -> None:
    doctor(provider, as_json=as_json)


def doctor(provider: str, *, as_json: bool) -> None:
    """Prints every finding with its remedy. Raises LabError if a condition is not met."""
    findings = choose(provider).doctor()
    bad = [finding for finding in findings if not finding.ok]
    if as_json:
        print(json.dumps({"provider": provider, "ok": not bad, "findings": to_json(findings)}, indent=2))
    else:
        for finding in findings:
            remedy = "" if finding.ok else f"   -> {finding.remedy}"
            print(f"{'ok ' if finding.ok else 'BAD'} {finding.name:20} {finding.message}{remedy}")
    if bad:
        raise LabError(
            f"doctor: {len(bad)} of {len(findings)} conditions are not met: {', '.join(f.name for f in bad)}"
        )
    if not as_json:
        print(f"This machine can run the {provider} provider.")
