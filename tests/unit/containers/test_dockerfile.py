"""What a Dockerfile needs, and in which order that makes them be built."""

from __future__ import annotations

import pytest

from coreos_lab.containers import dockerfile
from coreos_lab.containers.dockerfile import Needed
from coreos_lab.errors import UsageError


def names(text: str) -> list[str]:
    return [need.name for need in dockerfile.needed(text)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("FROM debian\n", ["debian"]),
        ("from  debian:bookworm  as  base\n", ["debian:bookworm"]),
        ("FROM --platform=linux/amd64 nginx\n", ["nginx"]),
        ("FROM scratch\nADD base.tar /\n", []),
        ("FROM \\\n  debian\n", ["debian"]),
        ("# escape=`\nFROM `\n  debian\n", ["debian"]),
        ("FROM debian AS build\nRUN true\nFROM build\nCOPY --from=build /a /a\nCOPY --from=0 /b /b\n", ["debian"]),
        ("FROM debian\nCOPY --chown=0:0 --from=tools /a /a\n", ["debian", "tools"]),
        ("FROM debian\nRUN echo \\\n# FROM nothing\n  FROM here\n", ["debian"]),
        ("FROM debian\nRUN cat <<END\nFROM table\nEND\nRUN echo $((1<<2))\nFROM nginx\n", ["debian", "nginx"]),
        ("ARG BASE=debian TAG='12'\nFROM ${BASE}:$TAG\n", ["debian:12"]),
        ("ARG BASE\nFROM ${BASE:-nginx}\n", ["nginx"]),
    ],
)
def test_needed(text: str, wanted: list[str]) -> None:
    assert names(text) == wanted


def test_needed_knows_the_line() -> None:
    assert dockerfile.needed("# a comment\n\nFROM debian\n") == (Needed("debian", 3),)


def test_a_variable_without_value_is_told_with_its_line() -> None:
    with pytest.raises(UsageError, match=r"Dockerfile:2: FROM \$BASE: BASE has no value"):
        dockerfile.needed("ARG BASE\nFROM $BASE\n")


def test_resolved_changes_names_and_no_line_number() -> None:
    text = "ARG B=nginx\nFROM $B AS \\\n  web\nCOPY --from=tools /tools /nginx\nRUN echo nginx tools\n"
    assert dockerfile.resolved(text, {"nginx": "ours:1", "tools": "ours:2"}).splitlines() == [
        "ARG B=nginx",
        "FROM ours:1 AS   web",
        "",
        "COPY --from=ours:2 /tools /nginx",
        "RUN echo nginx tools",
    ]


def test_order_puts_first_what_others_need() -> None:
    needs = {"a": ["c"], "b": [], "c": ["d"], "d": []}
    assert dockerfile.order(needs) == ["d", "c", "a", "b"]


@pytest.mark.parametrize(("needs", "circle"), [({"a": ["b"], "b": ["a"]}, "a -> b -> a"), ({"a": ["a"]}, "a -> a")])
def test_a_circle_is_shown(needs: dict[str, list[str]], circle: str) -> None:
    with pytest.raises(UsageError, match=circle):
        dockerfile.order(needs)
