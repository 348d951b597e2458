"""A page's lines are found in what a command prints, or the first that is missing is named."""

from __future__ import annotations

import pytest

from coreos_lab.walk.expect import missing

TABLE = "NODE     ADDRESS        FLEET\ncore-01  172.17.8.101   listed\ncore-02  172.17.8.102   listed\n"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("hello\n", ("hello",)),
        (TABLE, ("NODE ADDRESS FLEET", "core-01 172.17.8.101 listed")),
        (TABLE, ("core-01 ... listed", "core-02 ...")),
        (TABLE, ("NODE ...", "...", "core-02 ... listed")),
        ("a\nb\nc\n", ("a", "c")),
        ("\x1b[32mok\x1b[0m done\r\n", ("ok done",)),
        ("50%\r100%\r\r\n", ("100%",)),
        ("a  b\n", ("a ... b",)),
        ("axb\n", ("a...b",)),
        ("[1]+ (x) *\n", ("[1]+ (x) *",)),
        ("anything\n", ()),
    ],
)
def test_lines_that_come(output: str, expected: tuple[str, ...]) -> None:
    assert missing(output, expected) == ""


@pytest.mark.parametrize(
    ("output", "expected", "line"),
    [
        ("hello world\n", ("hello",), "hello"),
        ("c\na\n", ("a", "c"), "c"),
        ("a\n", ("a", "a"), "a"),
        ("", ("...", "x ..."), "x ..."),
        ("ab\n", ("a.",), "a."),
    ],
)
def test_the_first_line_that_does_not_come(output: str, expected: tuple[str, ...], line: str) -> None:
    assert missing(output, expected) == line
