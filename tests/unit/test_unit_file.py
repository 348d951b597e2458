from __future__ import annotations

import pytest

from coreos_lab import unit_file
from coreos_lab.unit_file import Option

GOOD = """\
# a comment
[Unit]
Description=web, instance %i

[Service]
ExecStart=/usr/bin/docker run \\
  # a comment between
  --rm -p 80:80 \\
  nginx

[X-Fleet]
Conflicts=web@*.service
"""


def test_lines_that_go_on_are_one_option_at_the_line_of_their_start() -> None:
    options, mistakes = unit_file.check("web@.service", GOOD)
    assert mistakes == []
    start = next(option for option in options if option.name == "ExecStart")
    assert start.line == 6
    assert " ".join(start.value.split()) == "/usr/bin/docker run --rm -p 80:80 nginx"


@pytest.mark.parametrize(
    ("text", "line", "message", "remedy"),
    [
        ("[X-fleet]\n", 1, "[X-fleet]: no such section", "did you mean X-Fleet?"),
        ("[Servce]\n", 1, "[Servce]: no such section", "did you mean Service?"),
        ("ExecStart=/bin/true\n", 1, "ExecStart= stands in no section", "put [Service] or such above it"),
        ("[Service]\nhello\n", 2, "'hello' is no Name=value", "end the line before with \\ to go on in it"),
        ("[X-Fleet]\nConflict=web\n", 2, "Conflict: fleet has no such option", "did you mean Conflicts?"),
        (
            "[X-Fleet]\nMachineOf=a.service\nGlobal=true\n",
            2,
            "fleet refuses Global= and MachineOf= together",
            "keep one of them",
        ),
        ("[Unit]\nDescription=" + "x" * 2048, 2, "longer than 2048 bytes", "break the line with \\"),
    ],
)
def test_mistakes_name_line_and_remedy(text: str, line: int, message: str, remedy: str) -> None:
    _options, mistakes = unit_file.check("x.timer", text)
    assert [(m.line, m.message, m.remedy) for m in mistakes] == [(line, message, remedy)]


def test_global_that_is_off_contradicts_nothing() -> None:
    assert unit_file.check("x.timer", "[X-Fleet]\nMachineOf=a.service\nGlobal=false\n")[1] == []


def test_a_section_of_somebody_elses_is_fine() -> None:
    assert unit_file.check("x.timer", "[X-Other]\nAnything=1\n")[1] == []


def test_a_service_must_run_something() -> None:
    assert [m.message for m in unit_file.check("x.service", "[Unit]\nDescription=x\n")[1]] == [
        "no ExecStart= in [Service]"
    ]


@pytest.mark.parametrize(
    ("value", "resolved"),
    [("%n", "web@1.service"), ("%N.timer", "web@1.timer"), ("%p@%i.service", "web@1.service"), ("plain", "plain")],
)
def test_fleets_specifiers(value: str, resolved: str) -> None:
    assert unit_file.resolve(value, "web@1.service") == resolved


@pytest.mark.parametrize(
    ("arguments", "ports"),
    [
        ("-p 80:80", [80]),
        ("--publish=8080:80 --publish 443:443", [443, 8080]),
        ("-p 127.0.0.1:53:53", [53]),
        ("-p80:80", [80]),
        ("--net=host", []),
        ("-p 3000", []),
    ],
)
def test_published_ports(arguments: str, ports: list[int]) -> None:
    options = [Option("Service", "ExecStart", f"/usr/bin/docker run --rm {arguments} nginx", 1)]
    assert sorted(unit_file.published_ports(options)) == ports


@pytest.mark.parametrize(
    ("conflicts", "expected"),
    [("web@*.service", True), ("other web@*", True), ('"web@2.service"', True), ("%p@*", True), ("other@*", False)],
)
def test_conflicts_are_patterns(conflicts: str, expected: bool) -> None:
    options = [Option("X-Fleet", "Conflicts", conflicts, 1)]
    assert unit_file.conflicts(options, "web@1.service", "web@2.service") is expected


@pytest.mark.parametrize("name", ["a.service", "a@.service", "a-b_c.d@1.timer"])
def test_good_names(name: str) -> None:
    assert unit_file.check_name(name) == ""


@pytest.mark.parametrize("name", ["a", "a.servce", "a b.service", "@1.service", "a@b@c.service", ".service"])
def test_bad_names(name: str) -> None:
    assert unit_file.check_name(name)
