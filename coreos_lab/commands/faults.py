"""lab faults: what `lab break` can do."""

from __future__ import annotations

import json

from coreos_lab.chaos.fault import Fault
from coreos_lab.chaos.faults import FAULTS
from coreos_lab.commands.table import table
from coreos_lab.providers.choose import provider as choose


def faults(provider_name: str, *, as_json: bool) -> None:
    """Prints every fault with its parameters and its undo, and whether the provider can."""
    provider = choose(provider_name)
    found = [(fault, fault.is_for(provider)) for fault in FAULTS.values()]
    if as_json:
        print(json.dumps([{**_as_json(fault), "available": able} for fault, able in found], indent=2))
        return
    rows = [
        (fault.kind.value, fault.family, fault.summary if able else f"not with {provider_name}")
        for fault, able in found
    ]
    print(table(("FAULT", "FAMILY", "WHAT HAPPENS"), rows))
    print("\nParameters, given as --set NAME=VALUE:")
    chosen = [
        (fault.kind.value, parameter.name, parameter.default, parameter.help)
        for fault, _able in found
        for parameter in fault.parameters
    ]
    print(table(("FAULT", "NAME", "DEFAULT", "WHAT IT CHOOSES"), chosen))
    print("\n'lab break NODE --fault FAULT --verify' proves effect, recovery and repair.")


def _as_json(fault: Fault) -> dict[str, object]:
    return {
        "fault": fault.kind.value,
        "family": fault.family,
        "summary": fault.summary,
        "undo": fault.undone,
        "parameters": [
            {"name": each.name, "default": each.default, "help": each.help, "form": each.form}
            for each in fault.parameters
        ],
    }
