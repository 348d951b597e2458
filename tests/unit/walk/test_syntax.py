"""A command that a reader types has its end where a shell would run it."""

from __future__ import annotations

import pytest

from coreos_lab.walk.syntax import complete


@pytest.mark.parametrize(
    "text",
    [
        "for i in 1 2",
        "for i in 1 2; do\n  echo $i",
        "cat <<EOF\n$(one",
        "cat <<'END' | sort\nEND of it",
        'echo "one',
        "echo 'one",
        "echo one \\",
        "one; \\",
        "\\",
        "echo `ls",
        "echo $(ls",
        "x=(1 2",
        "[[ -n x &&",
        "[[ -n x",
        "one |",
        "one &&",
        "f() {",
        "case x in",
        "if true; then cat <<EOF",
    ],
)
def test_a_shell_asks_for_another_line(text: str) -> None:
    assert not complete(text)


@pytest.mark.parametrize(
    "text",
    [
        "echo one",
        "for i in 1 2; do\n  echo $i\ndone",
        "cat <<EOF\n$(one\nEOF",
        'echo "one\ntwo"',
        "echo one \\\ntwo",
        "echo one\\\\",
        "echo one\\ ",
        "true  # C:\\",
        "# it's",
        "echo )",
        "echo ) unexpected EOF",
        "echo ) : line 1: unexpected EOF",
        "echo 'unexpected end of file'",
        "fi",
    ],
)
def test_a_shell_runs_it(text: str) -> None:
    assert complete(text)
