"""Sizes and durations as people write them: `1G`, `512M`, `30s`, `2m`."""

from __future__ import annotations

import math
import re

from coreos_lab.errors import UsageError

_SIZES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_DURATIONS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def size(text: str, what: str) -> int:
    """Bytes of a size such as `1G` or `512MiB`; binary units. UsageError that names `what` for any other text."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    found = float(match[1]) * _SIZES[match[2].upper()] if match else math.inf
    if found == math.inf:  # also of some hundred digits
        raise UsageError(f"{what}: {text!r} is not a size", "write it as 512M or 1G")
    return int(found)


def duration(text: str, what: str) -> float:
    """Seconds of a duration such as `30s`, `1.5m` or `2m30s`. UsageError that names `what` for any other text."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text.strip())
    found = sum(float(number) * _DURATIONS[unit] for number, unit in parts)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip() or found == math.inf:
        raise UsageError(f"{what}: {text!r} is not a duration", "write it as 500ms, 30s or 2m")
    return found


def as_size(value: float) -> str:
    """Bytes as text: `512 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:  # noqa: PLR2004 - a KiB
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:.3g} TiB"
