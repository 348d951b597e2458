"""Reads the parts of a request to CloudWatch, and refuses what is not as it must be.

Values have the types that the client's protocol gives them: in the query protocol all of them are texts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from coreos_lab.cloud.monitoring.alarm import COMPARISONS, MISSING, TREATMENTS
from coreos_lab.cloud.monitoring.series import NO_UNIT, STATISTICS, Metric, Sample
from coreos_lab.cloud.sigv4 import RefusedError

Asked = dict[str, Any]
DIMENSIONS_MOST = 30
DAY, HOUR = 86400, 3600  # seconds
LATEST = 250_000_000_000  # the end of the calendar: the year 9892
SHORT = (10, 20, 30)  # seconds: the periods that are no multiple of a minute
POLICY = re.compile(
    r"arn:aws:autoscaling:[a-z0-9-]+:\d+:scalingPolicy:[0-9a-f-]+:autoScalingGroupName/.+:policyName/.+"
)


def invalid(message: str, code: str = "InvalidParameterValue") -> RefusedError:
    """The error for a request that is not as it must be."""
    return RefusedError(code, message)


def known(asked: Asked, names: Iterable[str]) -> None:
    """RefusedError for a parameter that is not carried out."""
    if unknown := sorted(key for key, value in asked.items() if key not in set(names) and value not in ("", [], None)):
        raise invalid(f"{unknown[0]}: not part of this cloud", "UnsupportedOperation")


def text(asked: Asked, key: str, default: str | None = None) -> str:
    found = asked.get(key, default)
    if not isinstance(found, str) or (not found and default is None):
        raise invalid(f"The parameter {key} is required.", "MissingParameter")
    return found


def one_of(asked: Asked, key: str, allowed: Collection[str], default: str | None = None) -> str:
    found = text(asked, key, default)
    if found not in allowed:
        raise invalid(f"{key}: {found}: must be one of {', '.join(allowed)}")
    return found


def number(asked: Asked, key: str) -> float:
    try:
        found = float(asked[key])
    except KeyError:
        raise invalid(f"The parameter {key} is required.", "MissingParameter") from None
    except (TypeError, ValueError):
        raise invalid(f"{key}: {asked[key]}: must be a number") from None
    if not math.isfinite(found):
        raise invalid(f"{key}: {asked[key]}: must be a number")
    return found


def count(asked: Asked, key: str, default: int | None = None) -> int:
    if key not in asked and default is not None:
        return default
    found = number(asked, key)
    if found < 1 or found != int(found):
        raise invalid(f"{key}: {asked[key]}: must be a number from 1")
    return int(found)


def period(asked: Asked) -> int:
    found = count(asked, "Period")
    if found not in SHORT and found % 60:
        raise invalid(f"Period: {found}: must be 10, 20, 30 or a multiple of 60")
    return found


def moment(asked: Asked, key: str, default: float | None = None) -> float:
    """Seconds since 1970."""
    found = asked.get(key, default)
    try:
        if isinstance(found, str):
            found = datetime.fromisoformat(found)
        if isinstance(found, datetime):
            found = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        seconds = float(found)  # type: ignore[arg-type]
    except (OverflowError, TypeError, ValueError):
        raise invalid(f"{key}: {found}: must be a time") from None
    if not 0 <= seconds < LATEST:
        raise invalid(f"{key}: {found}: must be a time")
    return seconds


def flag(asked: Asked, key: str, default: bool) -> bool:
    return str(asked.get(key, default)).lower() == "true"


def texts(asked: Asked, key: str) -> list[str]:
    found = asked.get(key) or []
    if not isinstance(found, list):
        raise invalid(f"{key}: must be a list")
    return [str(each) for each in found]


def structures(asked: Asked, key: str) -> list[Asked]:
    found = asked.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise invalid(f"{key}: must be a list of structures")
    return found


def tags(asked: Asked) -> dict[str, str]:
    return {text(each, "Key"): text(each, "Value", "") for each in structures(asked, "Tags")}


def dimensions(asked: Asked) -> tuple[tuple[str, str], ...]:
    listed = structures(asked, "Dimensions")
    if len(listed) > DIMENSIONS_MOST:
        raise invalid(f"Dimensions: {len(listed)}: must be {DIMENSIONS_MOST} at most")
    return tuple(sorted((text(each, "Name"), text(each, "Value")) for each in listed))


def metric(asked: Asked) -> Metric:
    return Metric(text(asked, "Namespace"), text(asked, "MetricName"), dimensions(asked))


def samples(asked: Asked, now: float) -> list[Sample]:
    """A datum of PutMetricData: one value, several with their counts, or their statistics."""
    when = moment(asked, "Timestamp", now)
    unit = str(asked.get("Unit") or NO_UNIT)
    given = [key for key in ("Value", "Values", "StatisticValues") if key in asked]
    if len(given) != 1:
        raise invalid(f"{asked.get('MetricName')}: exactly one of Value, Values and StatisticValues is needed")
    if given == ["Value"]:
        return [Sample.of(number(asked, "Value"), when, unit)]
    if given == ["StatisticValues"]:
        named = asked["StatisticValues"]
        sets, total, least, most = (number(named, key) for key in ("SampleCount", "Sum", "Minimum", "Maximum"))
        if sets <= 0:
            raise invalid("SampleCount: must be more than 0")
        return [Sample(when, sets, total, least, most, unit)]
    values, counts = asked["Values"], asked.get("Counts") or [1] * len(asked["Values"])
    if len(values) != len(counts):
        raise invalid("Counts: must be as many as Values")
    pairs = [
        (number({"Values": value}, "Values"), number({"Counts": each}, "Counts"))
        for value, each in zip(values, counts, strict=True)
    ]
    return [Sample(when, each, value * each, value, value, unit) for value, each in pairs if each > 0]


def actions(asked: Asked, key: str) -> list[str]:
    """The ARNs of scaling policies; other actions are not part of this cloud."""
    found = texts(asked, key)
    for each in found:
        if not POLICY.fullmatch(each):
            message = f"{key}: {each}: this cloud's alarms execute scaling policies, by their ARNs"
            raise invalid(message, "ValidationError")
    return found


def alarm(asked: Asked) -> Asked:
    """What PutMetricAlarm says, as the fields of an Alarm."""
    periods = count(asked, "EvaluationPeriods")
    needed = count(asked, "DatapointsToAlarm", periods)
    if needed > periods:
        raise invalid(f"DatapointsToAlarm: {needed}: must be at most EvaluationPeriods, {periods}")
    its, most = period(asked), 7 * DAY if period(asked) >= HOUR else DAY
    if periods * its > most:
        raise invalid(
            f"Metrics cannot be checked across more than {most} s (EvaluationPeriods * Period)", "ValidationError"
        )
    return {
        "namespace": text(asked, "Namespace"),
        "metric": text(asked, "MetricName"),
        "dimensions": [list(each) for each in dimensions(asked)],
        "statistic": one_of(asked, "Statistic", STATISTICS),
        "period": its,
        "periods": periods,
        "needed": needed,
        "threshold": number(asked, "Threshold"),
        "comparison": one_of(asked, "ComparisonOperator", COMPARISONS),
        "unit": text(asked, "Unit", ""),
        "treatment": one_of(asked, "TreatMissingData", TREATMENTS, MISSING),
        "description": text(asked, "AlarmDescription", ""),
        "enabled": flag(asked, "ActionsEnabled", default=True),
        "actions": {
            "OK": actions(asked, "OKActions"),
            "ALARM": actions(asked, "AlarmActions"),
            "INSUFFICIENT_DATA": actions(asked, "InsufficientDataActions"),
        },
    }
