"""Words in messages: what a misspelt one was meant to be, and nouns in the right number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def closest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The known word that is most like this one, "" where none is alike: `cutoff` is 0 for anything, 1 for the same."""
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=cutoff)), "")


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A remedy for a word that is none of the known ones."""
    close = closest(word, known)
    return f"did you mean {close}?" if close else f"known are: {', '.join(known)}"


def counted(number: int, noun: str, more: str = "") -> str:
    """A number with its noun: `1 instance`, `3 instances`. `more` is a plural without a mere s."""
    return f"{number} {noun if number == 1 else more or noun + 's'}"
