"""systemd's words, variables and specifiers in the commands of a unit."""

from __future__ import annotations

import pytest

from coreos_lab.units import command_lines
from tests.unit.units.test_docker_line import options


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ("'a b' \"c d\" e'f g'h", ["a b", "c d", "ef gh"]),
        (r"a\x20b a\sb \"x\" '\n' \101", ["a b", "a b", '"x"', "\n", "A"]),
        ("a \\\n  b", ["a", "b"]),
        ("'' \"\"", ["", ""]),
        (r"a\;b \d", [r"a\;b", r"\d"]),
    ],
)
def test_systemds_words(value: str, words: list[str]) -> None:
    found = command_lines.split(value)
    assert [word.text for word in found] == words
    assert all(value[word.start : word.end].strip() for word in found)


def test_several_commands_in_one_value() -> None:
    found = command_lines.calls(options("ExecStart=/bin/echo one ; /bin/echo two \\; three ';'"), "x.service")
    assert [call.words for call in found] == [("/bin/echo", "one"), ("/bin/echo", "two", ";", "three", ";")]


def test_variables_and_specifiers() -> None:
    found = options("Environment=A=%i", "Environment=", 'Environment=B=1 "C=%p and $B"')
    assert command_lines.environment(found, "web@7.service") == {"B": "1", "C": "web and $B"}
    assert command_lines.specified("%n %N %p %i %j %% %H", "a-b@7.service") == "a-b@7.service a-b@7 a-b 7 b % %H"
    assert command_lines.specified("%p-%i", "web@.service") == "web-%i"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/usr/bin/flock /run/l /usr/bin/docker pull web", "/usr/bin/docker pull web"),
        ("/usr/bin/systemd-cat -t x docker pull web", "docker pull web"),
        ("flock /run/l sh -c 'true && docker pull web'", "docker pull web"),
        ("sh -c 'taskset 1 chrt 5 docker pull web'", "docker pull web"),
        ("etcdctl exec-watch /x -- bash -ec 'docker pull web'", "docker pull web"),
    ],
)
def test_docker_is_found_behind_any_program_that_runs_it(line: str, words: str) -> None:
    assert command_lines.calls(options(f"ExecStart={line}"), "x.service")[-1].words == tuple(words.split())


@pytest.mark.parametrize(
    "line",
    ["/usr/bin/docker run web docker pull x", "docker exec web sh -c 'docker pull x'", "/bin/echo docker pull x"],
)
def test_words_for_a_container_and_texts_are_no_commands_of_the_node(line: str) -> None:
    assert len(command_lines.calls(options(f"ExecStart={line}"), "x.service")) == 1
