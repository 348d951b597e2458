"""The judge against brute force, for hundreds of short histories of any kind; and histories known to be bad."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coreos_lab.machine_image.judge import JUDGE
from coreos_lab.settings import data
from tests.unit.chaos.history.brute_force import Op, judged

INPUTS = max(40, int(os.environ.get("LAB_TEST_INPUTS", "200")) // 5)
REGISTERS = 20  # at once: the judge names no more that are wrong
VALUES = ("1", "2", "3")
Judge = Callable[[dict[str, list[Op]]], dict[str, Any]]


@pytest.fixture(scope="module")
def ask(judge: Path, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """The real judge's answer about registers."""
    path = tmp_path_factory.mktemp("histories") / "history.jsonl"

    def make(registers: dict[str, list[Op]]) -> dict[str, Any]:
        lines = [json.dumps(op.line(name)) for name, history in registers.items() for op in history]
        path.write_text("\n".join(lines))
        done = subprocess.run([judge, "-least", "1", path], check=True, capture_output=True, text=True)
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return make


@st.composite
def operations(draw: st.DrawFn) -> Op:
    """Any operation, at a time when others are going on."""
    op = draw(st.sampled_from(["write", "cas", "read", "read", "local read"]))
    call = draw(st.integers(0, 12))
    end = call + draw(st.integers(0, 4))
    value = draw(st.sampled_from([*VALUES, None] if "read" in op else VALUES))
    outcomes = ["ok"] * 4 + ["unknown", "failed"] + (["mismatch"] * 3 if op == "cas" else [])
    expected = draw(st.sampled_from(VALUES)) if op == "cas" else None
    return Op(op, value, call, end, draw(st.sampled_from(outcomes)), expected)


histories = st.lists(operations(), min_size=1, max_size=7)


@settings(max_examples=INPUTS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=st.lists(histories, min_size=1, max_size=REGISTERS))
def test_the_judge_is_right_about_every_short_history(ask: Judge, made: list[list[Op]]) -> None:
    registers = {f"r{number}": history for number, history in enumerate(made)}
    answer = ask(registers)
    right = {name: judged(history) for name, history in registers.items()}
    assert {each["register"] for each in answer["wrong"]} == {name for name, (good, _) in right.items() if not good}
    assert answer["stale"] == sum(stale for _, stale in right.values())
    assert answer["unjudged"] == []
    if answer["wrong"]:
        assert answer["outcome"] == "fail"
    else:
        assert answer["outcome"] == ("pass" if answer["answered"] else "unknown")


@st.composite
def honest(draw: st.DrawFn) -> list[Op]:
    """A linearizable history: each operation acts at a moment of its own, within its call, on one register."""
    value: str | None = None
    made: list[Op] = []
    for number in range(draw(st.integers(4, 40))):
        moment, fresh = 10 * number, f"v{number}"
        call, end = moment - draw(st.integers(0, 25)), moment + draw(st.integers(0, 25))
        match draw(st.sampled_from(["write", "cas", "read"])):
            case "write":
                made.append(Op("write", fresh, call, end))
                value = fresh
            case "cas" if value is not None:
                made.append(Op("cas", fresh, call, end, "ok", value))
                value = fresh
            case "cas":
                made.append(Op("cas", fresh, call, end, "mismatch", "v0"))
            case _:
                made.append(Op("read", value, call, end))
    return made


@settings(max_examples=max(40, INPUTS // 4), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=st.lists(honest(), min_size=REGISTERS, max_size=REGISTERS), dice=st.randoms())
def test_a_bad_answer_at_the_end_of_a_good_history_is_refused(ask: Judge, made: list[list[Op]], dice: Any) -> None:
    registers = {f"r{number}": history for number, history in enumerate(made)}
    answer = ask(registers)
    assert (answer["outcome"], answer["wrong"]) == ("pass", [])
    late = max(op.end for history in made for op in history) + 1
    bad = {}
    for name, history in registers.items():
        final = [op for op in history if op.op == "write" or (op.op == "cas" and op.outcome == "ok")]
        last = max((op.call for op in final), default=None)
        if last is None:
            continue
        # What ended before the last change began cannot be read any more; nor can what was never there.
        old = [op.value for op in final if op.end < last]
        read = Op("read", dice.choice([*old, None, "never"]), late, late + 1)
        bad[name] = [*history, read]
    if bad:
        assert {each["register"] for each in ask(bad)["wrong"]} == set(bad)


def test_it_is_pinned_by_the_module_that_it_is_built_from() -> None:
    module = data("userland") / JUDGE.folder / "go.mod"
    assert f"github.com/anishathalye/porcupine v{JUDGE.version}\n" in module.read_text()
