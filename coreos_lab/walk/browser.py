"""What a page shows in a browser, after its scripts have run."""

from __future__ import annotations

import tempfile
from html.parser import HTMLParser
from pathlib import Path

from coreos_lab import run, wait

BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")
SETTLE = 4000  # milliseconds that scripts get; the browser's clock skips what they only wait for
LIMIT = 60.0  # seconds
NO_PAGE = "Page load failed: net::ERR_"  # what Chromium says, with exit code 1, when nothing answers
BLOCKS = {
    "p",
    "div",
    "li",
    "tr",
    "br",
    "h1",
    "h2",
    "h3",
    "h4",
    "table",
    "ul",
    "ol",
    "section",
    "header",
    "footer",
    "dd",
}
SILENT = {"script", "style", "head", "template"}


def find() -> Path | None:
    """A browser of this machine that runs without a screen."""
    return next((path for name in BROWSERS if (path := run.which(name))), None)


def shown(browser: Path, url: str, scratch: Path) -> str:
    """The text of the page at a URL, a line for each block; "" when nothing answers there.

    The browser's profile is in the folder `scratch`; a process that outlives the browser may leave a part of it there.
    Raises CommandError when the browser itself fails.
    """
    with tempfile.TemporaryDirectory(prefix="browser-", dir=scratch, ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        call: list[str | Path] = [browser, *options, f"--virtual-time-budget={SETTLE}", "--dump-dom", url]
        try:
            return text(run.run(call, timeout=wait.patiently(LIMIT)).stdout)
        except run.CommandError as failed:
            if NO_PAGE in failed.done.stderr:
                return ""
            raise


def text(html: str) -> str:
    """The lines that an HTML document shows."""
    reader = _Text()
    reader.feed(html)
    return "\n".join(line for part in "".join(reader.parts).split("\n") if (line := " ".join(part.split())))


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        self.parts.append("\n" if tag in BLOCKS else "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT and self._silent > 0
        self.parts.append("\n" if tag in BLOCKS else " ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)
