"""The type of CloudWatch Logs: groups."""

from __future__ import annotations

from coreos_lab.cloud.formation import tags
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, name_of

RETENTION = "RetentionInDays"


def _group(call: Call, its: Values) -> tuple[str, Attributes]:
    logs, name = call.client("logs"), str(its.get("LogGroupName") or name_of(call))
    logs.create_log_group(logGroupName=name, tags={**tags.pairs(its), **dict(call.tags)})
    if RETENTION in its:
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(its[RETENTION]))
    return name, {"Arn": _arn(call, name)}


def _arn(call: Call, name: str) -> str:
    listed = call.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return next(str(each["arn"]) for each in listed if each["logGroupName"] == name)


def _update(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    logs = call.client("logs")
    if RETENTION in new:
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(new[RETENTION]))
    else:
        logs.delete_retention_policy(logGroupName=name)
    arn = _arn(call, name).removesuffix(":*")
    tags.change(
        old,
        new,
        lambda fresh: logs.tag_resource(resourceArn=arn, tags=fresh),
        lambda gone: logs.untag_resource(resourceArn=arn, tagKeys=gone),
    )
    return name, {}


def _delete(call: Call, name: str, its: Values) -> None:
    logs, own = call.client("logs"), name or str(its.get("LogGroupName") or name_of(call))
    if not name and "LogGroupName" in its:  # one that was there before, or one whose making was interrupted
        listed = logs.describe_log_groups(logGroupNamePrefix=own)["logGroups"]
        arns = [each["logGroupArn"] for each in listed if each["logGroupName"] == own]
        there = logs.list_tags_for_resource(resourceArn=arns[0])["tags"] if arns else {}
        if not dict(call.tags).items() <= there.items():
            return
    logs.delete_log_group(logGroupName=own)


KINDS = {
    "AWS::Logs::LogGroup": Kind(
        ("LogGroupName", RETENTION, TAGS),
        (),
        _group,
        _delete,
        ("Arn",),
        in_place=(RETENTION, TAGS),
        update=_update,
        name="LogGroupName",
    ),
}
