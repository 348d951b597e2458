"""The type of CloudWatch's alarms. An alarm's physical id is its name, which is made from the stack's."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.formation.call import Attributes, Call, Kind, Values, name_of, true

NAME = "AlarmName"
TEXTS = (
    *("AlarmDescription", "MetricName", "Namespace", "Statistic", "ComparisonOperator", "TreatMissingData", "Unit"),
)
COUNTS = ("Period", "EvaluationPeriods", "DatapointsToAlarm")
ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
IN_PLACE = (*TEXTS, *COUNTS, *ACTIONS, "ActionsEnabled", "Dimensions", "Threshold")


def _put(call: Call, its: Values, name: str) -> tuple[str, Attributes]:
    asked: dict[str, Any] = {key: str(its[key]) for key in TEXTS if key in its}
    asked |= {key: int(its[key]) for key in COUNTS if key in its}
    asked |= {key: list(its[key]) for key in ACTIONS if key in its}
    if "ActionsEnabled" in its:
        asked["ActionsEnabled"] = true(its["ActionsEnabled"])
    if "Dimensions" in its:
        asked["Dimensions"] = [{key: str(value) for key, value in each.items()} for each in its["Dimensions"]]
    if "Threshold" in its:
        asked["Threshold"] = float(its["Threshold"])
    cloudwatch = call.client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName=name, **asked)
    return name, {"Arn": cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"]}


def _delete(call: Call, name: str, its: Values) -> None:
    own, cloudwatch = name or its.get(NAME) or name_of(call), call.client("cloudwatch")
    if cloudwatch.describe_alarms(AlarmNames=[own])["MetricAlarms"]:
        cloudwatch.delete_alarms(AlarmNames=[own])


KINDS: dict[str, Kind] = {
    "AWS::CloudWatch::Alarm": Kind(
        (NAME, *IN_PLACE),
        ("MetricName", "Namespace", "Statistic", "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator"),
        lambda call, its: _put(call, its, its.get(NAME) or name_of(call)),
        _delete,
        ("Arn",),
        in_place=IN_PLACE,
        update=lambda call, name, _old, new: _put(call, new, name),
        name=NAME,
    ),
}
