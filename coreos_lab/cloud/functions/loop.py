"""Runs a function's handler: asks the Runtime API for events, one at a time, and gives results and errors back.

Source: "Using the Lambda runtime API for custom runtimes" and "AWS Lambda context object in Python" in AWS's developer
guide. This program runs in the function's own process, by the host's Python, and needs its standard library alone.
"""

from __future__ import annotations

import http.client
import importlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

BASE = "/2018-06-01/runtime"


class Context:
    """What a handler is told of its invocation."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's time is over."""
        return max(0, self._deadline - int(time.time() * 1000))


class Runtime:
    """The Runtime API."""

    def __init__(self) -> None:
        self._connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def ask(self, method: str, place: str, body: bytes = b"", kind: str = "") -> tuple[Mapping[str, str], bytes]:
        headers = {"Lambda-Runtime-Function-Error-Type": kind} if kind else {}
        self._connection.request(method, BASE + place, body or None, headers)
        answer = self._connection.getresponse()
        return dict(answer.getheaders()), answer.read()

    def fail(self, place: str, error: BaseException, kind: str = "", request: str = "") -> None:
        """Tells what went wrong, here and in the log."""
        kind = kind or type(error).__name__
        trace = traceback.format_tb(error.__traceback__)
        own = [each for each in trace if f'"{__file__}"' not in each]
        print(f"[ERROR] {kind}: {error}", "Traceback (most recent call last):", *own, sep="\n", flush=True)
        said = {"errorMessage": str(error), "errorType": kind, "requestId": request, "stackTrace": own}
        self.ask("POST", place, json.dumps(said).encode(), kind)


def load(handler: str) -> Callable[[Any, Context], Any]:
    """The handler that a name such as index.handler stands for."""
    module, dot, name = handler.rpartition(".")
    if not dot:
        raise NameError(f"Bad handler '{handler}': it is FILE.FUNCTION")
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    found: Callable[[Any, Context], Any] = getattr(importlib.import_module(module.replace("/", ".")), name)
    return found


KINDS = {
    ImportError: "Runtime.ImportModuleError",
    SyntaxError: "Runtime.UserCodeSyntaxError",
    AttributeError: "Runtime.HandlerNotFound",
    NameError: "Runtime.MalformedHandlerName",
}


def main() -> None:
    """Serves until the process is ended."""
    runtime = Runtime()
    try:
        handler = load(os.environ["_HANDLER"])
    except BaseException as error:
        kind = next((kind for base, kind in KINDS.items() if isinstance(error, base)), "")
        runtime.fail("/init/error", error, kind)
        sys.exit(1)
    while True:
        headers, body = runtime.ask("GET", "/invocation/next")
        request = headers["Lambda-Runtime-Aws-Request-Id"]
        place = f"/invocation/{request}"
        try:
            result = json.dumps(handler(json.loads(body), Context(headers))).encode()
        except Exception as error:
            runtime.fail(f"{place}/error", error, request=request)
            continue
        sys.stdout.flush()
        runtime.ask("POST", f"{place}/response", result)


main()
