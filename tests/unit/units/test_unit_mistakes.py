"""Mistakes in one unit file: each with its line and its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.units import unit_mistakes

GOOD = """\
# a comment
[Unit]
Description=web, instance %i

[Service]
ExecStart=/usr/bin/docker run \\
  --rm -p 80:80 \\
  nginx

[X-Fleet]
Conflicts=web@*.service
"""


def test_lines_that_go_on_are_one_option_at_the_line_of_their_start() -> None:
    options, mistakes = unit_mistakes.check("web@.service", GOOD)
    assert mistakes == []
    start = next(option for option in options if option.name == "ExecStart")
    assert start.line == 6
    assert " ".join(start.value.split()) == "/usr/bin/docker run --rm -p 80:80 nginx"


@pytest.mark.parametrize(
    ("text", "line", "message", "remedy"),
    [
        ("[X-fleet]\n", 1, "[X-fleet]: no such section", "did you mean X-Fleet?"),
        ("[Servce]\n", 1, "[Servce]: no such section", "did you mean Service?"),
        (
            "ExecStart=/bin/true\n",
            1,
            "ExecStart= comes before the first section",
            "put a section above it, such as [Service]",
        ),
        ("[Service]\nhello\n", 2, "'hello' is not a Name=value line", "end the line before with \\ to go on in it"),
        ("[X-Fleet]\nConflict=web\n", 2, "Conflict: fleet has no such option", "did you mean Conflicts?"),
        (
            "[X-Fleet]\nMachineOf=a.service\nGlobal=true\n",
            2,
            "fleet refuses Global= and MachineOf= together",
            "keep one of them",
        ),
        (
            "[Service]\nExecStart=/bin/true\nGlobal=true\n",
            3,
            "Global= in [Service]: neither fleet nor systemd reads it there",
            "move it into a section [X-Fleet]",
        ),
        (
            "[Unit]\nX-ConditionMachineOf=a.service\n",
            2,
            "X-ConditionMachineOf= in [Unit]: neither fleet nor systemd reads it there",
            "move it into a section [X-Fleet]",
        ),
        (
            "[Unit]\nDescription=" + "x" * 2048,
            2,
            "2048 bytes or more: fleet refuses such a line",
            "break the line with \\",
        ),
    ],
)
def test_mistakes_name_line_and_remedy(text: str, line: int, message: str, remedy: str) -> None:
    _options, mistakes = unit_mistakes.check("x.timer", text)
    assert [(m.line, m.message, m.remedy) for m in mistakes] == [(line, message, remedy)]


def test_global_that_is_off_contradicts_nothing() -> None:
    assert unit_mistakes.check("x.timer", "[X-Fleet]\nMachineOf=a.service\nGlobal=false\n")[1] == []


def test_systemd_has_a_conflicts_of_its_own() -> None:
    assert unit_mistakes.check("a.timer", "[Unit]\nConflicts=shutdown.target\n[X-Else]\nGlobal=true\n")[1] == []


def test_a_section_of_somebody_elses_is_fine() -> None:
    assert unit_mistakes.check("x.timer", "[X-Other]\nAnything=1\n")[1] == []


def test_a_service_must_run_something() -> None:
    assert [m.message for m in unit_mistakes.check("x.service", "[Unit]\nDescription=x\n")[1]] == [
        "no ExecStart= in [Service]"
    ]


@pytest.mark.parametrize("name", ["a.service", "a@.service", "a-b_c.d@1.timer", "a@b@c.service"])
def test_good_names(name: str) -> None:
    assert unit_mistakes.check_name(name) == ""


@pytest.mark.parametrize("name", ["a", "a.servce", "a b.service", "@1.service", "a@.mount", ".service"])
def test_bad_names(name: str) -> None:
    assert unit_mistakes.check_name(name)


@pytest.mark.parametrize(
    ("text", "line", "message", "remedy"),
    [
        (
            "[Service]\nExecStart=/bin/true\n# as ever \\\n[X-Fleet]\nGlobal=true\n",
            3,
            "the comment ends in a backslash: for fleet the next line ([X-Fleet]) is part of it",
            "remove the backslash",
        ),
        (
            "[Service]\n# one \\\n# two \\\nExecStart=/bin/true\n",
            3,
            "the comment ends in a backslash: for fleet the next line (ExecStart=/bin/true) is part of it",
            "remove the backslash",
        ),
        (
            "[Service]\nExecStart=/bin/sh \\ \n  -c true\n",
            2,
            "a blank after the backslash: the value ends here",
            "remove the blank",
        ),
        (
            "[Service]\nExecStart=/bin/docker run \\\t\n  --name=x web\n",
            2,
            "a blank after the backslash: the value ends here",
            "remove the blank",
        ),
        (
            "[Service]\r\nExecStart=/bin/sh \\\r\n  -c true\r\n",
            2,
            "a carriage return after the backslash: for fleet the value ends here",
            "save the file with line feeds only",
        ),
        (
            "[Service]\nExecStart=/bin/sh \\\n# a comment\n  -c true\n",
            3,
            "a comment between continued lines: for fleet the value ends here",
            "move it above the option",
        ),
        (
            "[Service]\nExecStart=/bin/echo \\\\\n[X-Fleet]\nGlobal=true\n",
            4,
            "Global=true: fleet reads this differently from systemd",
            "look for a backslash or an unusual blank in the lines above it",
        ),
        ("[Unit] # why\n", 1, "[Unit] # why: a section's line ends in ]", "put the rest on a line of its own"),
        ("[X-Fleet]\nGlobal=y\n", 2, "Global=y: fleet reads this as no", "write Global=true"),
        (
            "[X-Fleet]\nMachineMetadata=disk=ssd region=eu\n",
            2,
            "MachineMetadata=disk=ssd region=eu: fleet ignores this",
            'write one key=value, or a list: "disk=ssd" "region=eu"',
        ),
        (
            "[X-Fleet]\nConflicts=a.service web@[1.service\n",
            2,
            "Conflicts=web@[1.service: a malformed pattern, which matches nothing",
            "close the bracket, or write \\ before it",
        ),
        (
            "[X-Fleet]\nMachineOf=web@1.service\nConflicts=db web@*\n",
            3,
            "Conflicts=web@* excludes web@1.service, on whose machine MachineOf= puts the unit",
            "remove one of the two, or make the pattern of Conflicts= narrower",
        ),
        (
            '[X-Fleet]\nX-ConditionMachineOf="web.service"\nGlobal=true\n',
            2,
            "fleet refuses Global= and MachineOf= together",
            "keep one of them",
        ),
    ],
)
def test_what_fleet_reads_otherwise_is_told_with_its_line(text: str, line: int, message: str, remedy: str) -> None:
    _options, mistakes = unit_mistakes.check("x.timer", text)
    assert [(m.line, m.message, m.remedy) for m in mistakes] == [(line, message, remedy)]


@pytest.mark.parametrize(
    "text",
    [
        "# a comment \\\n# that goes on\n[Unit]\nDescription=x\n",
        "[Unit]\r\nDescription=x\r\n",
        "[Service]\nExecStart=/bin/sh \\\n# a comment \\\n  -c true\n",
        "[Unit]\nDescription=x \\\n\n[X-Fleet]\nConflicts=a \\\n  b\n",
        '[X-Fleet]\nMachineMetadata="disk=ssd" "disk=hdd" "region=eu"\n',
        "[X-Fleet]\nX-ConditionMachineID=abc\n",
        "[X-Fleet]\nGlobal=false\nMachineOf=a.service\n",
    ],
)
def test_what_both_read_alike_is_no_mistake(text: str) -> None:
    assert unit_mistakes.check("x.timer", text)[1] == []


def test_a_unit_that_is_no_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "x.service"
    path.write_bytes(b"[Unit]\nDescription=caf\xe9\n")
    assert unit_mistakes.check_file(path.name, path)[1][0].line == 2
