"""What a stage answers: the method that a path has, the function behind it, and its result as HTTP."""

from __future__ import annotations

import json
import re
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from coreos_lab.cloud import json_api
from coreos_lab.cloud.functions import permissions
from coreos_lab.cloud.functions.kept import ACTIVE
from coreos_lab.cloud.functions.runner import Result
from coreos_lab.cloud.functions.service import Functions
from coreos_lab.cloud.gateway import names
from coreos_lab.cloud.gateway.kept import Resource, path
from coreos_lab.cloud.json_api import Values
from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.s3.answer import Reply
from coreos_lab.cloud.sigv4 import RefusedError
from coreos_lab.errors import LabError

SERVICE = "apigateway.amazonaws.com"
JSON = "application/json"
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # of a header, and its value: RFC 9110
VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
# What the gateway says itself of an answer. AWS gives a function's own another name, too.
OWN, MOVED = ("connection", "content-length", "transfer-encoding"), "x-amzn-Remapped-"


@dataclass(frozen=True)
class Call:
    """A request to a stage. `path` begins with a slash and has no stage; names of `headers` are in lower case."""

    api: str
    stage: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    client: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


def refused(status: int, message: str, kind: str = "") -> Reply:
    """An answer that the gateway makes itself."""
    headers = {"Content-Type": JSON, "x-amzn-RequestId": str(uuid4()), **({"x-amzn-ErrorType": kind} if kind else {})}
    return Reply(status, headers, [json.dumps({"message": message}, separators=(",", ":")).encode()])


def no_token() -> Reply:
    """The answer where there is no such API, stage, path or method."""
    return refused(403, "Missing Authentication Token", "MissingAuthenticationTokenException")


def broken() -> Reply:
    """The answer where what is behind a method does not work."""
    return refused(500, "Internal server error", "InternalServerErrorException")


def find(resources: Mapping[str, Resource], asked: str) -> tuple[Resource, dict[str, str]] | None:
    """The resource that a path leads to, with the values of its variables: what is written out comes first."""
    parts = [each for each in asked.split("/") if each]

    def step(resource: Resource, rest: list[str]) -> tuple[Resource, dict[str, str]] | None:
        if not rest:
            return resource, {}
        children = [each for each in resources.values() if each.parent == resource.id]
        for each in sorted(children, key=lambda one: (one.part.startswith("{"), one.part.endswith("+}"))):
            name = each.part.strip("{}")
            if each.part.endswith("+}"):
                return each, {name.rstrip("+"): "/".join(rest)}
            if each.part == rest[0] or each.part.startswith("{"):
                found = step(each, rest[1:])
                if found is not None:
                    return found[0], {**({name: rest[0]} if each.part.startswith("{") else {}), **found[1]}
        return None

    root = next(each for each in resources.values() if not each.parent)
    return step(root, parts)


