"""Alarms and what happened to them, as the API shows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from coreos_lab.cloud.monitoring.alarm import Alarm, Event
from coreos_lab.cloud.monitoring.asked_for import Asked


def when(moment: float) -> datetime:
    """A moment, given in seconds since the epoch."""
    return datetime.fromtimestamp(moment, UTC)


def event(its: Alarm, one: Event) -> Asked:
    """An item of an alarm's history."""
    return {
        "AlarmName": its.name,
        "AlarmType": "MetricAlarm",
        "Timestamp": when(one.moment),
        "HistoryItemType": one.kind,
        "HistorySummary": one.summary,
        "HistoryData": json.dumps(one.data),
    }


def alarm(one: Alarm) -> Asked:
    """An alarm."""
    said = {"AlarmDescription": one.description, "Unit": one.unit, "TreatMissingData": one.treatment}
    return {
        "AlarmName": one.name,
        "AlarmArn": one.arn,
        **{key: value for key, value in said.items() if value},
        "AlarmConfigurationUpdatedTimestamp": when(one.updated),
        "ActionsEnabled": one.enabled,
        "OKActions": one.actions["OK"],
        "AlarmActions": one.actions["ALARM"],
        "InsufficientDataActions": one.actions["INSUFFICIENT_DATA"],
        "StateValue": one.state,
        "StateReason": one.reason,
        "StateUpdatedTimestamp": when(one.since or one.updated),
        "MetricName": one.metric,
        "Namespace": one.namespace,
        "Statistic": one.statistic,
        "Dimensions": [{"Name": key, "Value": value} for key, value in one.dimensions],
        "Period": one.period,
        "EvaluationPeriods": one.periods,
        "DatapointsToAlarm": one.needed,
        "Threshold": one.threshold,
        "ComparisonOperator": one.comparison,
    }
