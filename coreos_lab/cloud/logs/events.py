"""Events of CloudWatch Logs: what comes in, and how it is read again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from coreos_lab.cloud.json_api import LARGEST, Values
from coreos_lab.cloud.json_api import invalid as wrong
from coreos_lab.cloud.logs import names, patterns
from coreos_lab.cloud.logs.actions import INVALID, invalid
from coreos_lab.cloud.logs.patterns import Pattern
from coreos_lab.cloud.logs.shelf import OVERHEAD, Event, Shelf
from coreos_lab.cloud.sigv4 import RefusedError

MINUTE = 60_000  # milliseconds
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
BATCH_MAX, EVENTS_MAX = 2**20, 10_000  # of a request: its bytes, and its events
NEWEST, OLDEST = 2 * HOUR, 14 * DAY  # how far an event's time may be from now
ANSWER_MAX = 2**20  # bytes of messages in an answer
EVER = 2**62  # the end of time, in milliseconds
BEGIN, END = (0, 0), (EVER, 0)  # positions: a time and an event's id
READ = 1000  # events that are looked at in one go
STREAMS_MAX = 100  # that a request may name
POSITION = re.compile(r"([fb])/([0-9]{1,19})/([0-9]{1,19})")


class Events:
    """The actions about events."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def put_log_events(self, asked: Values) -> Values:
        group, stream = asked["logGroupName"], asked["logStreamName"]
        self.shelf.require_stream(group, stream)
        events, now = _batch(asked["logEvents"]), names.now()
        days = self.shelf.group(group).retention
        expired = sum(time < now - days * DAY for time, _message in events) if days else 0
        old = sum(time < now - OLDEST for time, _message in events)
        new = sum(time > now + NEWEST for time, _message in events)
        kept = events[max(old, expired) : len(events) - new]
        self.shelf.put(group, stream, kept, now)
        said = {"expiredLogEventEndIndex": expired, "tooOldLogEventEndIndex": old}
        rejected = {name: index for name, index in said.items() if index}
        if new:
            rejected["tooNewLogEventStartIndex"] = len(events) - new
        return {"nextSequenceToken": f"{now:056}", **({"rejectedLogEventsInfo": rejected} if rejected else {})}

    def get_log_events(self, asked: Values) -> Values:
        group, stream = names.of_group(asked), asked["logStreamName"]
        self.shelf.require_stream(group, stream)
        limit, times = names.limit(asked, EVENTS_MAX), _times(asked)
        way, place = _position(asked) or (("f", BEGIN) if asked.get("startFromHead") else ("b", END))
        side: dict[str, Any] = {"after": place} if way == "f" else {"before": place}
        found = _within(self.shelf.events(group, [stream], times, **side, limit=limit), last=way == "b")
        if found:
            forward, backward = (found[-1].time, found[-1].id), (found[0].time, found[0].id)
        elif way == "f":  # the same token again says that this is the end
            forward, backward = place, (place[0], place[1] + 1)
        else:
            forward, backward = BEGIN if place == END else (place[0], place[1] - 1), place
        return {
            "events": [
                {"timestamp": each.time, "message": each.message, "ingestionTime": each.ingested} for each in found
            ],
            "nextForwardToken": _token("f", forward),
            "nextBackwardToken": _token("b", backward),
        }

    def filter_log_events(self, asked: Values) -> Values:
        group, times = names.of_group(asked), _times(asked)
        self.shelf.group(group)
        pattern, limit = patterns.parse(asked.get("filterPattern", "")), names.limit(asked, EVENTS_MAX)
        streams = self._streams(group, asked)
        position = _position(asked)
        after = position[1] if position else None
        found, place = self._search(group, streams, times, after, pattern, limit)
        searched = streams if streams is not None else [each.name for each in self.shelf.streams(group)]
        return {
            "events": [_shown(each) for each in found],
            "searchedLogStreams": [{"logStreamName": name, "searchedCompletely": place is None} for name in searched],
            **({"nextToken": _token("f", place)} if place else {}),
        }

    def _search(
        self,
        group: str,
        streams: Sequence[str] | None,
        times: tuple[int, int],
        after: tuple[int, int] | None,
        pattern: Pattern,
        limit: int,
    ) -> tuple[list[Event], tuple[int, int] | None]:
        """The events that match, and where to go on; None where there are no more."""
        found: list[Event] = []
        size = 0
        while some := self.shelf.events(group, streams, times, after=after, limit=READ):
            for each in some:
                if pattern.matches(each.message):
                    size += len(each.message.encode()) + OVERHEAD
                    if found and (len(found) == limit or size > ANSWER_MAX):
                        return found, after
                    found.append(each)
                after = (each.time, each.id)
        return found, None

    def _streams(self, group: str, asked: Values) -> list[str] | None:
        """The streams that a request is about; None for all."""
        named, begin = asked.get("logStreamNames"), asked.get("logStreamNamePrefix")
        if named is not None and begin is not None:
            raise invalid("logStreamNames and logStreamNamePrefix exclude each other")
        if named is not None:
            if not 1 <= len(named) <= STREAMS_MAX:
                raise wrong(INVALID, "logStreamNames", named, f"Member must have 1 to {STREAMS_MAX} items")
            for each in named:
                self.shelf.require_stream(group, str(each))
            return [str(each) for each in named]
        if begin is not None:
            return [each.name for each in self.shelf.streams(group) if each.name.startswith(begin)]
        return None


