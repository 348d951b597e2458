"""Words in messages."""

from __future__ import annotations

import pytest

from coreos_lab.spelling import counted


@pytest.mark.parametrize(
    ("number", "noun", "more", "text"),
    [(0, "node", "", "0 nodes"), (1, "node", "", "1 node"), (2, "copy", "copies", "2 copies")],
)
def test_a_number_has_its_noun_in_the_right_form(number: int, noun: str, more: str, text: str) -> None:
    assert counted(number, noun, more) == text
