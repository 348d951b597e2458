"""What is written is read as the same again, by our reader and by another one."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from coreos_lab.user_data import document, writing

texts = st.one_of(
    st.sampled_from(
        ["on", "Off", "null", "~", "0644", "1e3", "a: b", "- a", "#x", "'", '"', "$private_ipv4", "a\n", "\n"]
    ),
    st.text(st.sampled_from(string.printable + "é€\x7f\x85\u2028\U0001f600"), max_size=30),
)


@settings(derandomize=True, deadline=None, database=None, max_examples=60)
@given(content=texts, name=texts.filter(bool), key=texts, flag=st.booleans(), number=st.integers(0, 10**9))
def test_what_is_written_is_read_again(content: str, name: str, key: str, flag: bool, number: int) -> None:
    data = {
        "ssh_authorized_keys": [key],
        "coreos": {
            "etcd2": {"debug": flag, "snapshot_count": number},
            "units": [{"name": "a.service", "drop_ins": []}],
        },
        "write_files": [{"path": name, "content": content}, {"path": f"{name}2", "content": "x"}],
    }
    text = writing.write(data, "a comment")
    assert document.read(text, "x").data == data
    assert YAML(typ="safe", pure=True).load(text) == data


def test_texts_of_several_lines_are_blocks() -> None:
    text = writing.write({"write_files": [{"path": "/a", "content": "one\n\n  two\n"}]}, "c")
    assert text == "#cloud-config\n# c\nwrite_files:\n  - path: /a\n    content: |\n      one\n\n        two\n"


def test_a_backslash_before_a_variable_stays_one() -> None:
    """coreos-cloudinit replaces variables in the text, before it is parsed, and takes the backslash away."""
    text = writing.write({"hostname": "a \\$private_ipv4"}, "c")
    assert text.endswith("hostname: 'a \\$private_ipv4'\n")
