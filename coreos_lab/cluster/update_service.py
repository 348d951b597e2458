"""An update server: tells nodes' update engines by Omaha 3.0 which machine image they are to have.

update_service.py RECORD URL MARK IMAGES ADDRESS:PORT GROUP=IMAGE...: listens on that address. RECORD is the file that
records the process, by whose path it is found; URL is how nodes reach it, MARK the header by which it is known, IMAGES
the folder of machine images. Each group of nodes (update.conf's GROUP) is offered one image; an empty GROUP stands for
all others. A program of its own with Python's standard library alone, and so in one file. It keeps nothing: who changes
an offer starts it again.

Source of the protocol: Omaha's ServerProtocol, in the parts that Container Linux's update engine used. A package is the
os-release of its image, by which the engine knows that both mean the same: the tree itself is on the host, and the boot
loader there takes it.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
from html import unescape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import quoteattr

BODY_MAX = 64 * 1024  # bytes
NOBODY = 65534
MARK = "X-Coreos-Lab"
APP = "{e96281a6-d1af-4bde-9a0a-97b76e56dc57}"  # Container Linux's, by which update servers knew it
# What is read of a request. Only our engines and readers with curl ask, so their attributes stand in double quotes.
APP_ELEMENT = re.compile(r"<app\s([^>]*)>")
ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')


def answer(request: str, offers: dict[str, str], packages: dict[str, bytes], url: str) -> str:
    """What a request is answered. ValueError for a text that asks for no update of this app."""
    app = APP_ELEMENT.search(request)
    asked = {name: unescape(value) for name, value in ATTRIBUTE.findall(app[1])} if app else {}
    if asked.get("appid") != APP or "<updatecheck" not in request:
        raise ValueError("not a request for an update")
    image = offers.get(asked.get("track", ""), offers.get("", ""))
    if not image or image == asked.get("version"):
        check = '<updatecheck status="noupdate"/>'
    else:
        pack = packages[image]
        name, digest = quoteattr(image), hashlib.sha256(pack).hexdigest()
        check = (
            f'<updatecheck status="ok"><urls><url codebase={quoteattr(url + "/packages/")}/></urls>'
            f'<manifest version={name}><packages><package name={name} size="{len(pack)}" required="true"'
            f' hash_sha256="{digest}"/></packages></manifest></updatecheck>'
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<response protocol="3.0" server="coreos-lab">'
        f'<app appid="{APP}" status="ok">{check}</app></response>\n'
    )


class Handler(BaseHTTPRequestHandler):
    """One connection. `offers`, `packages`, `url` and `mark` are set by `server`."""

    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds for a request to come
    offers: dict[str, str]
    packages: dict[str, bytes]
    url: str
    mark: str

    def do_POST(self) -> None:
        if self.path.rstrip("/") != "/v1/update":
            self._send(HTTPStatus.NOT_FOUND, b"404 page not found\n")
            return
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > BODY_MAX:
            self.close_connection = True
            self._send(HTTPStatus.BAD_REQUEST, b"a body of that length\n")
            return
        body = self.rfile.read(int(length)).decode("utf-8", "replace")
        try:
            self._send(HTTPStatus.OK, answer(body, self.offers, self.packages, self.url).encode(), "text/xml")
        except ValueError as error:
            self._send(HTTPStatus.BAD_REQUEST, f"{error}\n".encode())

    def do_GET(self) -> None:
        package = self.packages.get(self.path.removeprefix("/packages/"))
        if self.path == "/health":
            self._send(HTTPStatus.OK, b"OK")
        elif package is not None:
            self._send(HTTPStatus.OK, package)
        else:
            self._send(HTTPStatus.NOT_FOUND, b"404 page not found\n")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs a request, but for those that only look whether the service is there."""
        if self.path != "/health":
            super().log_request(code, size)

    def _send(self, status: HTTPStatus, payload: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        self.send_header(MARK, self.mark)
        self.end_headers()
        self.wfile.write(payload)


def server(url: str, mark: str, images: Path, place: str, offers: dict[str, str]) -> ThreadingHTTPServer:
    """The server, which listens already. OSError where an image is gone or the address is taken."""
    packages = {image: (images / image / "rootfs/usr/lib/os-release").read_bytes() for image in set(offers.values())}
    values = {"offers": offers, "packages": packages, "url": url, "mark": mark}
    host, _, port = place.rpartition(":")
    return ThreadingHTTPServer((host, int(port)), type("Handler", (Handler,), values))


def serve(url: str, mark: str, images: Path, place: str, offers: dict[str, str]) -> None:
    """Serves until the process is ended."""
    listening = server(url, mark, images, place, offers)
    if os.geteuid() == 0:  # only the images' folder, which was read, needs root
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    listening.serve_forever()


if __name__ == "__main__":
    given = (word.rpartition("=") for word in sys.argv[6:])
    serve(sys.argv[2], sys.argv[3], Path(sys.argv[4]), sys.argv[5], {group: image for group, _, image in given})
