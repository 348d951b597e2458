"""Whether this machine can run the provider `aws`: what asks AWS's API, and what a `lab cloud` needs for instances."""

from __future__ import annotations

from coreos_lab.model import Finding
from coreos_lab.providers import conditions
from coreos_lab.providers.nspawn import doctor


def findings() -> list[Finding]:
    """One finding for each condition. The condition that clouds can be had is one here, and no remark."""
    remark = conditions.clouds().name
    return [conditions.boto3(), *(finding for finding in doctor.findings() if finding.name != remark)]
