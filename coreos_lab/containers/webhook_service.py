"""The process behind a registry's webhooks: takes the registry's notifications, and calls the hooks until they answer.

webhook_service.py FOLDER PLACE MARK AUTHORITY WAY...: listens at PLACE (host:port). FOLDER has `hooks.json`, `secret`
and the book of deliveries; MARK is the header by which the service is known; AUTHORITY is a file with certificates to
trust besides the system's, or "". Each WAY is END=HOST:PORT, for names that only a cloud knows.

A notification is in the book before it is answered, so what the registry has told is delivered, or said to have failed,
however often this process is killed.
"""

from __future__ import annotations

import hmac
import json
import os
import ssl
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from coreos_lab.containers.webhooks import book, hooks
from coreos_lab.containers.webhooks.book import Book, Delivery
from coreos_lab.containers.webhooks.hooks import Hook
from coreos_lab.containers.webhooks.post import Caller
from coreos_lab.containers.webhooks.push import payload, pushes

BODY_MAX = 2**20  # bytes
NOBODY = 65534
MARK = "X-Coreos-Lab"
EVENTS, CALLBACK, HEALTH = "/events", "/callback/", "/health"


@dataclass
class Deliverer:
    """Delivers what is in a book, each delivery in a thread of its own: a slow hook keeps nobody waiting."""

    book: Book
    hooks: list[Hook]
    caller: Caller
    place: str

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def resume(self) -> None:
        """Goes on with what the process before this one has not finished."""
        there = {each.id for each in self.hooks}
        for delivery in list(self.book.pages.deliveries.values()):
            if delivery.state == book.WAITING and delivery.hook in there:
                self._begin(delivery)

    def take(self, envelope: object) -> None:
        """Enters the pushes of a notification, and begins to deliver them. ValueError for no notification."""
        for push in pushes(envelope):
            told = {each.id: each.url for each in self.hooks if each.concerns(push.repository, push.at)}
            with self._lock:
                begun = self.book.take(push, told)
            for delivery in begun:
                self._begin(delivery)

    def answered(self, delivery: str, said: Mapping[str, object]) -> bool:
        """Enters what a hook has called back; False where there is no such delivery."""
        found = self.book.pages.deliveries.get(delivery)
        if found is not None:
            words = [str(said[name]) for name in ("state", "description", "target_url") if said.get(name)]
            self._note(found, answered=" ".join(words)[: book.SAID_MAX])
        return found is not None

    def _begin(self, delivery: Delivery) -> None:
        threading.Thread(target=self._deliver, args=(delivery,), daemon=True).start()

    def _deliver(self, delivery: Delivery) -> None:
        url = f"http://{self.place}{CALLBACK}{delivery.id}"
        first = self.book.pages.first[delivery.push.repository]
        text = json.dumps(payload(delivery.push, first, url)).encode()
        for number, pause in enumerate((*book.WAITS, 0.0), 1):
            outcome = self.caller.post(delivery.url, text)
            state = book.DELIVERED if outcome.delivered else book.WAITING if outcome.retried and pause else book.FAILED
            self._note(delivery, state=state, attempts=number, at=time.time(), status=outcome.status, said=outcome.said)
            if state != book.WAITING:
                return
            time.sleep(pause)

    def _note(self, delivery: Delivery, **changes: object) -> None:
        with self._lock:
            self.book.note(delivery, **changes)


class Handler(BaseHTTPRequestHandler):
    """One connection. `deliverer`, `secret` and `mark` are set by `serve`."""

    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds for a request to come
    deliverer: Deliverer
    secret: str
    mark: str

    def do_GET(self) -> None:
        self._send(HTTPStatus.OK if self.path == HEALTH else HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        try:
            body = self._body()
            self._send(self._taken(body))
        except ValueError as error:
            self.log_error("%s", error)
            self._send(HTTPStatus.BAD_REQUEST)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs no request: the book has what matters."""

    def _taken(self, body: bytes) -> HTTPStatus:
        if self.path == EVENTS:
            said = self.headers.get("Authorization", "").encode("utf-8", "replace")
            if not hmac.compare_digest(said, f"Bearer {self.secret}".encode()):
                return HTTPStatus.FORBIDDEN
            self.deliverer.take(json.loads(body))
            return HTTPStatus.OK
        answer = json.loads(body)
        if not isinstance(answer, dict) or not self.deliverer.answered(self.path.removeprefix(CALLBACK), answer):
            return HTTPStatus.NOT_FOUND
        return HTTPStatus.OK

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= BODY_MAX:
            self.close_connection = True
            raise ValueError(f"a body of {length} bytes")
        return self.rfile.read(length)

    def _send(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header(MARK, self.mark)
        self.end_headers()


def serve(folder: Path, place: str, mark: str, authority: str, ways: Mapping[str, str]) -> None:
    """Serves until the process is ended."""
    trust = ssl.create_default_context()
    if authority:
        trust.load_verify_locations(authority)
    deliverer = Deliverer(
        Book(folder / "deliveries.jsonl"), hooks.read(folder / "hooks.json"), Caller(ways, trust), place
    )
    secret = (folder / "secret").read_text(encoding="utf-8").strip()
    host, _, port = place.rpartition(":")
    handler = type("Handler", (Handler,), {"deliverer": deliverer, "secret": secret, "mark": mark})
    server = ThreadingHTTPServer((host, int(port)), handler)
    if os.geteuid() == 0:  # it calls whoever it is told to: only the book, which is open now, needs root
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    deliverer.resume()
    server.serve_forever()


if __name__ == "__main__":
    own_folder, own_place, own_mark, own_authority, *own_ways = sys.argv[1:]
    serve(Path(own_folder), own_place, own_mark, own_authority, dict(way.split("=", 1) for way in own_ways))