class Serving:
    """Answers for stages. `region` is the cloud's."""

    def __init__(self, region: str, functions: Functions) -> None:
        self.region, self.functions = region, functions

    def answer(self, resources: Mapping[str, Resource], call: Call) -> Reply:
        """What a deployment answers."""
        found = find(resources, call.path)
        if found is None:
            return no_token()
        resource, parameters = found
        method = resource.methods.get(call.method) or resource.methods.get("ANY")
        return self.of_method(path(resources, resource), method, call, parameters) if method else no_token()

    def of_method(self, place: str, method: Values, call: Call, parameters: Mapping[str, str]) -> Reply:
        """What a method at a place, such as /pets/{id}, answers."""
        integration = method["methodIntegration"]
        proxy = integration["type"] == "AWS_PROXY"
        if proxy:
            event = json.dumps(self._event(place, call, parameters)).encode()
        else:
            kind = call.headers.get("content-type", JSON).partition(";")[0].strip()
            if integration["passthroughBehavior"] == "NEVER":
                return refused(415, "Unsupported Media Type", "UnsupportedMediaTypeException")
            try:
                event = json.dumps(json_api.loads(call.body)).encode() if call.body.strip() else b"{}"
            except ValueError:
                said = f"Could not parse request body into json: it is {kind}, and a function takes JSON"
                return refused(400, said, "BadRequestException")
        source = names.source(self.region, call.api, call.stage, method["httpMethod"].replace("ANY", "*"), place)
        try:
            result = self._run(
                names.function_of(integration["uri"]) or "", source, event, integration["timeoutInMillis"]
            )
        except (RefusedError, LabError):
            return broken()
        if result is None:
            return refused(504, "Endpoint request timed out", "InternalServerErrorException")
        return _proxied(result) if proxy else _mapped(result, integration.get("integrationResponses", {}))

    def _run(self, arn: str, source: str, event: bytes, timeout: int) -> Result | None:
        """What a function makes of an event; None if that takes longer than `timeout` milliseconds.

        RefusedError where it cannot be run, or may not be by its own policy.
        """
        function = self.functions.require(arn)
        if function.state != ACTIVE or not permissions.allows_service(function, SERVICE, source):
            raise RefusedError("AccessDeniedException", f"{source}: Invalid permissions on Lambda function")
        runner, done = self.functions.running(), threading.Event()
        found: list[Result | Exception] = []

        def work() -> None:
            try:
                found.append(runner.run(function, event))
            except Exception as error:
                found.append(error)
            done.set()

        threading.Thread(target=work, daemon=True, name=f"integration {function.name}").start()
        if not done.wait(timeout / 1000):
            return None
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    def _event(self, place: str, call: Call, parameters: Mapping[str, str]) -> Values:
        """A request as the event of a proxy integration (payload format 1.0)."""
        shown = {_cased(name): value for name, value in call.headers.items()}
        several: dict[str, list[str]] = {}
        for name, value in call.query:
            several.setdefault(name, []).append(value)
        body, binary = None, False
        if call.body:
            try:
                body = call.body.decode()
            except UnicodeDecodeError:
                body, binary = b64encode(call.body).decode(), True
        return {
            "resource": place,
            "path": call.path,
            "httpMethod": call.method,
            "headers": shown,
            "multiValueHeaders": {name: [value] for name, value in shown.items()},
            "queryStringParameters": dict(call.query) or None,
            "multiValueQueryStringParameters": several or None,
            "pathParameters": dict(parameters) or None,
            "stageVariables": dict(call.variables) or None,
            "requestContext": {
                "accountId": ACCOUNT,
                "apiId": call.api,
                "httpMethod": call.method,
                "identity": {"sourceIp": call.client, "userAgent": call.headers.get("user-agent")},
                "path": f"/{call.stage}{call.path}",
                "protocol": "HTTP/1.1",
                "requestId": str(uuid4()),
                "requestTimeEpoch": int(time.time() * 1000),
                "resourcePath": place,
                "stage": call.stage,
            },
            "body": body,
            "isBase64Encoded": binary,
        }


def _cased(name: str) -> str:
    return "-".join(each.capitalize() for each in name.split("-"))


def _mapped(result: Result, responses: Mapping[str, Values]) -> Reply:
    """The result of an integration that is no proxy, by the response whose pattern an error matches, or the default."""
    said: Any = {}
    if result.error:
        try:
            said = json_api.loads(result.payload)
        except ValueError:
            said = {}
    message = str(said.get("errorMessage", "")) if isinstance(said, dict) else ""
    default = next((code for code, each in responses.items() if not each.get("selectionPattern")), None)
    matching = (
        code
        for code, each in responses.items()
        if result.error and each.get("selectionPattern") and re.fullmatch(each["selectionPattern"], message, re.DOTALL)
    )
    status = next(matching, default)
    if status is None:
        return broken()
    headers = {"Content-Type": JSON, "x-amzn-RequestId": result.request}
    return Reply(int(status), headers, [result.payload])


def _proxied(result: Result) -> Reply:
    """The result of a proxy integration: the function says status, headers and body."""
    malformed = refused(502, "Internal server error", "InternalServerErrorException")
    if result.error:
        return malformed
    try:
        said = json_api.loads(result.payload)
        status = int(said.get("statusCode", 200))
        headers = {str(name): str(value) for name, value in (said.get("headers") or {}).items()}
        for name, values in (said.get("multiValueHeaders") or {}).items():
            headers[str(name)] = ", ".join(map(str, values))
        body = said.get("body") or ""
        if not isinstance(body, str) or not 200 <= status <= 599:  # noqa: PLR2004 - what ends a request
            return malformed
        if not all(NAME.fullmatch(name) and VALUE.fullmatch(value) for name, value in headers.items()):
            return malformed
        headers = {f"{MOVED}{name}" if name.lower() in OWN else name: value for name, value in headers.items()}
        data = b64decode(body) if said.get("isBase64Encoded") else body.encode()
    except (ValueError, OverflowError, AttributeError, TypeError):
        return malformed
    if not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = JSON
    return Reply(status, {"x-amzn-RequestId": result.request, **headers}, [data])
