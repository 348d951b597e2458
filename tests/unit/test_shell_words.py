"""Words for a shell: what is printed means the same when it is pasted."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coreos_lab import hints
from coreos_lab.shell_words import joined, quoted

# A folder may have any name without these, and a shell's substitution drops line breaks at the end.
NAMES = st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name and not name.endswith(b"\n"))


def meant(word: str) -> bytes:
    """What a shell makes of a word, after it was shown on a terminal."""
    line = word.encode("utf-8")  # strict: what cannot be shown would not be printed as it is
    assert not any(byte < 32 for byte in line), "nothing moves the cursor"
    return subprocess.run([b"sh", b"-c", b"printf %s " + line], capture_output=True, check=True).stdout


@settings(deadline=None)  # a shell is started each time
@given(NAMES)
def test_any_name_of_a_file_is_the_same_when_it_is_pasted(name: bytes) -> None:
    assert meant(quoted(os.fsdecode(name))) == name


@pytest.mark.parametrize(
    ("text", "word"),
    [("a", "a"), ("a b", "'a b'"), ("müde", "'müde'"), ("a\udcff%'", "\"$(printf -- 'a\\377\\045\\047')\"")],
)
def test_words_look_plain_where_they_can(text: str, word: str) -> None:
    assert quoted(text) == word
    assert joined(["x", text]) == f"x {word}"


def test_a_hint_has_the_state_folder_by_its_bytes() -> None:
    hints.about(hints.of_call("lab", {"LAB_STATE_DIR": "/srv/st\udcff", "PATH": ""}, root=False))
    assert hints.lab("up") == "LAB_STATE_DIR=\"$(printf -- '/srv/st\\377')\" lab up"
    assert (
        hints.lab("deploy", "./\udcff")
        == "LAB_STATE_DIR=\"$(printf -- '/srv/st\\377')\" lab deploy \"$(printf -- './\\377')\""
    )
