"""Groups and streams of CloudWatch Logs."""

from __future__ import annotations

from typing import Any

from coreos_lab.cloud.json_api import Values
from coreos_lab.cloud.json_api import invalid as wrong
from coreos_lab.cloud.logs import names
from coreos_lab.cloud.logs.actions import INVALID, invalid
from coreos_lab.cloud.logs.shelf import Group, Shelf, Stream

RETENTIONS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
ORDERS = ("LogStreamName", "LastEventTime")
TAGS_MAX = 50


class Groups:
    """The actions about groups, their tags and their streams."""

    def __init__(self, region: str, shelf: Shelf) -> None:
        self.region, self.shelf = region, shelf

    def create_log_group(self, asked: Values) -> None:
        tags = _tags(asked.get("tags", {}))
        self.shelf.make_group(Group(names.group(asked["logGroupName"]), names.now(), tags=tags))

    def delete_log_group(self, asked: Values) -> None:
        self.shelf.delete_group(asked["logGroupName"])

    def describe_log_groups(self, asked: Values) -> Values:
        begin, part = asked.get("logGroupNamePrefix", ""), asked.get("logGroupNamePattern", "")
        if begin and part:
            raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
        found = [each for each in self.shelf.groups() if each.name.startswith(begin) and part in each.name]
        listed, more = names.page(found, asked, lambda each: each.name)
        return {"logGroups": [self._shown(each) for each in listed], **more}

    def _shown(self, each: Group) -> Values:
        arn = names.arn(self.region, each.name)
        kept = {"retentionInDays": each.retention} if each.retention else {}
        return {
            "logGroupName": each.name,
            "creationTime": each.created,
            **kept,
            "metricFilterCount": 0,
            "arn": f"{arn}:*",
            "storedBytes": each.size,
            "logGroupClass": "STANDARD",
            "logGroupArn": arn,
        }

    def put_retention_policy(self, asked: Values) -> None:
        days = asked["retentionInDays"]
        if days not in RETENTIONS:
            known = ", ".join(map(str, RETENTIONS))
            raise wrong(INVALID, "retentionInDays", days, f"Member must satisfy enum value set: [{known}]")
        self.shelf.change_group(asked["logGroupName"], retention=days)

    def delete_retention_policy(self, asked: Values) -> None:
        self.shelf.change_group(asked["logGroupName"], retention=0)

    def tag_resource(self, asked: Values) -> None:
        with self.shelf.change():  # of two requests at once, neither takes the other's tags away
            group = self.shelf.group(names.of_arn(asked["resourceArn"]))
            self.shelf.change_group(group.name, tags=_tags({**group.tags, **asked["tags"]}))

    def untag_resource(self, asked: Values) -> None:
        with self.shelf.change():
            group = self.shelf.group(names.of_arn(asked["resourceArn"]))
            left = {key: value for key, value in group.tags.items() if key not in asked["tagKeys"]}
            self.shelf.change_group(group.name, tags=left)

    def list_tags_for_resource(self, asked: Values) -> Values:
        return {"tags": self.shelf.group(names.of_arn(asked["resourceArn"])).tags}

    def create_log_stream(self, asked: Values) -> None:
        self.shelf.make_stream(asked["logGroupName"], names.stream(asked["logStreamName"]), names.now())

    def delete_log_stream(self, asked: Values) -> None:
        self.shelf.delete_stream(asked["logGroupName"], asked["logStreamName"])

    def describe_log_streams(self, asked: Values) -> Values:
        group, order = names.of_group(asked), asked.get("orderBy", ORDERS[0])
        self.shelf.group(group)
        if order not in ORDERS:
            raise wrong(INVALID, "orderBy", order, f"Member must satisfy enum value set: [{', '.join(ORDERS)}]")
        begin, by_time = asked.get("logStreamNamePrefix", ""), order == ORDERS[1]
        if begin and by_time:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        found = [each for each in self.shelf.streams(group) if each.name.startswith(begin)]
        found.sort(key=_time_of if by_time else _name_of, reverse=asked.get("descending", False))
        listed, more = names.page(found, asked, lambda each: each.name)
        arn = names.arn(self.region, group)
        return {"logStreams": [_shown_stream(arn, each) for each in listed], **more}


def _time_of(each: Stream) -> tuple[int, str]:
    return each.last, each.name


def _name_of(each: Stream) -> tuple[int, str]:
    return 0, each.name


def _shown_stream(arn: str, each: Stream) -> Values:
    times = {"firstEventTimestamp": each.first, "lastEventTimestamp": each.last, "lastIngestionTime": each.ingested}
    return {
        "logStreamName": each.name,
        "creationTime": each.created,
        **(times if each.ingested else {}),
        "arn": f"{arn}:log-stream:{each.name}",
        "storedBytes": 0,  # as AWS says of every stream since 2019
    }


def _tags(given: dict[str, Any]) -> dict[str, str]:
    if len(given) > TAGS_MAX:
        raise invalid(f"A log group has {TAGS_MAX} tags at most")
    return {str(key): str(value) for key, value in given.items()}
