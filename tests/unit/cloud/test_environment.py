"""What becomes of an event: by the real loops in Node and Python, which talk to a real Runtime API."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coreos_lab.cloud import inside
from coreos_lab.cloud.functions import pool
from coreos_lab.cloud.functions.environment import Environment, Outcome
from coreos_lab.cloud.functions.runtimes import NODE, OF_NODE, OF_PYTHON, RUNTIMES
from coreos_lab.wait import until
from tests.unit.cloud.run_locally import environment

Start = Callable[..., Environment]
JS, PY = "nodejs22.x", "python3.12"
NEEDS_NODE = pytest.mark.skipif(shutil.which(NODE) is None, reason="there is no Node")


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a function of this text; the Runtime API listens in the test's own network namespace."""
    monkeypatch.setattr("coreos_lab.cloud.functions.environment.INIT", 300.0)  # on a host that is busy
    monkeypatch.setattr(inside, "listen", lambda _namespace, address, port: socket.create_server((address, port)))
    made: list[Environment] = []

    def go(runtime: str, text: str, timeout: int = 300) -> Environment:
        made.append(environment(tmp_path, runtime, text, timeout))
        return made[-1]

    yield go
    for each in made:
        each.end()


def said(outcome: Outcome | None) -> Any:
    assert outcome
    return json.loads(outcome.payload)


def log(outcome: Outcome | None) -> list[str]:
    assert outcome
    return [line for _moment, line in outcome.lines]


@NEEDS_NODE
def test_a_process_stays_for_the_next_event_and_logs_between_start_and_report(start: Start) -> None:
    one = start(JS, "let n = 0; exports.handler = async (event) => { console.log('got', event.a); return {n: ++n}; };")
    first, second = one.invoke(b'{"a": 7}', "r-1"), one.invoke(b"{}", "r-2")
    assert (said(first), said(second)) == ({"n": 1}, {"n": 2})
    begin, line, end, report = log(first)
    assert begin == "START RequestId: r-1 Version: $LATEST"
    assert line.endswith("INFO\tgot 7")
    assert end == "END RequestId: r-1"
    assert "Init Duration" in report
    assert "Memory Size: 128 MB" in report
    assert "Init Duration" not in log(second)[-1]


@NEEDS_NODE
@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("exports.handler = (event, context, back) => back(null, [event.a]);", [1]),
        ("exports.handler = (event, context) => context.succeed(context.functionName);", "FUNCTION_NAME"),
        ("exports.handler = () => {};", None),
    ],
)
def test_handlers_of_older_nodes_work_too(start: Start, body: str, result: Any) -> None:
    outcome = start(JS, body).invoke(b'{"a": 1}', "r-1")
    assert outcome
    assert (said(outcome), outcome.error) == (result, False)


@NEEDS_NODE
def test_an_error_is_told_and_the_process_goes_on(start: Start) -> None:
    text = "exports.handler = async (e) => { if (e.bad) throw new TypeError('no good'); return 1; };"
    one = start(JS, text)
    outcome = one.invoke(b'{"bad": 1}', "r-1")
    assert outcome
    assert outcome.error
    failed = said(outcome)
    assert (failed["errorType"], failed["errorMessage"]) == ("TypeError", "no good")
    assert failed["trace"][0] == "TypeError: no good"
    assert any("Invoke Error" in line for line in log(outcome))
    assert said(one.invoke(b"{}", "r-2")) == 1


@NEEDS_NODE
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("throw new RangeError('at once');", "RangeError"),
        ("exports.handler = 1;", "Runtime.HandlerNotFound"),
        ("this is no program", "Runtime.UserCodeSyntaxError"),
        ("require('nothing');", "Runtime.ImportModuleError"),
    ],
)
def test_code_that_cannot_begin_is_told_with_the_first_event(start: Start, text: str, kind: str) -> None:
    one = start(JS, text)
    outcome = one.invoke(b"{}", "r-1")
    assert outcome
    assert (outcome.error, said(outcome)["errorType"], one.over) == (True, kind, True)


def test_an_environment_that_cannot_begin_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_asked: object) -> None:
        raise FileNotFoundError("its namespace is gone")

    ended: list[str] = []
    sandbox: Any = SimpleNamespace(
        output=tmp_path / "output", order=SimpleNamespace(namespace=tmp_path), end=lambda: ended.append("sandbox")
    )
    os.mkfifo(sandbox.output)
    monkeypatch.setattr(inside, "listen", gone)
    monkeypatch.setattr(pool, "Sandbox", lambda *_asked: sandbox)
    function: Any = SimpleNamespace(number=1, revision="1", timeout=3, arn="arn")
    none: Any = None
    with pytest.raises(FileNotFoundError):
        pool.Pool(none, none, lambda _function: none, print).run(function, b"{}", "r-1")
    assert ended == ["sandbox"]
    until(
        lambda: not [each for each in threading.enumerate() if each.name == f"output {tmp_path.name}"],
        deadline=10,
        missing="its thread goes on",
    )


