"""A browser without a screen, driven over a pipe: enough of Chromium's own protocol to see what a page shows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 600.0  # seconds for an element to be clicked
LOOK = 0.1  # seconds between two looks whether it stays
REACHED = """selector => {
    const element = document.querySelector(selector);
    if (!element || element.disabled) return null;
    element.scrollIntoView({block: 'center'});
    const box = element.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
    return document.elementFromPoint(x, y)?.closest(selector) ? [x, y] : null;
}"""


class RefusedError(Exception):
    """The browser does not carry a command out."""


class Page:
    """One open page."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._out = os.fdopen(to_browser, "wb", buffering=0)
        self._in = os.fdopen(from_browser, "rb")
        self._count = 0
        self._session: str | None = None
        self.errors: list[str] = []  # of the page's scripts, and what the browser refuses to load or run
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable", {})

    def close(self) -> None:
        """Closes the pipes, at which the browser ends: what was started may be a script that has started it."""
        self._out.close()
        self._in.close()

    def open(self, url: str) -> None:
        """Goes to a URL; what is on the page then comes with time."""
        self._call("Page.navigate", {"url": url})

    def value(self, expression: str) -> Any:
        """What a JavaScript expression is on the page; None where it fails, as on one that is just being loaded."""
        try:
            answer = self._call("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        except RefusedError as refused:
            if "navigated" not in str(refused):
                raise
            return None
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """A click of the mouse on an element, once it stays where it is, is enabled, and nothing lies above it.

        What comes around it while a page is drawn moves it: a click would hit something else.
        """
        end = time.monotonic() + PATIENCE
        before, place = None, self._place(selector)
        while place is None or place != before:
            assert time.monotonic() < end, f"{selector}: cannot be clicked"
            time.sleep(LOOK)
            before, place = place, self._place(selector)
        x, y = place
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def _place(self, selector: str) -> Any:
        """Where a click reaches an element, in sight from now on: x and y; None while it reaches something else."""
        return self.value(f"({REACHED})({json.dumps(selector)})")

    def call(self, method: str, **parameters: Any) -> Any:
        """A command of the protocol."""
        return self._call(method, parameters)

    def _call(self, method: str, parameters: dict[str, Any]) -> Any:
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._read())
            self._take(answer)
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RefusedError(f"{method}: {answer['error']}")
                return answer["result"]

    def _take(self, event: dict[str, Any]) -> None:
        told = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(told["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.errors.append(str(told["entry"]["text"]))

    def _read(self) -> bytes:
        text = bytearray()
        while (byte := self._in.read(1)) != b"\0":
            assert byte, "the browser has ended"
            text += byte
        return bytes(text)


@contextmanager
def page(browser: Path) -> Iterator[Page]:
    """A page of a browser of its own, which knows no cookies yet and is gone afterwards."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    with tempfile.TemporaryDirectory(prefix="lab-browser-", ignore_cleanup_errors=True) as profile:
        # The protocol wants its pipes as descriptors 3 and 4.
        script = f'exec 3<&{theirs_in} 4>&{theirs_out}; exec "$@"'
        options = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ]
        process = subprocess.Popen(
            ["bash", "-c", script, "browser", browser, *options, f"--user-data-dir={profile}"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        opened = Page(ours_out, ours_in)
        try:
            yield opened
        finally:
            opened.close()
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
