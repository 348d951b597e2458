"""A browser's connection: what is so, and then every change, until either side ends."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from coreos_lab.console.feed import Feed
from coreos_lab.console.gate import Keys, Role

INTRODUCTION = 10.0  # seconds for a page to say its token
TOGETHER = 0.4  # seconds within which changes are sent together
BEAT = 5.0  # seconds without news after which an empty message says that the connection lives
NO_TOKEN = 4401  # our code for a token that is not, or no longer, this console's


async def introduced(socket: WebSocket, keys: Keys) -> tuple[Role, dict[str, Any]] | None:
    """Accepts a connection; returns what the token in its first message allows, and that message.

    None for a token that allows nothing; then the connection is closed.
    """
    await socket.accept()
    try:
        first = await asyncio.wait_for(socket.receive_json(), INTRODUCTION)
    except (TimeoutError, ValueError, KeyError, RecursionError, WebSocketDisconnect):
        first = None
    role = keys.role(first.get("token")) if isinstance(first, dict) else None
    if role is None:
        with contextlib.suppress(RuntimeError):  # the page has closed it
            await socket.close(NO_TOKEN)
        return None
    return role, first


async def serve(socket: WebSocket, feed: Feed, role: Role) -> None:
    """Sends what is new to the page, several changes at a time, until the page is gone."""
    loop = asyncio.get_running_loop()
    news = asyncio.Event()
    news.set()
    gone = asyncio.create_task(_gone(socket))
    try:
        with feed.reading(lambda: _wake(loop, news)) as reader:
            more: dict[str, Any] = {"role": role.value}
            while not gone.done():
                news.clear()
                if message := {**more, **feed.news(reader)}:
                    await socket.send_json(message)
                    more = {}
                    await asyncio.wait({gone}, timeout=TOGETHER)
                waiting = asyncio.create_task(news.wait())
                await asyncio.wait({waiting, gone}, timeout=BEAT, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                if not news.is_set() and not gone.done():
                    await socket.send_json({})
    except (WebSocketDisconnect, RuntimeError):  # it went away while something was sent
        pass
    finally:
        gone.cancel()


def _wake(loop: asyncio.AbstractEventLoop, news: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(news.set)


async def _gone(socket: WebSocket) -> None:
    """Ends when the page is gone. It has nothing to say after its token."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
