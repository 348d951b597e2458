"""Unit names: shortened ones, and the files of instances."""

from __future__ import annotations

TYPES = ("service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope")


def full(name: str) -> str:
    """The whole name of a unit: a service where it ends in no type, as for systemctl and fleetctl.

    Not every dot begins a type: `app-v1.0` is `app-v1.0.service`.
    """
    return name if name.rpartition(".")[2] in TYPES and "." in name else f"{name}.service"


def file_of(name: str) -> str:
    """The name of a unit's file: `web@.service` for the instance `web@1.service`, else the unit's own name."""
    stem, _dot, kind = name.rpartition(".")
    prefix, at, _instance = stem.partition("@")
    return f"{prefix}@.{kind}" if at else name
