"""A lab of a user's own in a temporary folder, complete and correct, which tests spoil."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.definition import catalog
from coreos_lab.errors import UsageError
from coreos_lab.model import Lab

LAB = """\
title: A web server
summary: What one learns.
nodes: 3
ports: [80]
containers:
  web: containers/web
units:
  - file: units/web@.service
    instances: [1, two]
  - file: units/web-sidekick@.service
    instances: [1, two]
  - units/watch.service
keys: [/services/web]
probes:
  front: {unit: web@1.service, port: 80, expect: hello}
objectives:
  front: {down-at-most: 1m30s}
break: unit:web@1.service
"""
WEB = "[Service]\nExecStart=/usr/bin/docker run -p 80:80 web\n[X-Fleet]\nConflicts=web@*.service\n"
SIDEKICK = "[Unit]\nBindsTo=web@%i.service\n[Service]\nExecStart=/bin/true\n[X-Fleet]\nMachineOf=web@%i.service\n"


class Folder:
    """A lab of our own in a temporary folder, complete and right, to be spoilt."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("lab.yaml", LAB)
        self.write("units/web@.service", WEB)
        self.write("units/web-sidekick@.service", SIDEKICK)
        self.write("units/watch.service", "[Service]\nExecStart=/bin/true\n")
        self.write("containers/web/Dockerfile", "FROM debian\n")

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def load(self) -> Lab:
        return catalog.load(str(self.path))

    def refused(self) -> UsageError:
        with pytest.raises(UsageError) as caught:
            self.load()
        return caught.value
