"""The actions of Lambda that this cloud carries out, with their paths and parameters (API version 2015-03-31)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from coreos_lab.cloud import json_api
from coreos_lab.cloud.json_api import Action, Asked, Values
from coreos_lab.cloud.sigv4 import RefusedError, Request, pairs

INVALID, MISSING = "InvalidParameterValueException", "ValidationException"
FUNCTIONS = r"/2015-03-31/functions"
NAME = r"(?P<FunctionName>[^/]+)"
TAGS = r"/2017-03-31/tags/(?P<Resource>.+)"
ROUTES = (
    ("POST", FUNCTIONS, "CreateFunction"),
    ("GET", FUNCTIONS, "ListFunctions"),
    ("GET", f"{FUNCTIONS}/{NAME}", "GetFunction"),
    ("DELETE", f"{FUNCTIONS}/{NAME}", "DeleteFunction"),
    ("GET", f"{FUNCTIONS}/{NAME}/configuration", "GetFunctionConfiguration"),
    ("PUT", f"{FUNCTIONS}/{NAME}/configuration", "UpdateFunctionConfiguration"),
    ("PUT", f"{FUNCTIONS}/{NAME}/code", "UpdateFunctionCode"),
    ("POST", f"{FUNCTIONS}/{NAME}/invocations", "Invoke"),
    ("GET", f"{FUNCTIONS}/{NAME}/policy", "GetPolicy"),
    ("POST", f"{FUNCTIONS}/{NAME}/policy", "AddPermission"),
    ("DELETE", rf"{FUNCTIONS}/{NAME}/policy/(?P<StatementId>[^/]+)", "RemovePermission"),
    ("GET", TAGS, "ListTags"),
    ("POST", TAGS, "TagResource"),
    ("DELETE", TAGS, "UntagResource"),
)
CONFIGURATION = {
    "Runtime": str,
    "Role": str,
    "Handler": str,
    "Description": str,
    "Timeout": int,
    "MemorySize": int,
    "VpcConfig": dict,
    "Environment": dict,
}
ONE = {"FunctionName": str}
CODE = {"ZipFile": str, "S3Bucket": str, "S3Key": str}
SHAPE = {"Publish": bool, "Architectures": list}
ACTIONS = {
    "CreateFunction": Action(
        {**ONE, "Role": str, "Code": dict, "Runtime": str, "Handler": str},
        {**CONFIGURATION, **SHAPE, "PackageType": str, "Tags": dict},
    ),
    "ListFunctions": Action({}, {"Marker": str, "MaxItems": str}),
    "UpdateFunctionConfiguration": Action(ONE, {**CONFIGURATION, "RevisionId": str}),
    "UpdateFunctionCode": Action(ONE, {**CODE, **SHAPE, "RevisionId": str}),
    "Invoke": Action(ONE, {"Qualifier": str}),
    "AddPermission": Action(
        {**ONE, "StatementId": str, "Action": str, "Principal": str}, {"SourceArn": str, "SourceAccount": str}
    ),
    "RemovePermission": Action({**ONE, "StatementId": str}, {"RevisionId": str}),
    "ListTags": Action({"Resource": str}),
    "TagResource": Action({"Resource": str, "Tags": dict}),
    "UntagResource": Action({"Resource": str, "tagKeys": list}),
}
OF_ONE = Action(ONE, {"Qualifier": str})  # of the other actions
AS_IT_IS: dict[str, tuple[Any, ...]] = {
    "Publish": (False,),
    "Architectures": (["x86_64"],),
    "PackageType": ("Zip",),
    "Qualifier": ("$LATEST",),
}
PERMISSIONS = {"Invoke": "lambda:InvokeFunction"}


def read(request: Request) -> Asked:
    """What a request asks for. RefusedError names what is not part of this cloud."""
    path = request.path.rstrip("/")
    for method, pattern, action in ROUTES:
        match = re.fullmatch(pattern, path)
        if match and method == request.method:
            values = {**_query(request), **{name: unquote(value) for name, value in match.groupdict().items()}}
            if action != "Invoke":
                values = {**json_api.read(request), **values}
            require(action, values)
            permission = PERMISSIONS.get(action, f"lambda:{action}")
            return Asked(action, permission, values, request.headers, request.body)
    raise RefusedError(
        "UnsupportedOperation", f"lambda {request.method} {path}: not part of this cloud (see docs/cloud.md)"
    )


def _query(request: Request) -> Values:
    found: Values = {}
    for name, value in pairs(request.query):
        if name == "tagKeys":
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    return found


def require(action: str, values: Values) -> None:
    """RefusedError for a parameter or a value that this cloud does not carry out."""
    json_api.require(action, values, ACTIONS.get(action, OF_ONE), MISSING)
    code = values.get("Code", {})
    json_api.require(f"{action}: Code", code, Action({}, CODE), MISSING)
    if "VpcConfig" in values:
        parts = Action({}, {"SubnetIds": list, "SecurityGroupIds": list})
        given = {key: value for key, value in values["VpcConfig"].items() if value is not None}
        json_api.require(f"{action}: VpcConfig", given, parts, MISSING)
    if "Environment" in values:
        given = {key: value for key, value in values["Environment"].items() if value is not None}
        json_api.require(f"{action}: Environment", given, Action({}, {"Variables": dict}), MISSING)
    for name, value in values.items():
        if value not in AS_IT_IS.get(name, (value,)):
            raise RefusedError("UnsupportedOperation", f"{action}: {name}={value}: not part of this cloud")


def invalid(message: str) -> RefusedError:
    """The error for a parameter."""
    return RefusedError(INVALID, message)
