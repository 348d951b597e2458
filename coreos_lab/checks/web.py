"""HTTP for checks: that a server does not answer is a result, not an error. fixtures.py has the fixtures."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

import pytest

from coreos_lab import wait

EXCERPT = 200  # characters of an unexpected body that a message quotes


@dataclass(frozen=True)
class Answer:
    """An answer over HTTP. Status 0 means that there was none; `body` then says why."""

    status: int
    body: str


def get(url: str, *, timeout: float = 2.0, method: str = "GET") -> Answer:
    """Requests a URL. No answer within `timeout` seconds is an Answer with status 0."""
    return Visitor().get(url, timeout=timeout, method=method)


def get_json(url: str, *, timeout: float = 2.0) -> Any:
    """The JSON at a URL. Fails the check on any status but 200, on a body that is not JSON, and without an answer."""
    return Visitor().get_json(url, timeout=timeout)


class Visitor:
    """A visitor with a browser: cookies that one server sets are sent to all servers, as behind one address."""

    def __init__(self) -> None:
        self.cookies: dict[str, str] = {}

    def get(self, url: str, *, timeout: float = 2.0, method: str = "GET") -> Answer:
        """Requests a URL with the cookies so far and keeps those of the answer; else like the function `get`."""
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = (
            {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        )
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=wait.patiently(timeout))
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            self._keep(answer.headers.get_all("Set-Cookie", []))
            return Answer(answer.status, answer.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, f"no answer: {error or type(error).__name__}")
        finally:
            connection.close()

    def get_json(self, url: str, *, timeout: float = 2.0) -> Any:
        """The JSON at a URL, requested with the cookies so far; else like the function `get_json`."""
        answer = self.get(url, timeout=timeout)
        if answer.status != http.client.OK:
            pytest.fail(f"{url}: HTTP {answer.status}: {answer.body.strip()[:EXCERPT]}")
        try:
            return json.loads(answer.body)
        except ValueError:
            pytest.fail(f"{url}: the answer is not JSON: {answer.body.strip()[:EXCERPT]!r}")

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            try:
                self.cookies |= {name: morsel.coded_value for name, morsel in SimpleCookie(line).items()}
            except CookieError:
                continue  # a malformed cookie, which browsers ignore, too
