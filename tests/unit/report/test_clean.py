"""Text of machines, fit to be shown."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from coreos_lab.report.clean import ACTIVE, clean, cut


def test_what_would_act_is_visible() -> None:
    assert clean("a\x1b[2J\x7f\x85\u202eb\ud800") == "a␛[2J␡<U+0085><U+202E>b<U+D800>"
    assert clean("tab\tand\nnewline, Grüße, 日本") == "tab\tand\nnewline, Grüße, 日本"


def test_what_is_cut_says_how_much() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdefg", 3) == "abc … (4 more characters)"


@settings(derandomize=True, deadline=None, database=None, max_examples=200)
@given(st.text())
def test_any_text(text: str) -> None:
    shown = clean(text)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert not ACTIVE.search(shown)
