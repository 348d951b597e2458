"""The type of CloudWatch's alarms. An alarm's physical id is its name, which the template gives, or the stack's."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation import tags
from coreos_lab.cloud.formation.call import TAGS, Attributes, Call, Kind, Values, name_of, true
from coreos_lab.cloud.formation.errors import invalid

NAME = "AlarmName"
TEXTS = (
    *("AlarmDescription", "MetricName", "Namespace", "Statistic", "ComparisonOperator", "TreatMissingData", "Unit"),
)
COUNTS = ("Period", "EvaluationPeriods", "DatapointsToAlarm")
ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
IN_PLACE = (*TEXTS, *COUNTS, *ACTIONS, "ActionsEnabled", "Dimensions", "Threshold", TAGS)


def _make(call: Call, its: Values) -> tuple[str, Attributes]:
    """PutMetricAlarm would change an alarm of that name that is there, which is somebody else's."""
    name = str(its.get(NAME) or name_of(call))
    if call.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]:
        raise invalid(f"Resource of type 'AWS::CloudWatch::Alarm' with identifier '{name}' already exists.")
    return _put(call, its, name)


def _update(call: Call, name: str, old: Values, new: Values) -> tuple[str, Attributes]:
    cloudwatch, made = call.client("cloudwatch"), _put(call, new, name)
    arn = made[1]["Arn"]
    tags.change(
        old,
        new,
        lambda fresh: cloudwatch.tag_resource(ResourceARN=arn, Tags=tags.listed(fresh)),
        lambda gone: cloudwatch.untag_resource(ResourceARN=arn, TagKeys=gone),
    )
    return made


def _put(call: Call, its: Values, name: str) -> tuple[str, Attributes]:
    """The tags are those of an alarm that is not there yet: any other keeps its own."""
    asked: dict[str, Any] = {key: str(its[key]) for key in TEXTS if key in its}
    asked |= {key: int(its[key]) for key in COUNTS if key in its}
    asked |= {key: list(its[key]) for key in ACTIONS if key in its}
    if "ActionsEnabled" in its:
        asked["ActionsEnabled"] = true(its["ActionsEnabled"])
    if "Dimensions" in its:
        asked["Dimensions"] = [{key: str(value) for key, value in each.items()} for each in its["Dimensions"]]
    if "Threshold" in its:
        asked["Threshold"] = float(its["Threshold"])
    asked["Tags"] = tags.listed({**tags.pairs(its), **dict(call.tags)})
    cloudwatch = call.client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName=name, **asked)
    return name, {"Arn": cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"]}


def _delete(call: Call, name: str, its: Values) -> None:
    own, cloudwatch = name or str(its.get(NAME) or name_of(call)), call.client("cloudwatch")
    for each in cloudwatch.describe_alarms(AlarmNames=[own])["MetricAlarms"]:
        if not name:  # one that was there before, or one whose making was interrupted
            listed = cloudwatch.list_tags_for_resource(ResourceARN=each["AlarmArn"])["Tags"]
            if not dict(call.tags).items() <= {tag["Key"]: tag["Value"] for tag in listed}.items():
                return
        cloudwatch.delete_alarms(AlarmNames=[own])


KINDS: dict[str, Kind] = {
    "AWS::CloudWatch::Alarm": Kind(
        (NAME, *IN_PLACE),
        ("MetricName", "Namespace", "Statistic", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator"),
        _make,
        _delete,
        ("Arn",),
        in_place=IN_PLACE,
        update=_update,
        name=NAME,
    ),
}
