"""The type of CloudWatch's log groups. A group's physical id is its name, which is made from the stack's."""

from __future__ import annotations

from coreos_lab.cloud.formation.call import Attributes, Call, Kind, Values, name_of

NAME, DAYS = "LogGroupName", "RetentionInDays"


def _retain(call: Call, name: str, its: Values) -> tuple[str, Attributes]:
    """Without a number of days, events are kept for ever."""
    logs = call.client("logs")
    if DAYS in its:
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(its[DAYS]))
    else:
        logs.delete_retention_policy(logGroupName=name)
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    arns = [each["arn"] for each in found if each["logGroupName"] == name]
    return name, {"Arn": arns[0]}


def _make(call: Call, its: Values) -> tuple[str, Attributes]:
    name = its.get(NAME) or name_of(call)
    call.client("logs").create_log_group(logGroupName=name)
    return _retain(call, name, its)


def _delete(call: Call, name: str, its: Values) -> None:
    call.client("logs").delete_log_group(logGroupName=name or its.get(NAME) or name_of(call))


KINDS: dict[str, Kind] = {
    "AWS::Logs::LogGroup": Kind(
        (NAME, DAYS),
        (),
        _make,
        _delete,
        ("Arn",),
        in_place=(DAYS,),
        update=lambda call, name, _old, new: _retain(call, name, new),
        name=NAME,
    ),
}
