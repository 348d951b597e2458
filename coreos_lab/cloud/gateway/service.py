"""API Gateway of one cloud: carries requests to its API out, and answers those to the APIs that it has."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from coreos_lab.cloud import json_api, query
from coreos_lab.cloud.functions.service import Functions
from coreos_lab.cloud.gateway import actions, names, serving
from coreos_lab.cloud.gateway.kept import Kept, path
from coreos_lab.cloud.gateway.resources import Resources, api_of, resource_of
from coreos_lab.cloud.gateway.serving import Call, Serving
from coreos_lab.cloud.gateway.stages import Stages
from coreos_lab.cloud.json_api import Asked, Values
from coreos_lab.cloud.requests import length
from coreos_lab.cloud.s3.answer import Reply
from coreos_lab.cloud.sigv4 import RefusedError, Request, pairs
from coreos_lab.model import Cloud

NAME = "apigateway"
BODY_MAX = 10 * 2**20  # bytes
STATUS = {"Create": 201, "Put": 201, "Delete": 204, "Tag": 204, "Untag": 204}  # by how an action's name begins
ACCEPTED = ("DeleteRestApi", "DeleteStage", "DeleteDeployment")
TESTED = "test-invoke-stage"


class Gateway:
    """The REST APIs of one cloud."""

    def __init__(self, cloud: Cloud, place: Path, functions: Functions) -> None:
        self.cloud, self.kept, self.lock = cloud, Kept.load(place), threading.RLock()
        self._resources, self._stages = Resources(self.kept), Stages(self.kept)
        self._serving = Serving(cloud.region, functions)

    def read(self, request: Request) -> Asked:
        """What a request asks for. RefusedError names what is not part of this cloud."""
        return actions.read(request)

    def call(self, asked: Asked) -> Reply:
        """Carries a request out. RefusedError says why not."""
        if asked.action == "TestInvokeMethod":
            return json_api.reply(self._test(asked.values))
        name = query.method(asked.action).lstrip("_")
        part = next(each for each in (self._resources, self._stages) if hasattr(each, name))
        with self.lock:
            try:
                result = getattr(part, name)(asked.values)
                if not asked.action.startswith("Get"):
                    self.kept.save()
            except Exception:  # what is refused, or cannot be written, has changed nothing
                self.kept.apis = Kept.load(self.kept.path).apis
                raise
        status = next((code for begin, code in STATUS.items() if asked.action.startswith(begin)), 200)
        return json_api.reply(result, 202 if asked.action in ACCEPTED else status)

    def is_about(self, environ: dict[str, Any]) -> bool:
        """Whether a request is one to an API, by the name that it was sent to."""
        return names.HOST.fullmatch(_host(environ)) is not None

    def serve(self, environ: dict[str, Any]) -> Reply:
        """What an API answers."""
        match = names.HOST.fullmatch(_host(environ))
        api = self.kept.apis.get(match[1]) if match else None
        if match is None or api is None or match[2] != self.cloud.region:
            return serving.refused(403, "Forbidden", "ForbiddenException")
        place, _mark, asked = environ["REQUEST_URI"].partition("?")
        _empty, _slash, rest = place.partition("/")
        name, _slash, below = rest.partition("/")
        with self.lock:
            stage = api.stages.get(unquote(name))
            resources = api.deployments[stage.deployment].resources if stage else None
        if stage is None or resources is None:
            return serving.refused(403, "Forbidden", "ForbiddenException")
        try:
            size = length(environ)
        except RefusedError as error:
            return serving.refused(400, error.message, "BadRequestException")
        if size > BODY_MAX or environ.get("HTTP_TRANSFER_ENCODING"):
            return serving.refused(413, "Request Too Long", "RequestTooLargeException")
        headers = {
            name[5:].replace("_", "-").lower(): str(value) for name, value in environ.items() if name[:5] == "HTTP_"
        }
        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        call = Call(
            api.id,
            stage.name,
            environ["REQUEST_METHOD"],
            f"/{unquote(below)}",
            tuple(pairs(asked)),
            headers,
            environ["wsgi.input"].read(size),
            str(environ.get("REMOTE_ADDR", "")),
            stage.variables,
        )
        return self._serving.answer(resources, call)

    def _test(self, asked: Values) -> Values:
        """A method tried out as it is now, without a deployment."""
        with self.lock:
            method = self._resources.method_of(asked)
            self._resources.integration_of(asked)
            api = api_of(self.kept, asked)
            place = path(api.resources, resource_of(api, asked["resourceId"]))
        target, _mark, query_ = str(asked.get("pathWithQueryString") or place).partition("?")
        headers = {str(name).lower(): str(value) for name, value in asked.get("headers", {}).items()}
        body = str(asked.get("body", "")).encode()
        call = Call(api.id, TESTED, asked["httpMethod"], target, tuple(pairs(query_)), headers, body)
        found = serving.find(api.resources, target)
        reply = self._serving.of_method(place, method, call, found[1] if found else {})
        text = b"".join(reply.body).decode("utf-8", "replace")
        return {"status": reply.status, "body": text, "headers": dict(reply.headers), "log": "", "latency": 0}

    def listed(self) -> list[dict[str, str]]:
        """All APIs, for `lab cloud`: the name of each, and the name under which it answers."""
        with self.lock:
            return [
                {"name": each.name, "dns": names.host(self.cloud.region, each.id)} for each in self.kept.apis.values()
            ]


def _host(environ: dict[str, Any]) -> str:
    return str(environ.get("HTTP_HOST", "")).partition(":")[0].lower()
