"""The console's addresses: the page, its live connection, terminals, journals, and what a click asks for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from coreos_lab.chaos.faults import FAULTS
from coreos_lab.console import acts, journal, live, terminal
from coreos_lab.console.acts import Acts
from coreos_lab.console.feed import Feed
from coreos_lab.console.gate import NONCE, Gate, Keys, Role
from coreos_lab.errors import LabError, UsageError
from coreos_lab.providers.base import Provider
from coreos_lab.records import store

TERMINALS = 30  # at a time: each is a process, and a connection to a node
LARGEST = 20_000  # bytes of a request's body
TOO_MANY, MAY_NOT, NO_NODE = 4429, 4403, 4404  # our codes for a terminal that is not opened
Answer = Callable[[Request], Coroutine[Any, Any, Response]]


class Site:
    """The pages of the console of the cluster `name`."""

    def __init__(self, name: str, provider: Provider, feed: Feed, acts_: Acts, keys: Keys, page: Path) -> None:
        self._name, self._provider, self._feed, self._acts, self._keys = name, provider, feed, acts_, keys
        self._page = page
        self._terminals = 0

    def app(self, port: int) -> ASGIApp:
        """The site, behind its gate."""
        routes = [
            Route("/", self._index),
            Route("/api/faults", self._for(Role.LOOK, self._faults)),
            Route("/api/journal", self._for(Role.LOOK, self._journal)),
            Route("/api/acts", self._for(Role.ACT, self._act), methods=["POST"]),
            Route("/api/acts/{number:int}/stop", self._for(Role.ACT, self._stop), methods=["POST"]),
            WebSocketRoute("/live", self._live),
            WebSocketRoute("/terminal", self._terminal),
            Mount("/", StaticFiles(directory=self._page)),
        ]
        return Gate(Starlette(routes=routes), port)

    def _for(self, needed: Role, answer: Answer) -> Answer:
        """An answer for those whose token allows it; errors become one line with its remedy."""

        async def guarded(request: Request) -> Response:
            role = self._keys.of_headers(request.headers)
            if role is None:
                return _error("this link is not, or no longer, one of this console", 401)
            if needed is Role.ACT and role is not Role.ACT:
                return _error("this link is to look only", 403)
            try:
                return await answer(request)
            except UsageError as error:
                return _error(error.message, 400, error.hint)
            except LabError as error:
                return _error(error.message, 409, error.hint)

        return guarded

    async def _index(self, request: Request) -> Response:
        text = (self._page / "index.html").read_text(encoding="utf-8")
        return HTMLResponse(text.replace("NONCE", request.scope["state"][NONCE]))

    async def _faults(self, _request: Request) -> Response:
        """What a node can be broken by: the faults that this provider can do, by their families."""
        able = [fault for fault in FAULTS.values() if fault.is_for(self._provider)]
        return JSONResponse(
            [
                {
                    "kind": fault.kind.value,
                    "family": fault.family,
                    "summary": fault.summary,
                    "undone": fault.undone,
                    "comes_back": fault.comes_back,
                    "parameters": fault.parameters_as_plain,
                }
                for fault in able
            ]
        )

    async def _journal(self, request: Request) -> Response:
        cluster, asked = store.require(self._name), request.query_params
        node = store.require_node(cluster, asked.get("node", ""))
        unit, after = asked.get("unit", ""), asked.get("after", "")
        return JSONResponse(await asyncio.to_thread(journal.read, self._provider, cluster, node, unit, after))

    async def _act(self, request: Request) -> Response:
        order = acts.order(store.require(self._name), await _body(request))
        return JSONResponse({"number": self._acts.begin(order), "command": order.typed}, 202)

    async def _stop(self, request: Request) -> Response:
        self._acts.stop(request.path_params["number"])
        return JSONResponse({}, 202)

    async def _live(self, socket: WebSocket) -> None:
        if known := await live.introduced(socket, self._keys):
            await live.serve(socket, self._feed, known[0])

    async def _terminal(self, socket: WebSocket) -> None:
        known = await live.introduced(socket, self._keys)
        if known is None:
            return
        role, first = known
        cluster = store.load(self._name)
        node = cluster.node(str(first.get("node"))) if cluster else None
        if role is not Role.ACT or node is None:
            await socket.close(NO_NODE if role is Role.ACT else MAY_NOT)
            return
        if self._terminals >= TERMINALS:
            await socket.close(TOO_MANY)
            return
        self._terminals += 1
        try:
            await terminal.serve(socket, self._name, node, first)
        finally:
            self._terminals -= 1


async def _body(request: Request) -> dict[str, Any]:
    text = b""
    async for part in request.stream():
        text += part
        if len(text) > LARGEST:
            raise UsageError(f"the request is longer than {LARGEST} bytes")
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise UsageError("the request is not a JSON object")
    return asked


def _error(message: str, status: int, hint: str = "") -> Response:
    return JSONResponse({"error": message, "hint": hint}, status)
