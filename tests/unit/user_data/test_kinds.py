"""Which kind of config a text is, and what is refused before ct is asked."""

from __future__ import annotations

import pytest

from coreos_lab.errors import UsageError
from coreos_lab.user_data import kinds


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("#cloud-config\nsystemd: {}\n", kinds.CLOUD_CONFIG),
        ("#cloud-config\r\nsystemd: {}\r\n", kinds.CLOUD_CONFIG),
        ("#!/bin/sh\netcd: x\n", kinds.CLOUD_CONFIG),
        ("coreos: {}\n", kinds.CLOUD_CONFIG),
        ("", kinds.CLOUD_CONFIG),
        ("\0\x01systemd", kinds.CLOUD_CONFIG),
        ("# mine\n---\nsystemd:\n  units: []\n", kinds.CONTAINER_LINUX),
        ("systemds: {}\n'passwd' : {}\n", kinds.CONTAINER_LINUX),
        ("variant: fcos\n", kinds.CONTAINER_LINUX),
        ('\n  {"ignition": {}}', kinds.IGNITION),
        ("{", kinds.IGNITION),
    ],
)
def test_the_kind_is_told_by_the_text(text: str, kind: str) -> None:
    assert kinds.kind(text) == kind


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("systemd: {}\n" + "#" * 2**20, ":1: 1048588 bytes are too much"),
        ("systemd:\n\tunits: []\n", ":2: a tab indents this line"),
        ("systemd: [\n", ":2: not YAML: "),
        ("systemd: {}\n---\npasswd: {}\n", ":2: not YAML: "),
        ("systemd: \x07\n", ":1: not YAML: the character"),
        ("systemd: " + "[" * 3000, ":1: nested deeper than 20 levels"),
        ("- a\n- |\n  b\n# x\n- 'c\nsystemd: '\n", ":1: a Container Linux Config is a mapping"),
        ("x: 1\nvariant: flatcar\n", ":2: variant: a Butane config"),
        ("systemd: &a [" + "x, " * 999 + "x]\nb: [" + ", ".join(["*a"] * 60) + "]\n", ": more than 50000 values"),
        ("systemd: &a [*a]\n", ":1: more than 50000 values"),
        ('{"a": 1', ":1: not JSON: "),
        ('{\n"a": [\n"b"\n"c"]}', ":4: not JSON: "),
        ('{"a": 1}\n{"b": 2}', ":2: not JSON: Extra data"),
        ('{"a": 1,\n"a": 2}', ":2: a: given twice"),
        ('{"a": ' + "[" * 200_000, ":1: not JSON that a config can be"),
        ('{"a": ' + "9" * 5000 + "}", ":1: not JSON that a config can be"),
        ("{systemd: {}}", ":1: not JSON: "),
    ],
)
def test_what_means_nothing_is_refused_before(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        kinds.check(text, "mine.yml")
    assert message in caught.value.message
    assert "\n" not in caught.value.message
