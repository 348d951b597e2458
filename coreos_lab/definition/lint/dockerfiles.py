"""Rules about the Dockerfiles of a lab's container images."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coreos_lab.definition.lint.subject import Remark
from coreos_lab.model import Lab

SUPERVISORS = r"pm2|supervisord?|supervisor|runit|s6-overlay|monit|forever|circusd?|systemd-sysv"
BUILT_HERE = ("debian", "scratch")  # `debian` is the base that lab itself makes from Debian's packages


def supervisor(_lab: Lab, text: str) -> Iterator[Remark]:
    """Concurrency: systemd supervises programs, one in each container."""
    for number, line in enumerate(text.splitlines(), 1):
        named = re.search(rf"(?:^|[\s\"'/])({SUPERVISORS})(?:[\s\"'=]|$)", line)
        if named and not line.lstrip().startswith("#"):
            yield Remark(
                number,
                f"{named[1]} in the container hides from systemd how a program ended",
                "run one program in each container",
            )


def moving_base(lab: Lab, text: str) -> Iterator[Remark]:
    """Dependencies: without a version, the base of a container image changes."""
    for number, line in enumerate(text.splitlines(), 1):
        base = re.match(r"\s*FROM\s+(?:--\S+\s+)*(\S+)", line, re.IGNORECASE)
        if base and base[1] not in (*lab.containers, *BUILT_HERE) and ":" not in base[1].rpartition("/")[2]:
            why = f"built on {base[1]} without a version, which changes"
            yield Remark(number, why, f"add a version: {base[1]}:1.2.3")


def instructions(text: str) -> Iterator[tuple[int, str]]:
    """A Dockerfile's instructions with the line, from 1, on which each begins: continued lines joined, no comments."""
    begun, joined = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        begun = begun if joined else number
        continued = line.rstrip().endswith("\\")
        joined += line.rstrip().removesuffix("\\") + "\n"
        if not continued:
            yield begun, joined
            joined = ""
    if joined:
        yield begun, joined
