"""lab doctor: can this machine run the provider?"""

from __future__ import annotations

import json

from coreos_lab.errors import LabError
from coreos_lab.model import to_json
from coreos_lab.providers.choose import provider as choose


def doctor(provider: str, *, as_json: bool) -> None:
    """Prints every finding with its remedy; LabError when one of them is not well."""
    found = choose(provider).doctor()
    bad = [finding for finding in found if not finding.ok]
    if as_json:
        print(json.dumps({"provider": provider, "ok": not bad, "findings": to_json(found)}, indent=2))
    else:
        for finding in found:
            remedy = "" if finding.ok else f"   -> {finding.remedy}"
            print(f"{'ok ' if finding.ok else 'BAD'} {finding.name:20} {finding.message}{remedy}")
    if bad:
        raise LabError(f"doctor: {len(bad)} of {len(found)} conditions are not met: {', '.join(f.name for f in bad)}")
    if not as_json:
        print(f"This machine can run the {provider} provider.")
