"""The actions of CloudWatch Logs that this cloud carries out, with the parameters of each (API version 2014-03-28)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coreos_lab.cloud import json_api
from coreos_lab.cloud.json_api import Action
from coreos_lab.cloud.sigv4 import RefusedError

INVALID = "InvalidParameterException"
GROUP, STREAM = {"logGroupName": str}, {"logGroupName": str, "logStreamName": str}
EITHER = {"logGroupName": str, "logGroupIdentifier": str}  # of which a request has one
TIMES = {"startTime": int, "endTime": int, "nextToken": str, "limit": int, "unmask": bool}
ACTIONS = {
    "CreateLogGroup": Action(GROUP, {"tags": dict, "logGroupClass": str}),
    "DeleteLogGroup": Action(GROUP),
    "DescribeLogGroups": Action(
        {}, {"logGroupNamePrefix": str, "logGroupNamePattern": str, "nextToken": str, "limit": int}
    ),
    "PutRetentionPolicy": Action({**GROUP, "retentionInDays": int}),
    "DeleteRetentionPolicy": Action(GROUP),
    "CreateLogStream": Action(STREAM),
    "DeleteLogStream": Action(STREAM),
    "DescribeLogStreams": Action(
        {},
        {**EITHER, "logStreamNamePrefix": str, "orderBy": str, "descending": bool, "nextToken": str, "limit": int},
    ),
    # The token is no longer looked at, at AWS, either.
    "PutLogEvents": Action({**STREAM, "logEvents": list}, {"sequenceToken": str}),
    "GetLogEvents": Action({"logStreamName": str}, {**EITHER, **TIMES, "startFromHead": bool}),
    "FilterLogEvents": Action(
        {},
        {
            **EITHER,
            **TIMES,
            "logStreamNames": list,
            "logStreamNamePrefix": str,
            "filterPattern": str,
            "interleaved": bool,
        },
    ),
    "TagResource": Action({"resourceArn": str, "tags": dict}),
    "UntagResource": Action({"resourceArn": str, "tagKeys": list}),
    "ListTagsForResource": Action({"resourceArn": str}),
}
# Values that would ask for more than there is.
AS_IT_IS: dict[str, tuple[Any, ...]] = {"logGroupClass": ("STANDARD",), "unmask": (False,), "interleaved": (True,)}


def require(action: str, values: Mapping[str, Any]) -> None:
    """RefusedError for an action, a parameter or a value that this cloud does not carry out."""
    if action not in ACTIONS:
        raise RefusedError("UnsupportedOperation", f"logs {action}: not part of this cloud (see docs/cloud.md)")
    json_api.require(action, values, ACTIONS[action], INVALID)
    for name, value in values.items():
        if value not in AS_IT_IS.get(name, (value,)):
            raise RefusedError("UnsupportedOperation", f"{action}: {name}={value}: not part of this cloud")


def invalid(message: str) -> RefusedError:
    """The error for a parameter."""
    return RefusedError(INVALID, message)
