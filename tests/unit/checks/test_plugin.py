"""Checks as a user meets them: a real pytest of its own, on nodes that are this machine's loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from coreos_lab.model import Outcome
from tests.unit.checks.checked import Checked

ROOT = Path(__file__).parents[3]


def test_the_three_outcomes_in_words_and_in_order(checked: Checked) -> None:
    checked.write("""
import pytest, testinfra

def test_all_is_well(): ...
def test_the_front_answers(): assert 1 == 2, "the front on core-01 says nothing"
def test_without_words():
    found = 3
    assert found == 2
def test_etcd_is_gone(etcd): etcd.get("/x")
def test_fleet_is_gone(fleet): fleet.machines()
def test_ssh_is_gone(machine): machine("core-01").run("true")
def test_has_a_mistake_of_its_own(): {}["key"]
def test_is_skipped(): pytest.skip("needs three nodes")
def test_says_fail(): pytest.fail("no good")
def test_a_command(): testinfra.get_host("local://").check_output("echo 'it was' so >&2; exit 7")
@pytest.mark.parametrize("node", ["core-01"])
def test_on_a_node(node): ...
""")
    results = checked.run()
    assert [(r.name, r.outcome.value) for r in results] == [
        ("all is well", "pass"),
        ("the front answers", "fail"),
        ("without words", "fail"),
        ("etcd is gone", "unknown"),
        ("fleet is gone", "unknown"),
        ("ssh is gone", "unknown"),
        ("has a mistake of its own", "unknown"),
        ("is skipped", "unknown"),
        ("says fail", "fail"),
        ("a command", "fail"),
        ("on a node [core-01]", "pass"),
    ]
    messages = {r.name: r.message for r in results}
    assert messages["all is well"] == ""
    assert messages["the front answers"] == "the front on core-01 says nothing"
    assert messages["without words"] == "assert 3 == 2 (test_it.py:8)"
    assert messages["etcd is gone"].startswith("etcd: no node answers; http://127.0.0.1:2379: ")
    assert messages["fleet is gone"].startswith("fleet: no node answers; http://127.0.0.1:49153: ")
    assert messages["ssh is gone"].startswith("ssh: ")
    assert messages["has a mistake of its own"] == "KeyError: 'key' (test_it.py:12)"
    assert messages["is skipped"] == "not checked: needs three nodes"
    assert messages["says fail"] == "no good"
    assert messages["a command"] == "echo 'it was' so >&2; exit 7: exit code 7; it was so"


def test_a_front_that_does_not_answer_is_a_failure(checked: Checked) -> None:
    checked.write("""
def test_front(http_get):
    answer = http_get("http://127.0.0.1:1/")
    assert answer.status == 200, answer.body
""")
    result = checked.one()
    assert result.outcome is Outcome.FAIL
    assert result.message.startswith("no answer: ")


def test_fixtures_know_which_nodes_run(checked: Checked) -> None:
    checked.write("""
def test_nodes(nodes, addresses, inventory):
    assert nodes == ["core-01"]
    assert addresses == {"core-01": "127.0.0.1"}
    assert [node.name for node in inventory.nodes] == ["core-01", "core-02"]
""")
    assert checked.one().outcome is Outcome.PASS


def test_what_fails_before_or_after_a_check_counts_as_well(checked: Checked) -> None:
    checked.write("""
import pytest

@pytest.fixture
def before(): assert False, "not ready"

@pytest.fixture
def after():
    yield
    assert False, "not tidied up"

def test_before(before): ...
def test_after(after): ...
""")
    assert [(r.outcome, r.message) for r in checked.run()] == [
        (Outcome.FAIL, "not ready"),
        (Outcome.FAIL, "not tidied up"),
    ]


def test_only_those_of_a_marker(checked: Checked) -> None:
    checked.write("""
import pytest

@pytest.mark.survives
def test_one(): ...
def test_other(): ...
""")
    assert [result.name for result in checked.run(only="survives")] == ["one"]
    checked.write("def test_other(): ...\n")
    assert checked.run(only="survives") == []


def test_checks_of_one_name_are_told_apart_by_their_file(checked: Checked) -> None:
    checked.write("def test_it(): ...\n", "test_a.py")
    checked.write("def test_it(): ...\ndef test_more(): ...\n", "test_b.py")
    assert [result.name for result in checked.run()] == ["a: it", "b: it", "more"]


def test_a_file_that_cannot_be_read_is_unknown_and_the_others_run(checked: Checked) -> None:
    checked.write("import there_is_no_such_module\n", "test_a.py")
    checked.write("def test_it(): ...\n", "test_b.py")
    first, second = checked.run()
    assert (first.name, first.outcome) == ("test_a.py", Outcome.UNKNOWN)
    assert "there_is_no_such_module" in first.message
    assert second.outcome is Outcome.PASS


def test_a_check_is_tried_until_it_holds(checked: Checked) -> None:
    checked.write("""
