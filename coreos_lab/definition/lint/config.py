"""Rules about values in a unit that belong elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coreos_lab.definition.lint.subject import Remark, Subject


def address(subject: Subject) -> Iterator[Remark]:
    """Config: an address belongs in the environment."""
    for option in subject.part.options:
        for written in re.findall(r"\b(?:\d{1,3}\.){3}\d{1,3}\b", option.value):
            if not re.match(r"127\.|0\.0\.0\.0|255\.", written):
                yield Remark(
                    option.line,
                    f"{written}: a fixed address, which changes with the machine",
                    "use COREOS_PRIVATE_IPV4 from /etc/environment for the unit's own machine, etcd for all others",
                )


def secret(subject: Subject) -> Iterator[Remark]:
    """Config: a secret belongs in no file that everybody reads."""
    for option in subject.part.options:
        if assigned := re.search(r"\b(\w*(?:PASSWORD|SECRET|TOKEN|API_KEY)\w*)=(?![$\"'])(\w{4,})", option.value):
            why = f"{assigned[1]} is written in the unit, which everybody can read"
            yield Remark(option.line, why, "keep it in etcd or in a file on the machine")
