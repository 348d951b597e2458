"""A lab's secrets: what only its user has. `lab deploy --secret` takes them from files; no message shows one."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from coreos_lab.errors import UsageError
from coreos_lab.model import Lab, LabSecret
from coreos_lab.spelling import did_you_mean

STDIN = "-"


def require(lab: Lab, chosen: Mapping[str, str]) -> None:
    """UsageError for a secret that the lab does not have."""
    for name in chosen:
        if name not in lab.secrets:
            listed = [*lab.secrets]
            remedy = did_you_mean(name, listed) if listed else "its lab.yaml lists no secrets"
            raise UsageError(f"--secret {name}: {lab.name} has no such secret", remedy)


def read(lab: Lab, chosen: Mapping[str, str]) -> dict[str, str]:
    """The texts of secrets by their etcd keys. `chosen` are their files by name: a path, or - for standard input.

    Raises UsageError where a text is not what the lab needs; it names what is missing and quotes nothing.
    """
    require(lab, chosen)
    return {
        lab.secrets[name].key: _checked(name, lab.secrets[name], _text(name, file)) for name, file in chosen.items()
    }


def _text(name: str, file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == STDIN else Path(file).expanduser().read_bytes()
        return raw.decode().strip()
    except (OSError, RuntimeError, ValueError) as error:  # ValueError: not UTF-8, whose own message would quote it
        why = error.strerror if isinstance(error, OSError) else "cannot be read as text in UTF-8"
        raise UsageError(f"--secret {name}={file}: {why}", "name a file with the secret, or - to type it") from None


def _checked(name: str, secret: LabSecret, text: str) -> str:
    if not text:
        raise UsageError(f"--secret {name}: it is empty", "write the secret into the file")
    if not secret.fields:
        return text
    remedy = f"write it as a JSON object with {', '.join(secret.fields)}"
    try:
        value = json.loads(text)
    except ValueError:
        raise UsageError(f"--secret {name}: not JSON", remedy) from None
    values = value if isinstance(value, dict) else {}
    if missing := [each for each in secret.fields if not isinstance(values.get(each), str) or not values[each]]:
        raise UsageError(f"--secret {name}: without {', '.join(missing)}", remedy)
    return text
