"""The numbers of breaks in the names of phases."""

from __future__ import annotations

from coreos_lab.chaos import numbering


def test_only_several_breaks_have_numbers() -> None:
    assert (numbering.prefix(1, 1), numbering.prefix(2, 2)) == ("", "2. ")


def test_a_name_is_taken_apart_as_it_was_made() -> None:
    assert numbering.split("12. effect") == ("12. ", "effect")
    assert numbering.split("effect") == ("", "effect")
    assert numbering.split("3 sleep 1. effect") == ("", "3 sleep 1. effect"), "a step of a walk"
