"""CloudWatch Logs of one cloud: carries requests out, and drops what has had its time."""

from __future__ import annotations

from pathlib import Path

from coreos_lab.cloud import json_api, query
from coreos_lab.cloud.json_api import Asked
from coreos_lab.cloud.logs import actions, names
from coreos_lab.cloud.logs.events import DAY, Events
from coreos_lab.cloud.logs.groups import Groups
from coreos_lab.cloud.logs.shelf import Shelf
from coreos_lab.cloud.s3.answer import Reply
from coreos_lab.cloud.sigv4 import Request

NAME = "logs"
EXPIRY = 60.0  # seconds between two looks for events that have had their time


class Logs:
    """The logs of one cloud, in a file of their own."""

    def __init__(self, region: str, path: Path) -> None:
        self.shelf = Shelf(path)
        self._groups, self._events = Groups(region, self.shelf), Events(self.shelf)
        self._looked = 0.0

    def read(self, request: Request) -> Asked:
        """What a request asks for. RefusedError names what is not part of this cloud."""
        action, values = json_api.action_of(request), json_api.read(request)
        actions.require(action, values)
        return Asked(action, f"{NAME}:{action}", values)

    def call(self, asked: Asked) -> Reply:
        """Carries a request out. RefusedError says why not."""
        name = query.method(asked.action).lstrip("_")
        part = next(each for each in (self._groups, self._events) if hasattr(each, name))
        return json_api.reply(getattr(part, name)(asked.values))

    def expire(self, now: float) -> None:
        """Drops what is older than its group keeps it. `now` in seconds since 1970."""
        if now - self._looked < EXPIRY:
            return
        self._looked = now
        for group in self.shelf.groups():
            if group.retention:
                self.shelf.expire(group.name, int(now * 1000) - group.retention * DAY)

    def write(self, group: str, stream: str, lines: list[tuple[int, str]]) -> None:
        """Adds events of this cloud's own services; makes group and stream if they are not there."""
        with self.shelf.change():  # others write at the same time, such as the function's other environments
            if group not in {each.name for each in self.shelf.groups()}:
                self._groups.create_log_group({"logGroupName": group})
            if stream not in {each.name for each in self.shelf.streams(group)}:
                self._groups.create_log_stream({"logGroupName": group, "logStreamName": stream})
            self.shelf.put(group, stream, lines, names.now())
