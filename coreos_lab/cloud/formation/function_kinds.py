"""The types of Lambda: functions, and the permissions to invoke them."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation import tags
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, name_of, only
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.functions import code
from coreos_lab.cloud.functions.runtimes import RUNTIMES

LONGEST = 64  # characters of a function's name
INLINE_MAX = 4 * 2**20  # characters of code in a template
CONFIGURED = ("Description", "Handler", "Role", "Runtime")  # what is passed on as it is
NUMBERS = ("MemorySize", "Timeout")
# What a function has without a word of its template.
DEFAULTS = {"Description": "", "MemorySize": 128, "Timeout": 3}


def _name(call: Call, its: Values) -> str:
    """A function's name. In one that is made from the stack's, the end tells functions apart."""
    if "FunctionName" in its:
        return str(its["FunctionName"])
    begin, _dash, random = name_of(call).rpartition("-")
    return f"{begin[: LONGEST - len(random) - 1]}-{random}"


def _configuration(its: Values) -> dict[str, Any]:
    found: dict[str, Any] = {**DEFAULTS, **{key: str(its[key]) for key in CONFIGURED if key in its}}
    found |= {key: int(its[key]) for key in NUMBERS if key in its}
    vpc = its.get("VpcConfig", {})
    parts = ("SubnetIds", "SecurityGroupIds")
    only("AWS::Lambda::Function VpcConfig", vpc, parts)
    only("AWS::Lambda::Function Environment", its.get("Environment", {}), ("Variables",))
    variables = its.get("Environment", {}).get("Variables", {})
    return {
        **found,
        "VpcConfig": {part: vpc.get(part, []) for part in parts},
        "Environment": {"Variables": {key: str(value) for key, value in variables.items()}},
    }


def _code(its: Values) -> dict[str, Any]:
    """The code as the API takes it: what stands in the template becomes a file of an archive."""
    given = its["Code"]
    only("AWS::Lambda::Function Code", given, ("ZipFile", "S3Bucket", "S3Key"))
    if "ZipFile" not in given:
        return {key: str(value) for key, value in given.items()}
    runtime = RUNTIMES.get(str(its.get("Runtime")))
    text = str(given["ZipFile"])
    if runtime is None or len(text) > INLINE_MAX:
        raise invalid(f"Code/ZipFile: is for Node and Python, and has {INLINE_MAX} characters at most")
    return {"ZipFile": code.of_text(runtime.inline, text)}


def _function(call: Call, its: Values) -> tuple[str, Attributes]:
    functions, name = call.client("lambda"), _name(call, its)
    own = {**tags.pairs(its), **dict(call.tags)}
    made = functions.create_function(FunctionName=name, Code=_code(its), Tags=own, **_configuration(its))
    _wait(call, name)
    return name, {"Arn": made["FunctionArn"]}


def _wait(call: Call, name: str) -> None:
    """Until the function can be invoked: its interfaces are in its VPC."""
    functions = call.client("lambda")
    call.wait(
        lambda: functions.get_function_configuration(FunctionName=name)["State"] == "Active", f"{name}: is not active"
    )


def _update(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    functions = call.client("lambda")
    if old["Code"] != new["Code"]:
        functions.update_function_code(FunctionName=name, **_code(new))
    functions.update_function_configuration(FunctionName=name, **_configuration(new))
    arn = functions.get_function_configuration(FunctionName=name)["FunctionArn"]
    tags.change(
        old,
        new,
        lambda fresh: functions.tag_resource(Resource=arn, Tags=fresh),
        lambda gone: functions.untag_resource(Resource=arn, TagKeys=gone),
    )
    _wait(call, name)
    return name, {}


def _delete(call: Call, name: str, its: Values) -> None:
    functions, own = call.client("lambda"), name or _name(call, its)
    if not name and "FunctionName" in its:  # one that was there before, or one whose making was interrupted
        there = functions.get_function(FunctionName=own).get("Tags", {})
        if not dict(call.tags).items() <= there.items():
            return
    functions.delete_function(FunctionName=own)


def _permission(call: Call, its: Values) -> tuple[str, Attributes]:
    name = name_of(call)
    given = {key: str(its[key]) for key in ("SourceArn", "SourceAccount") if key in its}
    call.client("lambda").add_permission(
        FunctionName=its["FunctionName"], StatementId=name, Action=its["Action"], Principal=its["Principal"], **given
    )
    return name, {"Id": name}


def _delete_permission(call: Call, name: str, its: Values) -> None:
    own = name or name_of(call)
    call.client("lambda").remove_permission(FunctionName=its["FunctionName"], StatementId=own)


KINDS = {
    "AWS::Lambda::Function": Kind(
        ("FunctionName", "Code", *CONFIGURED, *NUMBERS, "VpcConfig", "Environment", TAGS),
        ("Code", "Role", "Runtime", "Handler"),
        _function,
        _delete,
        ("Arn",),
        in_place=("Code", *CONFIGURED, *NUMBERS, "VpcConfig", "Environment", TAGS),
        update=_update,
        name="FunctionName",
    ),
    "AWS::Lambda::Permission": Kind(
        ("FunctionName", "Action", "Principal", "SourceArn", "SourceAccount"),
        ("FunctionName", "Action", "Principal"),
        _permission,
        _delete_permission,
        ("Id",),
    ),
}