def _batch(listed: list[Any]) -> list[tuple[int, str]]:
    """The events of a request as times and messages. RefusedError for a batch that AWS would not take."""
    for each in listed:
        if not isinstance(each, dict) or set(each) != {"timestamp", "message"}:
            raise RefusedError("SerializationException", "logEvents: each has a timestamp and a message")
        if type(each["timestamp"]) is not int or not isinstance(each["message"], str):
            raise RefusedError("SerializationException", "logEvents: a timestamp is a number, a message is a text")
    events = [(each["timestamp"], each["message"]) for each in listed]
    if not 1 <= len(events) <= EVENTS_MAX:
        raise wrong(INVALID, "logEvents", len(events), f"Member must have 1 to {EVENTS_MAX} items")
    if any(time < 0 or not message for time, message in events):
        raise wrong(INVALID, "logEvents", "", "a timestamp is not negative, and a message not empty")
    size = sum(len(message.encode()) + OVERHEAD for _time, message in events)
    if size > BATCH_MAX:
        raise invalid(f"Upload too large: {size} bytes exceeds limit of {BATCH_MAX}")
    times = [time for time, _message in events]
    if times != sorted(times):
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if times[-1] - times[0] > DAY:
        raise invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    return events


def _times(asked: Values) -> tuple[int, int]:
    begin, end = asked.get("startTime", 0), asked.get("endTime", EVER)
    if begin > end:
        raise invalid("startTime is after endTime")
    return begin, end


def _within(found: list[Event], *, last: bool) -> list[Event]:
    """As many events as fit into an answer: its last ones, or its first."""
    kept: list[Event] = []
    size = 0
    for each in reversed(found) if last else found:
        size += len(each.message.encode()) + OVERHEAD
        if kept and size > ANSWER_MAX:
            break
        kept.append(each)
    return kept[::-1] if last else kept


def _position(asked: Values) -> tuple[str, tuple[int, int]] | None:
    """Where a token says to go on: which way, and from which time and id; None without a token."""
    if "nextToken" not in asked:
        return None
    found = POSITION.fullmatch(asked["nextToken"])
    if found is None or max(int(found[2]), int(found[3])) > LARGEST:
        raise invalid("The specified nextToken is invalid.")
    return found[1], (int(found[2]), int(found[3]))


def _token(way: str, place: tuple[int, int]) -> str:
    return f"{way}/{place[0]}/{place[1]}"


def _shown(each: Event) -> Values:
    return {
        "logStreamName": each.stream,
        "timestamp": each.time,
        "message": each.message,
        "ingestionTime": each.ingested,
        "eventId": f"{each.time:016}{each.id:040}",
    }
