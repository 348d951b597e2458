"""CloudWatch's API: metrics and alarms of one cloud.

One long module because the operations of an API share its state; what they compute lies beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coreos_lab.cloud import query
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.monitoring import asked_for, shown, wire
from coreos_lab.cloud.monitoring.alarm import STATES, Alarm, Kept
from coreos_lab.cloud.monitoring.asked_for import Asked
from coreos_lab.cloud.monitoring.keeper import Keeper
from coreos_lab.cloud.monitoring.series import STATISTICS, Series, by_period
from coreos_lab.cloud.s3.answer import Reply
from coreos_lab.cloud.services import require_action
from coreos_lab.cloud.sigv4 import Request
from coreos_lab.model import Cloud

WATCHED = ("Namespace", "MetricName", "Dimensions", "Period", "Unit")
ALARM = (
    *("AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions"),
    *(*WATCHED, "Statistic", "EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator"),
    "TreatMissingData",
)
DATUM = (
    "MetricName",
    "Dimensions",
    "Timestamp",
    "Value",
    "Values",
    "Counts",
    "StatisticValues",
    "Unit",
    "StorageResolution",
)
# The parameters that each action carries out.
ACTIONS = {
    "PutMetricData": ("Namespace", "MetricData"),
    "GetMetricStatistics": (*WATCHED, "StartTime", "EndTime", "Statistics"),
    "ListMetrics": ("Namespace", "MetricName", "Dimensions"),
    "PutMetricAlarm": (*ALARM, "Tags"),
    "DescribeAlarms": ("AlarmNames", "AlarmNamePrefix", "AlarmTypes", "StateValue", "ActionPrefix"),
    "DescribeAlarmsForMetric": ("Namespace", "MetricName", "Dimensions"),
    "DescribeAlarmHistory": ("AlarmName", "AlarmTypes", "HistoryItemType", "MaxRecords", "ScanBy"),
    "SetAlarmState": ("AlarmName", "StateValue", "StateReason"),
    "EnableAlarmActions": ("AlarmNames",),
    "DisableAlarmActions": ("AlarmNames",),
    "DeleteAlarms": ("AlarmNames",),
    "ListTagsForResource": ("ResourceARN",),
    "TagResource": ("ResourceARN", "Tags"),
    "UntagResource": ("ResourceARN", "TagKeys"),
}
DATAPOINTS_MOST = 1440
KINDS = ("ConfigurationUpdate", "StateUpdate", "Action")


class Monitoring:
    """The metrics and alarms of one cloud. `client` returns boto3's client for a service."""

    def __init__(self, cloud: Cloud, folder: Path, client: Callable[[str], Any], say: Callable[[str], None]) -> None:
        self.cloud, self.client = cloud, client
        self.series = Series(folder / "metrics.sqlite")
        self.kept = Kept.load(folder / "alarms.json")
        self.keeper = Keeper(self.kept, self.series, client, say)

    def read(self, request: Request) -> wire.Asked:
        """What a request asks for. RefusedError names what is not part of this cloud."""
        asked = wire.read(request)
        require_action(wire.PERMISSION, asked.action, ACTIONS)
        asked_for.known(asked.values, ACTIONS[asked.action])
        return asked

    def call(self, asked: wire.Asked) -> Reply:
        """Carries a request out. RefusedError says why not."""
        return wire.answer(asked, getattr(self, query.method(asked.action))(asked.values))

    def acting(self, action: str) -> list[Asked]:
        """Name and ARN of each alarm that has an action."""
        return [
            {"AlarmName": each.name, "AlarmARN": each.arn}
            for each in list(self.kept.alarms.values())
            if any(action in arns for arns in each.actions.values())
        ]

    def _put_metric_data(self, asked: Asked) -> Asked:
        namespace, now = asked_for.text(asked, "Namespace"), time.time()
        if namespace.startswith("AWS/"):
            raise asked_for.invalid(f"Namespace: {namespace}: AWS's own begin with AWS/")
        taken = []
        for each in asked_for.structures(asked, "MetricData"):
            asked_for.known(each, DATUM)
            taken.append((asked_for.metric({**each, "Namespace": namespace}), asked_for.samples(each, now)))
        for metric, samples in taken:  # all or nothing
            self.series.add(metric, samples)
        return {}

    def _get_metric_statistics(self, asked: Asked) -> Asked:
        metric, period = asked_for.metric(asked), asked_for.period(asked)
        begin, end = asked_for.moment(asked, "StartTime"), asked_for.moment(asked, "EndTime")
        wanted = asked_for.texts(asked, "Statistics")
        if not wanted or not set(wanted) <= set(STATISTICS):
            raise asked_for.invalid(f"Statistics: must be some of {', '.join(STATISTICS)}")
        if end <= begin:
            raise asked_for.invalid("StartTime: must be before EndTime", "InvalidParameterCombination")
        if (end - begin) / period > DATAPOINTS_MOST:
            message = f"{(end - begin) / period:.0f} datapoints, of {DATAPOINTS_MOST} at most: use a longer period"
            raise asked_for.invalid(message, "InvalidParameterCombination")
        found = by_period(self.series.read(metric, begin // period * period, end, str(asked.get("Unit") or "")), period)
        rows = [
            {"Timestamp": shown.when(each.moment), "Unit": each.unit, **{key: each.value(key) for key in wanted}}
            for each in found
        ]
        return {"Label": metric.name, "Datapoints": rows}

    def _list_metrics(self, asked: Asked) -> Asked:
        filters = {
            asked_for.text(each, "Name"): each.get("Value") for each in asked_for.structures(asked, "Dimensions")
        }
        listed = self.series.metrics(str(asked.get("Namespace", "")), str(asked.get("MetricName", "")), filters)
        rows = [
            {
                "Namespace": each.namespace,
                "MetricName": each.name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in each.dimensions],
            }
            for each in listed
        ]
        return {"Metrics": rows}

    def _put_metric_alarm(self, asked: Asked) -> Asked:
        """An alarm that is there keeps its tags, as at AWS."""
        name, now = asked_for.text(asked, "AlarmName"), time.time()
        fields, tags = asked_for.alarm(asked), asked_for.tags(asked)
        self._require_policies({arn for actions in fields["actions"].values() for arn in actions})
        with self.keeper.lock:
            alarm = self.kept.alarms.get(name)
            if alarm is None:
                arn = f"arn:aws:cloudwatch:{self.cloud.region}:{ACCOUNT}:alarm:{name}"
                alarm = self.kept.alarms[name] = Alarm(name, arn, **fields, tags=tags)
                alarm.note(now, KINDS[0], f'Alarm "{name}" created')
            else:
                for key, value in fields.items():
                    setattr(alarm, key, value)
                alarm.note(now, KINDS[0], f'Alarm "{name}" updated')
            alarm.updated, alarm.judged = now, 0.0
            self.kept.save()
        return {}

    def _require_policies(self, arns: set[str]) -> None:
        """RefusedError for an action that is no policy of a group."""
        if arns:
            listed = self.client("autoscaling").describe_policies(PolicyNames=sorted(arns))["ScalingPolicies"]
            if gone := sorted(arns - {each["PolicyARN"] for each in listed}):
                raise asked_for.invalid(f"{gone[0]}: no such scaling policy", "ValidationError")

    def _describe_alarms(self, asked: Asked) -> Asked:
        names, prefix = asked_for.texts(asked, "AlarmNames"), str(asked.get("AlarmNamePrefix", ""))
        state, action = str(asked.get("StateValue", "")), str(asked.get("ActionPrefix", ""))
        with self.keeper.lock:
            found = [
                shown.alarm(each)
                for each in self.kept.alarms.values()
                if (not names or each.name in names)
                and each.name.startswith(prefix)
                and state in ("", each.state)
                and (not action or any(arn.startswith(action) for arns in each.actions.values() for arn in arns))
            ]
        metric = "MetricAlarm" in (asked.get("AlarmTypes") or ["MetricAlarm"])
        return {"MetricAlarms": found if metric else [], "CompositeAlarms": []}

    def _describe_alarms_for_metric(self, asked: Asked) -> Asked:
        metric = asked_for.metric(asked)
        with self.keeper.lock:
            return {"MetricAlarms": [shown.alarm(each) for each in self.kept.alarms.values() if each.watched == metric]}

    def _describe_alarm_history(self, asked: Asked) -> Asked:
        name, kind = str(asked.get("AlarmName", "")), str(asked.get("HistoryItemType", ""))
        with self.keeper.lock:
            rows: list[Asked] = [
                shown.event(alarm, each)
                for alarm in self.kept.alarms.values()
                if name in ("", alarm.name)
                for each in alarm.history
                if kind in ("", each.kind)
            ]
        rows.sort(key=lambda row: row["Timestamp"], reverse=asked.get("ScanBy") != "TimestampAscending")
        return {"AlarmHistoryItems": rows[: asked_for.count(asked, "MaxRecords", 100)]}

    def _set_alarm_state(self, asked: Asked) -> Asked:
        """Until the alarm is judged again."""
        state = asked_for.one_of(asked, "StateValue", STATES)
        said = asked_for.text(asked, "StateReason")
        with self.keeper.lock:
            alarm = self._require(asked_for.text(asked, "AlarmName"))
            self.keeper.become(alarm, state, said, time.time())
            alarm.judged = time.time()  # its actions come before the next judgement
            self.kept.save()
        return {}

    def _enable_alarm_actions(self, asked: Asked) -> Asked:
        return self._switch(asked, on=True)

    def _disable_alarm_actions(self, asked: Asked) -> Asked:
        return self._switch(asked, on=False)

    def _switch(self, asked: Asked, *, on: bool) -> Asked:
        with self.keeper.lock:
            for name in asked_for.texts(asked, "AlarmNames"):
                if name in self.kept.alarms:
                    self.kept.alarms[name].enabled = on
            self.kept.save()
        return {}

    def _delete_alarms(self, asked: Asked) -> Asked:
        names = asked_for.texts(asked, "AlarmNames")
        with self.keeper.lock:
            for each in names:
                self._require(each)
            for each in names:
                self.kept.alarms.pop(each, None)
            self.kept.save()
        return {}

    def _list_tags_for_resource(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            return {"Tags": [{"Key": key, "Value": value} for key, value in self._tagged(asked).tags.items()]}

    def _tag_resource(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            self._tagged(asked).tags |= asked_for.tags(asked)
            self.kept.save()
        return {}

    def _untag_resource(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            alarm = self._tagged(asked)
            for key in asked_for.texts(asked, "TagKeys"):
                alarm.tags.pop(key, None)
            self.kept.save()
        return {}

    def _tagged(self, asked: Asked) -> Alarm:
        """The alarm whose tags a request is about."""
        arn = asked_for.text(asked, "ResourceARN")
        found = next((each for each in self.kept.alarms.values() if each.arn == arn), None)
        if found is None:
            raise asked_for.invalid(f"{arn}: no such alarm", "ResourceNotFoundException")
        return found

    def _require(self, name: str) -> Alarm:
        if name not in self.kept.alarms:
            raise asked_for.invalid(f"{name}: no such alarm", "ResourceNotFound")
        return self.kept.alarms[name]