@NEEDS_NODE
@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"5"])
def test_what_a_process_says_of_its_own_failure_may_be_anything(start: Start, body: bytes) -> None:
    one = start(JS, "exports.handler = async () => 1;")
    one.fail(body, "Mine")
    outcome = one.invoke(b"{}", "r-1")
    assert outcome
    assert (outcome.error, outcome.payload) == (True, body)


@NEEDS_NODE
def test_a_handler_that_hangs_is_out_of_time(start: Start) -> None:
    one = start(JS, "exports.handler = async () => { for (;;) {} };", timeout=1)
    outcome = one.invoke(b"{}", "r-1")
    assert outcome
    assert (outcome.error, one.over) == (True, True)
    assert said(outcome) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: r-1 Error: Task timed out after 1.00 seconds",
    }
    assert any("Task timed out after 1.00 seconds" in line for line in log(outcome))


@NEEDS_NODE
def test_a_process_that_ends_is_an_error(start: Start) -> None:
    one = start(JS, "exports.handler = () => process.exit(3);")
    outcome = one.invoke(b"{}", "r-1")
    assert outcome
    assert (said(outcome)["errorType"], one.over) == ("Runtime.ExitError", True)


@NEEDS_NODE
def test_an_event_for_a_process_that_has_ended_since_the_last_one_goes_to_another(start: Start) -> None:
    one = start(JS, "exports.handler = async () => { setTimeout(() => process.exit(0), 50); };")
    assert said(one.invoke(b"{}", "r-1")) is None
    end = time.monotonic() + 30
    while one.sandbox.runs() and time.monotonic() < end:
        time.sleep(0.05)
    one._asking = False  # as its last request for an event has ended with it
    assert one.invoke(b"{}", "r-2") is None
    assert one.over


@NEEDS_NODE
def test_a_megabyte_of_output_is_logged_and_an_answer_that_is_too_large_is_an_error(start: Start) -> None:
    one = start(JS, "exports.handler = async (e) => { console.log('#'.repeat(1 << 20)); return 'y'.repeat(e.size); };")
    outcome = one.invoke(b'{"size": 1}', "r-1")
    assert sum(line.count("#") for line in log(outcome)) == 2**20
    assert max(len(line) for line in log(outcome)) <= 2**18
    large = one.invoke(json.dumps({"size": 7 * 2**20}).encode(), "r-2")
    assert large
    assert (large.error, said(large)["errorType"]) == (True, "Function.ResponseSizeTooLarge")


def test_python_functions_get_their_event_and_context(start: Start) -> None:
    text = """
print("begin")
def handler(event, context):
    print("event", event)
    if "bad" in event:
        raise ValueError("no good")
    return [context.aws_request_id, context.get_remaining_time_in_millis() > 0]
"""
    one = start(PY, text)
    outcome = one.invoke(b'{"a": 1}', "r-1")
    assert said(outcome) == ["r-1", True]
    assert log(outcome)[1:3] == ["begin", "event {'a': 1}"]
    failed = said(one.invoke(b'{"bad": 1}', "r-2"))
    assert (failed["errorType"], failed["errorMessage"], failed["requestId"]) == ("ValueError", "no good", "r-2")
    assert "raise ValueError" in failed["stackTrace"][0]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("import nothing", "Runtime.ImportModuleError"),
        ("x = 1", "Runtime.HandlerNotFound"),
        ("def", "Runtime.UserCodeSyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_python_code_that_cannot_begin(start: Start, text: str, kind: str) -> None:
    outcome = start(PY, text).invoke(b"{}", "r-1")
    assert outcome
    assert (outcome.error, said(outcome)["errorType"]) == (True, kind)


def test_what_the_kernel_kills_for_its_memory_is_told_as_that(start: Start) -> None:
    one = start(PY, "import os, signal\ndef handler(event, context):\n    os.kill(os.getpid(), signal.SIGKILL)")
    one.sandbox.used = 128 * 2**20  # type: ignore[attr-defined]
    assert said(one.invoke(b"{}", "r-1"))["errorType"] == "Runtime.OutOfMemory"


def test_names_of_runtimes_stand_for_what_is_there() -> None:
    assert RUNTIMES["nodejs4.3"] is OF_NODE
    assert RUNTIMES["python3.9"] is OF_PYTHON
    assert OF_NODE.command(1000) == ["node", "--max-old-space-size=900", "/var/runtime/loop.js"]
    assert "java21" not in RUNTIMES
