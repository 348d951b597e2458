"""What a template comes to with its parameters: which resources, in which order, and whether all names are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from coreos_lab.cloud.formation import intrinsics, kinds, parameters
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.intrinsics import NO_VALUE, PSEUDO, Scope
from coreos_lab.cloud.formation.template import Resource, Template


def wanted(template: Template, scope: Scope) -> dict[str, Resource]:
    """The resources whose condition holds. RefusedError for a name that is not there, a type, a property, a cycle."""
    for name, value in template.resources.items():
        if value.condition and value.condition not in template.conditions:
            raise invalid(f"Template format error: Unresolved condition dependency {value.condition} ({name})")
        kinds.check(name, value.type, value.properties)
        kinds.check_policies(value)
    _check_names(template)
    found = {
        name: each
        for name, each in template.resources.items()
        if not each.condition or intrinsics.holds({"Condition": each.condition}, scope)
    }
    try:
        TopologicalSorter(needs(found)).prepare()
    except CycleError as error:
        cycle = ", ".join(sorted(set(error.args[1])))
        raise invalid(f"Circular dependency between resources: [{cycle}]") from None
    return found


def _check_names(template: Template) -> None:
    known = {*template.resources, *template.parameters}
    for section, values in (("Resources", template.resources), ("Outputs", template.outputs)):
        used: set[str] = set()
        for each in values.values():
            used |= set(intrinsics.names_in(each.properties if isinstance(each, Resource) else each))
            used |= set(each.depends_on if isinstance(each, Resource) else ())
        strange = sorted(
            name for name in used - known if not (name.startswith("AWS::") and name.removeprefix("AWS::") in PSEUDO)
        )
        if strange:
            raise invalid(
                f"Template format error: Unresolved resource dependencies [{', '.join(strange)}] "
                f"in the {section} block of the template"
            )


def needs(resources: Mapping[str, Resource]) -> dict[str, set[str]]:
    """For each resource the others that must be there before it."""
    return {
        name: {*intrinsics.names_in(each.properties), *each.depends_on} & set(resources)
        for name, each in resources.items()
    }


def imports(template: Template, resources: Iterable[str], scope: Scope) -> list[str]:
    """The names of the exports that resources and outputs need."""
    parts = [template.resources[name].properties for name in resources]
    parts += [
        each
        for each in template.outputs.values()
        if "Condition" not in each or intrinsics.holds({"Condition": each["Condition"]}, scope)
    ]
    found = (intrinsics.resolve(argument, scope) for part in parts for argument in intrinsics.imports_in(part))
    return sorted({str(each) for each in found})


def outputs(template: Template, scope: Scope) -> list[dict[str, str]]:
    """The outputs whose condition holds, as describe-stacks shows them."""
    found = []
    for key, output in template.outputs.items():
        condition = output.get("Condition")
        if condition and not intrinsics.holds({"Condition": condition}, scope):
            continue
        shown = {"OutputKey": str(key), "OutputValue": str(intrinsics.resolve(output["Value"], scope))}
        if "Description" in output:
            shown["Description"] = str(output["Description"])
        if "Export" in output:
            shown["ExportName"] = str(intrinsics.resolve(output["Export"]["Name"], scope))
        found.append(shown)
    return found


def scope(
    template: Template,
    values: Mapping[str, str],
    pseudo: Mapping[str, str],
    zones: Iterable[str],
    made: Callable[[str], tuple[str, str, Mapping[str, str]] | None],
    imported: Callable[[str], str],
) -> Scope:
    """What names mean in a template.

    `made` returns a resource's type, physical id and attributes, `imported` the value of another stack's export.
    """

    def ref(name: str) -> Any:
        if name.startswith("AWS::"):
            short = name.removeprefix("AWS::")
            if short == "NoValue":
                return NO_VALUE
            if short not in pseudo:
                raise invalid(f"Template error: {name}: not part of this cloud")
            return pseudo[short]
        if name in template.parameters:
            return parameters.value(template.parameters, values, name)
        return of(name)[1]

    def attribute(name: str, wanted: str) -> str:
        type_, _physical, attributes = of(name)
        if str(wanted) not in attributes:
            raise invalid(f"Template error: resource {name} ({type_}) does not support attribute type {wanted}")
        return attributes[wanted]

    def of(name: str) -> tuple[str, str, Mapping[str, str]]:
        found = made(name)
        if found is None:
            raise invalid(f"Template error: resource {name} is not there, as its condition does not hold")
        return found

    return Scope(ref, attribute, template.mappings, template.conditions, tuple(zones), imported)
