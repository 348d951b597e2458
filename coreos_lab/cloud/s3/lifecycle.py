"""Lifecycle rules: what a bucket may be told, and which objects and uploads have had their time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from xml.etree.ElementTree import Element

from coreos_lab.cloud import query
from coreos_lab.cloud.s3.answer import malformed, missing
from coreos_lab.cloud.sigv4 import RefusedError

Rule = dict[str, Any]
STATES = ("Enabled", "Disabled")
RULES_MAX = 1000
DAY = timedelta(days=1)
# The elements of a rule and those in them.
PARTS = {
    "ID": (),
    "Status": (),
    "Prefix": (),
    "Filter": ("Prefix",),
    "Expiration": ("Days", "Date"),
    "AbortIncompleteMultipartUpload": ("DaysAfterInitiation",),
}


def rules(root: Element) -> list[Rule]:
    """The rules of a configuration. RefusedError for a part that is not there, or a rule that says nothing."""
    found = [_rule(each) for each in root.findall("Rule")]
    if not 1 <= len(found) <= RULES_MAX:
        raise malformed(f"a configuration has 1 to {RULES_MAX} rules")
    names = [each["ID"] for each in found]
    if len(set(names)) < len(names):
        raise RefusedError("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
    return found


def _rule(element: Element) -> Rule:
    for part in element:
        inner = [each.tag for each in part]
        if part.tag not in PARTS or (unknown := set(inner) - set(PARTS[part.tag])):
            name = part.tag if part.tag not in PARTS else f"{part.tag}/{min(unknown)}"
            raise missing(f"lifecycle rule: {name}")
    if element.findtext("Status") not in STATES:
        raise malformed("Status is Enabled or Disabled")
    if element.find("Prefix") is None and element.find("Filter") is None:
        raise malformed("a rule has a Filter or a Prefix")
    rule: Rule = {
        "ID": element.findtext("ID") or str(uuid4()),
        "Status": element.findtext("Status"),
        "Prefix": element.findtext("Filter/Prefix") or element.findtext("Prefix") or "",
    }
    if element.find("Filter") is not None:
        rule["Filter"] = True
    for name, path in (("Days", "Expiration/Days"), ("Abort", "AbortIncompleteMultipartUpload/DaysAfterInitiation")):
        text = element.findtext(path)
        if text is not None:
            if not query.is_number(text) or int(text) < 1:
                raise RefusedError("InvalidArgument", f"'{path}' must be a positive integer")
            rule[name] = int(text)
    if (date := element.findtext("Expiration/Date")) is not None:
        rule["Date"] = _midnight(date)
    if ("Days" in rule) == ("Date" in rule) and not ("Abort" in rule and "Days" not in rule):
        raise malformed("a rule has an Expiration with Days or a Date, or AbortIncompleteMultipartUpload")
    return rule


def _midnight(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise malformed(f"not a date: {text}") from None
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    if moment.astimezone(UTC).time() != datetime.min.time():
        raise RefusedError("InvalidArgument", "'Date' must be at midnight GMT")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT00:00:00.000Z")


def shown(found: list[Rule]) -> dict[str, Any]:
    """Rules as the elements of an answer."""
    listed = []
    for rule in found:
        place = {"Filter": {"Prefix": rule["Prefix"]}} if rule.get("Filter") else {"Prefix": rule["Prefix"]}
        each: dict[str, Any] = {"ID": rule["ID"], "Status": rule["Status"], **place}
        if end := {name: rule[name] for name in ("Days", "Date") if name in rule}:
            each["Expiration"] = end
        if "Abort" in rule:
            each["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": rule["Abort"]}
        listed.append(each)
    return {"Rule": listed}


def end_of(found: list[Rule], key: str, modified: float) -> tuple[datetime, str] | None:
    """When an object expires, and by which rule: at the midnight (UTC) that follows its last day."""
    ends = [
        (_after(modified, rule["Days"]) if "Days" in rule else datetime.fromisoformat(rule["Date"]), str(rule["ID"]))
        for rule in _those_for(found, key)
        if "Days" in rule or "Date" in rule
    ]
    return min(ends, default=None)


def end_of_upload(found: list[Rule], key: str, begun: float) -> datetime | None:
    """When an upload that is not completed is given up."""
    return min((_after(begun, rule["Abort"]) for rule in _those_for(found, key) if "Abort" in rule), default=None)


def _those_for(found: list[Rule], key: str) -> list[Rule]:
    return [rule for rule in found if rule["Status"] == "Enabled" and key.startswith(rule["Prefix"])]


def _after(moment: float, days: int) -> datetime:
    end = datetime.fromtimestamp(moment, UTC) + timedelta(days=days)
    midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == end else midnight + DAY
