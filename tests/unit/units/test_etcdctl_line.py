"""The etcdctl commands of units: verbs, keys, times to live."""

from __future__ import annotations

import pytest

from coreos_lab.units import etcdctl_line, unit_file
from tests.unit.units.test_docker_line import options


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("/usr/bin/etcdctl set /services/web/%i up --ttl 60", ("set", "/services/web/%i", 60, False)),
        ("/usr/bin/etcdctl --no-sync -o extended get /a", ("get", "/a", None, False)),
        ("/usr/bin/etcdctl --endpoint http://x:2379 --timeout=5s ls -r a/b", ("ls", "/a/b", None, True)),
        ("/usr/bin/etcdctl rm --recursive '/a b'", ("rm", "/a b", None, True)),
        ("/usr/bin/etcdctl mk --ttl=0 /a x", ("mk", "/a", None, False)),
        ("/bin/sh -c 'while :; do etcdctl set -ttl 8 /a/$$HOST up; done'", ("set", "/a/$HOST", 8, False)),
        ("/bin/sh -c 'ask() { etcdctl --no-sync \"$$@\"; }; now=$$(ask get /a)'", ("get", "/a", None, False)),
        ("/usr/bin/docker exec store etcdctl update --ttl 9 /a x", ("update", "/a", 9, False)),
        ("/usr/bin/docker run --rm tools sh -c 'etcdctl watch /a'", ("watch", "/a", None, False)),
    ],
)
def test_one_command(command: str, found: tuple[str, str, int | None, bool]) -> None:
    (one,) = etcdctl_line.commands(options(f"ExecStart={command}"), "web@.service")
    assert (one.verb, one.key, one.ttl, one.recursive) == found


@pytest.mark.parametrize(
    "command",
    ["/usr/bin/etcdctl", "/usr/bin/etcdctl cluster-health", "/usr/bin/etcdctl get", "/bin/echo etcdctl get /a"],
)
def test_what_is_about_no_key(command: str) -> None:
    assert etcdctl_line.commands(options(f"ExecStart={command}"), "web.service") == []


def test_a_watch_and_what_it_runs_on_each_change() -> None:
    script = "flock /run/x /bin/sh -c 'etcdctl get /b --quorum; fleetctl start web'"
    for dashes in ("-- ", ""):
        found = options(f"ExecStart=/usr/bin/etcdctl exec-watch --after-index 5 /a {dashes}{script}")
        commands = etcdctl_line.commands(found, "web.service")
        assert [(each.verb, each.key) for each in commands] == [("exec-watch", "/a"), ("get", "/b")]


def test_the_line_of_a_key_within_a_long_option() -> None:
    text = "[Service]\nExecStart=/bin/sh -c 'true; \\\n  etcdctl get /a/$$X; \\\n  etcdctl set /a/$$X up'\n# set /b\n"
    first, second = etcdctl_line.commands(unit_file.parse(text), "web.service")
    assert unit_file.line_of(text, first.option, f" {first.verb} ", first.key) == 3
    assert unit_file.line_of(text, second.option, f" {second.verb} ", second.key) == 4
    assert unit_file.line_of(text, second.option, " rm ", "/a/") == 3
    assert unit_file.line_of(text, second.option, "/b") == 2