tries = 0
def test_later():
    global tries
    tries += 1
    assert tries > 3, f"try {tries}"
""")
    began = time.monotonic()
    (result,) = checked.run(deadline=600)
    assert result.outcome is Outcome.PASS
    assert result.message == ""
    assert time.monotonic() - began < 300


def test_all_must_hold_at_the_same_time(checked: Checked) -> None:
    checked.write("""
tries = {"sooner": 0, "later": 0}
def test_only_once_at_first():
    tries["sooner"] += 1
    assert tries["sooner"] != 2, "does not hold any more"  # held in the first round, but not together with the other
def test_later():
    tries["later"] += 1
    assert tries["later"] > 1, "not yet"
def test_count(): pass
""")
    assert {result.outcome for result in checked.run(deadline=30)} == {Outcome.PASS}
    checked.write("""
held = False
def test_holds_once():
    global held
    held, before = True, held
    assert not before, "held once, and never again"
def test_holds_from_the_second_time_on():
    assert test_holds_from_the_second_time_on.__dict__.setdefault("seen", []) or \\
        test_holds_from_the_second_time_on.seen.append(1) or False, "not yet"
""")
    once, later = checked.run(deadline=1.5)
    assert (once.outcome, once.message) == (Outcome.FAIL, "held once, and never again")
    assert later.outcome is Outcome.PASS


def test_one_that_fails_once_is_repeated_also_when_the_first_round_took_too_long(checked: Checked) -> None:
    checked.write("""
import pathlib, time

def test_is_slow(): time.sleep(0.6)
def test_answers_late_once():
    seen = pathlib.Path("seen")
    first = not seen.exists()
    seen.touch()
    assert not first
""")
    assert [result.outcome for result in checked.run(deadline=0.5)] == [Outcome.PASS, Outcome.PASS]


def test_the_deadline_is_shared(checked: Checked) -> None:
    checked.write("def test_a(): assert False, 'no'\ndef test_b(): assert False, 'no'\n")
    began = time.monotonic()
    assert [result.outcome for result in checked.run(deadline=1)] == [Outcome.FAIL, Outcome.FAIL]
    assert 1 <= time.monotonic() - began < 10


def test_what_hangs_is_unknown(checked: Checked, tmp_path: Path) -> None:
    checked.write("""
import time
import coreos_lab.checks.plugin
coreos_lab.checks.plugin.LONGEST = 0.2

def test_hangs(): time.sleep(60)
def test_next(): ...
""")
    hangs, after = checked.run()
    assert (hangs.outcome, hangs.message) == (Outcome.UNKNOWN, "no end within 0.2 s")
    assert after.outcome is Outcome.PASS
    emulated = json.loads(checked.inventory.read_text()) | {"emulated": True}
    checked.inventory.write_text(json.dumps(emulated))
    assert checked.run()[0].message == "no end within 1 s", "machines that are emulated are given more time"


def test_checks_end_with_whoever_asked_for_them(checked: Checked) -> None:
    """SIGKILL tells no one: without a look at the parent they would go on, on the cluster, until the deadline."""
    seen = checked.folder / "seen"
    checked.write(f"""
import os, pathlib, signal, time

def test_never_passes():
    with pathlib.Path({str(seen)!r}).open("a") as out: out.write(f"{{os.getpid()}}\\n")
    if pathlib.Path({str(seen)!r}).read_text().count("\\n") == 2: os.kill(os.getppid(), signal.SIGKILL)
    assert False
""")
    asks = f"""
from pathlib import Path
from tests.unit.checks.checked import run_in
run_in(Path({str(checked.folder)!r}), deadline=60)
"""
    done = subprocess.run([sys.executable, "-c", asks], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == -9
    process = int(seen.read_text().split()[0])
    end = time.monotonic() + 20
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < end, "the checks go on"
        time.sleep(0.05)
    assert seen.read_text().count("\n") == 2
