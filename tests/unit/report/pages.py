"""What a test may ask of a page of HTML: whether it is well-formed, loads nothing, and what is in it."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "rect", "line", "circle", "path"}


class Page(HTMLParser):
    """A page that was parsed. `wrong` is what is not as it must be."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.pictures: list[str] = []  # labels of pictures
        self.regions: list[str] = []  # labels of regions
        self.cells: list[str] = []  # texts of tables' cells
        self.scripts: list[str] = []
        self.links: list[str] = []
        self.frames: list[str] = []  # pages inside of this one
        self.programs: list[str] = []  # of those
        self.policy = ""
        self._open: list[str] = []
        self._ids: list[str] = []
        self._refers: list[str] = []
        self.feed(html)
        self.close()
        self.wrong += [f"not closed: {tag}" for tag in self._open]
        self.wrong += [
            f"id {each} is there twice" for each in {each for each in self._ids if self._ids.count(each) > 1}
        ]
        self.wrong += [f"refers to {each}, which is not there" for each in set(self._refers) - set(self._ids)]
        for script in [*self.scripts, *self.programs]:
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            if f"'sha256-{digest}'" not in self.policy:
                self.wrong.append("the policy does not allow the page's own program")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append(tag)
        self._ids += [values["id"]] if "id" in values else []
        self._refers += values.get("aria-labelledby", "").split()
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        for name, value in values.items():
            if name.startswith("on"):
                self.wrong.append(f"a program in an attribute: {name}")
            if (tag, name) == ("a", "href") and not value.startswith(("#", "/")) and ":" not in value:
                self.links.append(value)  # a file beside the page, which is opened when the reader asks for it
            elif name in ("src", "href", "action", "data") and not value.startswith(("#", "data:,")):
                self.wrong.append(f"loads {value}")
            if "url(" in value and "url(#" not in value:
                self.wrong.append(f"loads {value}")
            self._refers += [value[1:]] if name == "href" and value.startswith("#") else []
        if tag == "iframe":
            self.frames.append(values["srcdoc"])
            self.wrong += [] if values["sandbox"] == "allow-scripts" else [f"a frame may {values['sandbox']}"]
            self.programs += re.findall("<script>(.*?)</script>", values["srcdoc"], re.DOTALL)
        if values.get("role") == "img":
            self.pictures.append(values.get("aria-label", ""))
        if values.get("role") == "region" and "aria-label" in values:
            self.regions.append(values["aria-label"])
        if tag in ("td", "th"):
            self.cells.append("")
        if tag == "script":
            self.scripts.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self._open or self._open[-1] != tag:
            self.wrong.append(f"</{tag}> in {self._open[-3:]} at {self.getpos()}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"]:
            self.scripts[-1] += data
        elif self.cells and ("td" in self._open or "th" in self._open):
            self.cells[-1] += data


def addresses(html: str) -> list[str]:
    """The addresses that a page could ask the network for: all but those in its text."""
    return re.findall(r"(?:src|href|url|@import)[^<>]{0,3}https?://[^\s\"')]+", html)
