"""List the faults of 'lab break' with their parameters."""

from __future__ import annotations

import json

from coreos_lab import hints
from coreos_lab.chaos.fault import Fault
from coreos_lab.chaos.faults import FAULTS
from coreos_lab.commands.options import Json, Provider, verb
from coreos_lab.commands.table import table
from coreos_lab.node_plans import node_name
from coreos_lab.providers.choose import provider as choose

app = verb()


@app.command(help=__doc__)
def command(provider: Provider = hints.DEFAULT_PROVIDER, as_json: Json = False) -> None:
    faults(provider, as_json=as_json)


def faults(provider_name: str, *, as_json: bool) -> None:
    """Prints every fault with its parameters and its undo, and whether the provider supports it."""
    provider = choose(provider_name)
    known = [(fault, fault.is_for(provider)) for fault in FAULTS.values()]
    if as_json:
        print(json.dumps([{**_as_json(fault), "available": able} for fault, able in known], indent=2))
        return
    rows = [
        (fault.kind.value, fault.family, fault.summary if able else f"not with {provider_name}")
        for fault, able in known
    ]
    print(table(("FAULT", "FAMILY", "WHAT HAPPENS"), rows))
    print("\nParameters, given as --set NAME=VALUE:")
    parameters = [
        (fault.kind.value, parameter.name, parameter.default, parameter.help)
        for fault, _able in known
        for parameter in fault.parameters
    ]
    print(table(("FAULT", "NAME", "DEFAULT", "WHAT IT CHOOSES"), parameters))
    first = next(fault for fault, able in known if able)
    prove = hints.lab("break", node_name(2), "--fault", first.kind.value, "--verify")
    print(f"\n'{prove}' proves effect, recovery and repair.")


def _as_json(fault: Fault) -> dict[str, object]:
    return {
        "fault": fault.kind.value,
        "family": fault.family,
        "summary": fault.summary,
        "undo": fault.undone,
        "parameters": fault.parameters_as_plain,
    }
