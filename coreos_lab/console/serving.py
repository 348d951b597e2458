"""A console's process: it serves until it is told to stop, or its cluster is destroyed."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from coreos_lab import hints, interrupts
from coreos_lab.errors import LabError
from coreos_lab.providers import conditions
from coreos_lab.providers.base import Provider
from coreos_lab.records.consoles import Console
from coreos_lab.records.store import ClusterFolder

if TYPE_CHECKING:
    from starlette.types import ASGIApp

PRESENT = 1.0  # seconds between two looks whether the cluster is still there
FAREWELL = 1.0  # seconds for the pages to be told that it is not
ENDING = 3.0  # seconds for connections to end
LAST_PORT = 65535
WAITING = 128  # connections that may wait to be accepted


def page() -> Path:
    """The folder of the built page. LabError where it was not built, or something of the extra is not installed."""
    if missing := conditions.missing_for_console():
        raise LabError(
            f"{', '.join(missing)}: not installed, and the console needs it", "pip install 'coreos-lab[console]'"
        )
    built = conditions.console_page()
    if not (built / "main.js").is_file():
        raise LabError(f"{built}: the console's page is not built", "build it: scripts/build-console.sh")
    return built


def listening(port: int) -> socket.socket:
    """A socket that listens on loopback. LabError where another program does."""
    try:
        return socket.create_server(("127.0.0.1", port), backlog=WAITING)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise LabError(
                f"127.0.0.1:{port}: another program listens there, so the console cannot",
                f"see which it is: ss -ltnp 'sport = :{port}'; "
                f"or choose another port: '{hints.lab('console', '--port', port % LAST_PORT + 1)}'",
            ) from None
        raise LabError(f"127.0.0.1:{port}: the console cannot listen there: {error.strerror}") from None


def serve(name: str, provider: Provider, console: Console, opened: socket.socket, begun: Callable[[], None]) -> str:
    """Serves the console of the cluster `name` on an open socket until a signal ends it; calls `begun` once it does.

    Returns the call that goes on then, as one would type it, "" for none. LabError when the cluster is there no more.
    """
    from coreos_lab.console.acts import Acts
    from coreos_lab.console.collector import Collector
    from coreos_lab.console.feed import Feed
    from coreos_lab.console.gate import Keys
    from coreos_lab.console.site import Site

    feed = Feed()
    feed.update(cluster=name, acts={}, call=call())
    collector = Collector(name, provider, feed)
    feed.on_look = collector.watch
    acts = Acts(name, feed, collector.soon)
    site = Site(name, provider, feed, acts, Keys(console), page())
    with _signals() as told, served(site.app(console.port), opened) as thread:
        begun()
        try:
            _until_over(name, console, thread, told)
        except LabError as error:
            feed.update(gone=error.message)
            time.sleep(FAREWELL)
            raise
        finally:
            collector.watch(False)
    return acts.going_on()


def call() -> list[str]:
    """What stands before and after the words of a command, so that what the page prints reaches this cluster."""
    return hints.lab("heal").split(" heal", 1)


@contextmanager
def served(app: ASGIApp, opened: socket.socket) -> Iterator[threading.Thread]:
    """Serves an application on an open socket while the block runs, in the thread that the block gets.

    There, the server leaves signals alone: they are for the process.
    """
    import uvicorn

    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)  # a broken connection is nothing to tell the reader of
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=1 << 20,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]}, daemon=True, name="server")
    thread.start()
    try:
        yield thread
    finally:
        server.should_exit = True
        thread.join(ENDING)


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that the signals set which end this process: for a console, Ctrl-C is the ordinary end."""
    told = threading.Event()
    heeded = [each for each in interrupts.SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]  # nohup ignores one
    before = {number: signal.signal(number, lambda *_args: told.set()) for number in heeded}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _until_over(name: str, console: Console, thread: threading.Thread, told: threading.Event) -> None:
    """Returns when this process is to end. LabError when the cluster, or the server, is there no more."""
    record = ClusterFolder(name).console
    while not told.wait(PRESENT):
        if not thread.is_alive():
            raise LabError(f"{name}: the console's server has ended")
        try:
            ours = console.token in record.read_text(encoding="utf-8")
        except FileNotFoundError:  # one look, not two: it may go in between
            ours = False
        if not ours:
            raise LabError(f"{name}: was destroyed, so its console has ended", f"make it anew: '{hints.lab('up')}'")
