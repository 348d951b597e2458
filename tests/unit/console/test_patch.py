"""Patches of the document: what a page makes of them is what was so."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coreos_lab.console.patch import applied, difference

VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.integers(), max_size=3)),
    lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=5)


@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_makes_the_one_of_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert applied(before, difference(before, after)) == after


@given(DOCUMENTS)
def test_nothing_new_is_an_empty_patch(same: dict[str, Any]) -> None:
    assert difference(same, same) == {}


def test_only_what_differs_is_in_it() -> None:
    before = {"nodes": {"a": {"state": "running", "memory": 1}, "b": {"state": "running"}}, "leader": "a"}
    after = {"nodes": {"a": {"state": "stopped", "memory": 1}, "b": {"state": "running"}}, "leader": "a"}
    assert difference(before, after) == {"nodes": {"a": {"state": "stopped"}}}


def test_none_counts_as_absent() -> None:
    assert difference({"units": {"a": 1}}, {"units": None}) == {"units": None}
    assert difference({"units": None}, {"units": None}) == {}
    assert difference({"units": None}, {"units": {"a": 1}}) == {"units": {"a": 1}}
