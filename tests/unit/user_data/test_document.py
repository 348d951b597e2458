"""What is read of a cloud-config, and what is refused, with its line."""

from __future__ import annotations

import pytest

from coreos_lab.errors import UsageError
from coreos_lab.user_data import document
from coreos_lab.user_data.parsed import Document


def read(body: str) -> Document:
    return document.read(f"#cloud-config\n{body}", "mine.yml")


def refused(text: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        document.read(text, "mine.yml")
    assert "\n" not in caught.value.message
    return caught.value


def test_values_are_read_as_coreos_cloudinit_reads_them() -> None:
    found = read(
        "coreos:\n"
        "  etcd2: {proxy: on, heartbeat-interval: 100, debug: yes}\n"
        "  fleet: {token_limit: 7, engine-reconcile-interval: .5}\n"
        "  update: {reboot-strategy: off}\n"
        "write_files:\n"
        "  - {path: /a, permissions: 0644, content: 12}\n"
    ).data
    assert found["coreos"]["etcd2"] == {"proxy": "on", "heartbeat_interval": 100, "debug": True}
    assert found["coreos"]["fleet"] == {"token_limit": 7, "engine_reconcile_interval": 0.5}
    assert found["coreos"]["update"] == {"reboot_strategy": "off"}
    assert found["write_files"] == [{"path": "/a", "permissions": "0644", "content": "12"}]


@pytest.mark.parametrize("body", ["", "hostname:\n", "users: ~\n", "coreos:\n  units: []\n"])
def test_an_empty_one_is_one(body: str) -> None:
    read(body)


def test_keys_may_have_hyphens_and_know_their_lines() -> None:
    found = read("coreos:\n  units:\n    - name: a.service\n      drop-ins:\n        - name: 1.conf\n")
    assert found.lines["coreos", "units", 0, "drop_ins"] == 5
    assert found.problem(("coreos", "units", 0, "drop_ins", 0, "content"), "x").line == 6


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("coreos:\n\tunits: []\n", "mine.yml:3: a tab indents this line"),
        ("coreos:\n  units:\n  \t- name: a.service\n", "mine.yml:4: a tab indents this line"),
        ("coreos: [\n", "mine.yml:3: not YAML: "),
        ("a: b: c\n", "mine.yml:2: not YAML: "),
        ("- a\n", "mine.yml:2: a cloud-config: a list, and it takes a mapping"),
        ("just text\n", "mine.yml:2: a cloud-config: 'just text', and it takes a mapping"),
        ("coreos:\n  unitz: []\n", "mine.yml:3: unitz: no key of coreos"),
        ("users: me\n", "mine.yml:2: users: 'me', and it takes a list"),
        ("users:\n  - me\n", "mine.yml:3: users: entry 1: 'me', and it takes a mapping"),
        ("users:\n  -\n", "mine.yml:3: users: an empty entry"),
        (
            "coreos:\n  fleet:\n    metadata: {a: b}\n",
            "mine.yml:4: coreos: fleet: metadata: a mapping, and it takes text",
        ),
        ("coreos:\n  fleet:\n    metadata: a\n", "mine.yml:4: metadata: 'a' is no pair KEY=VALUE"),
        (
            "coreos:\n  fleet:\n    token_limit: many\n",
            "mine.yml:4: coreos: fleet: token_limit: 'many', and it takes a",
        ),
        (
            'coreos:\n  etcd2:\n    debug: "yes"\n',
            "mine.yml:4: coreos: etcd2: debug: 'yes', and it takes true or false",
        ),
        ("hostname: a\nhostname: b\n", "mine.yml:3: hostname: given twice"),
        ("coreos:\n  etcd2: {wal-dir: a, wal_dir: b}\n", "mine.yml:3: coreos: etcd2: wal_dir: given twice"),
        ("coreos:\n  units:\n    - command: start\n", "mine.yml:4: coreos: units: entry 1: no name"),
        ("coreos:\n  units:\n    - name: hello\n", "mine.yml:4: hello: no name of a unit"),
        ("write_files:\n  - content: x\n", "mine.yml:3: write_files: entry 1: no path"),
        ("users:\n  - name: a\n  - name: a\n", "mine.yml:4: users: a is there twice"),
        ("manage_etc_hosts: true\n", "mine.yml:2: manage_etc_hosts: must be localhost"),
        ("users: *who\n", "mine.yml:2: not YAML: "),
        ("hostname: a\n---\nhostname: b\n", "mine.yml:3: not YAML: "),
        ("hostname: \x07\n", "mine.yml:2: not YAML: the character"),
        ("? [a]\n: b\n", "mine.yml:2: a cloud-config: a key that is no text"),
        ("users: " + "[" * 3000 + "\n", "mine.yml:2: nested deeper than 20 levels"),
        ("users:\n " + "- " * 3000 + "a\n", "mine.yml:3: nested deeper than 20 levels"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(body: str, message: str) -> None:
    assert refused(f"#cloud-config\n{body}").message.startswith(message)


def test_all_problems_are_named() -> None:
    error = refused("#cloud-config\nusers: 1\nwrite_files: 2\n")
    assert error.message.startswith("mine.yml:2: users")
    assert error.details.startswith("mine.yml:3: write_files")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("#cloud-config\ncoreos:\n  unit: []\n", "did you mean units?"),
        ("#cloud-config\nunits: []\n", "it belongs under coreos"),
        ("#cloud-config\ncoreos:\n  write-files: []\n", "it belongs at the top, not indented"),
        ("#cloud-config\nmetadata: a=b\n", "it belongs under coreos: fleet"),
        ("#cloud-config\ncoreos:\n  fleet:\n    token-limits: 1\n", "did you mean token_limit?"),
    ],
)
def test_a_wrong_key_comes_with_the_one_that_was_meant(text: str, hint: str) -> None:
    assert refused(text).hint == hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "mine.yml:1: the first line must be #cloud-config: there is '' instead"),
        ("coreos: {}\n", "mine.yml:1: the first line must be #cloud-config: there is 'coreos: {}' instead"),
        ("# cloud-config\n", "mine.yml:1: the first line must be #cloud-config: there is a byte order mark or a blank"),
        ("\ufeff#cloud-config\n", "mine.yml:1: the first line must be #cloud-config: there is a byte order mark"),
        ("#!/bin/sh\n", "mine.yml:1: a script, not a cloud-config"),
        ("#cloud-config\n" + "# " + "x" * 10**6, "mine.yml:1: 1000016 bytes are too much for a cloud-config: 262144"),
    ],
)
def test_other_files_are_refused_by_their_kind(text: str, message: str) -> None:
    assert refused(text).message.startswith(message)


def test_windows_line_ends_are_read() -> None:
    found = document.read("#cloud-config\r\ncoreos:\r\n  update:\r\n    group: beta\r\n", "mine.yml")
    assert found.data == {"coreos": {"update": {"group": "beta"}}}


def test_aliases_of_aliases_are_not_followed_for_ever() -> None:
    text = "#cloud-config\nssh_authorized_keys: &a [" + ", ".join(["x"] * 1000) + "]\nusers:\n"
    text += "".join(f"  - {{name: u{number}, groups: *a}}\n" for number in range(60))
    assert refused(text).message.endswith("more than 50000 values")
