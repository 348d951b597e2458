"""Who may ask: every request passes here before anything else sees it.

A page on the web can make the reader's browser send requests to this machine. It cannot set their Host and Origin, and
knows no token: there are no cookies, so a browser adds nothing to a request that would let it in.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from enum import Enum
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coreos_lab.records.consoles import Console

BEARER = "Bearer "
NONCE = "nonce"  # in a request's state: what the page's own style elements carry


class Role(Enum):
    """What a token allows."""

    ACT = "act"
    LOOK = "look"


@dataclass(frozen=True)
class Keys:
    """The tokens of a console."""

    console: Console

    def role(self, token: Any) -> Role | None:
        """What a token allows; None for one that is not ours."""
        if not isinstance(token, str):
            return None
        given = token.encode(errors="replace")  # JSON can have what no encoding has
        for role, known in ((Role.ACT, self.console.token), (Role.LOOK, self.console.look)):
            if hmac.compare_digest(given, known.encode()):
                return role
        return None

    def of_headers(self, headers: Headers) -> Role | None:
        """What a request's Authorization header allows."""
        value = headers.get("authorization", "")
        return self.role(value.removeprefix(BEARER)) if value.startswith(BEARER) else None


class Gate:
    """Refuses requests to another host's name and from another page, and adds the headers that bind our page."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request (https://asgi.readthedocs.io/en/latest/specs/www.html)."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if why := self._refusal(scope):
            # Before a WebSocket is accepted, closing it answers its handshake with 403.
            refused = PlainTextResponse(why, 403)
            await (refused(scope, receive, send) if scope["type"] == "http" else send({"type": "websocket.close"}))
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})[NONCE] = nonce

        async def bound(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_headers(nonce, Headers(scope=scope)["host"]))
            await send(message)

        await self._app(scope, receive, bound)

    def _refusal(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return "This is the console of a cluster, and not the host that was asked for.\n"
        asks = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if (origins or not asks) and origins != [f"http://{hosts[0]}"]:
            return "This request does not come from the console's own page.\n"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and scope["path"] != "/":
            return "This request does not come from the console's own page.\n"
        return ""


def _headers(nonce: str, host: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
            f"connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
