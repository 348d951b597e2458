"""etcd's discovery service, version 2: new members of a cluster register below a token and so find each other.

discovery_service.py RECORD URL MARK ADDRESS:PORT...: listens on these addresses. RECORD is a file of JSON lines, from
which the tokens are read when it starts and to which each change is appended; URL stands before the tokens that it
makes; MARK is the header by which it is known. One long module because it is a program of its own, with Python's
standard library alone.

Source of the protocol: etcd's page "Discovery service protocol", and what etcd 3.5 requests in
server/etcdserver/api/v2discovery. A token is a folder of etcd's version 2 keys, with the number of members in
`_config/size`. A member that comes too many finds that by itself: the service registers any number, as the public one.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import select
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qs, urlsplit

FOLDER = "/_etcd/registry"
KEY_NOT_FOUND, KEY_EXISTS = 100, 105  # etcd's error codes
MESSAGES = {KEY_NOT_FOUND: "Key not found", KEY_EXISTS: "Key already exists"}
SIZE_MAX = 99  # nodes of a cluster
TOKENS_MAX, MEMBERS_MAX = 1000, 200
BODY_MAX = 64 * 1024  # bytes
LOOK = 1.0  # seconds between two looks whether a waiting client is still there
NOBODY = 65534
MARK = "X-Coreos-Lab"
SIZE = "_config/size"
PLACE = re.compile(r"/([0-9a-f]{32})(?:/(_config/size|[A-Za-z0-9.-]{1,64})?)?")  # of a token, or of something below it
Answer = tuple[HTTPStatus, dict[str, object] | str]


class EtcdError(Exception):
    """etcd's own error: its code, and the key."""

    def __init__(self, code: int, key: str) -> None:
        super().__init__(f"{code}: {MESSAGES[code]} ({key})")
        self.code, self.key = code, key


@dataclass
class Entry:
    """A member below a token."""

    value: str
    created: int
    modified: int


@dataclass
class Token:
    """A token: how many members it is for, those that have registered, and what has happened since it was made."""

    size: int
    index: int
    members: dict[str, Entry] = field(default_factory=dict)
    events: list[dict[str, object]] = field(default_factory=list)


class Tokens:
    """All tokens, kept in a file: each change is a line."""

    def __init__(self, record: Path) -> None:
        self.index = 0
        self.tokens: dict[str, Token] = {}
        self.changed = threading.Condition()
        text = record.read_text(encoding="utf-8") if record.exists() else ""
        for line in text.splitlines():
            try:
                change = json.loads(line)
            except ValueError:  # the last line, of a service that was killed while it wrote
                continue
            self._make(change)
        self._file: TextIO = record.open("a", encoding="utf-8")
        if text and not text.endswith("\n"):
            self._file.write("\n")

    def new(self, size: int) -> str:
        """Makes a token for so many members."""
        with self.changed:
            if len(self.tokens) >= TOKENS_MAX:
                raise ValueError(f"{TOKENS_MAX} tokens are enough")
            name = secrets.token_hex(16)
            self._change({"token": name, "size": size})
            return name

    def size(self, name: str) -> dict[str, object]:
        """etcd's answer for `_config/size`."""
        token = self._token(name)
        return _answer("get", f"{FOLDER}/{name}/_config/size", str(token.size), token.index, token.index)

    def listed(self, name: str) -> dict[str, object]:
        """etcd's answer for the token's folder: its members, without the hidden `_config`."""
        token, key = self._token(name), f"{FOLDER}/{name}"
        nodes = [_node(f"{key}/{member}", e.value, e.created, e.modified) for member, e in token.members.items()]
        folder = {"key": key, "dir": True, "modifiedIndex": token.index, "createdIndex": token.index}
        return {"action": "get", "node": folder | ({"nodes": nodes} if nodes else {})}

    def member(self, name: str, member: str) -> dict[str, object]:
        """etcd's answer for one member."""
        entry, key = self._token(name).members.get(member), f"{FOLDER}/{name}/{member}"
        if entry is None:
            raise EtcdError(KEY_NOT_FOUND, key)
        return _answer("get", key, entry.value, entry.created, entry.modified)

    def put(self, name: str, member: str, value: str, exists: bool | None) -> tuple[bool, dict[str, object]]:
        """Registers a member; returns whether it is new, and etcd's answer. `exists` is what must be so before."""
        with self.changed:
            there, key = self._token(name).members.get(member), f"{FOLDER}/{name}/{member}"
            if exists is False and there:
                raise EtcdError(KEY_EXISTS, key)
            if exists and not there:
                raise EtcdError(KEY_NOT_FOUND, key)
            if not there and len(self.tokens[name].members) >= MEMBERS_MAX:
                raise ValueError(f"{MEMBERS_MAX} members are enough")
            action = {None: "set", True: "update", False: "create"}[exists]
            return not there, self._change({"token": name, "member": member, "value": value, "action": action})

    def delete(self, name: str, member: str) -> dict[str, object]:
        """Takes a member out."""
        with self.changed:
            if member not in self._token(name).members:
                raise EtcdError(KEY_NOT_FOUND, f"{FOLDER}/{name}/{member}")
            return self._change({"token": name, "member": member, "action": "delete"})

    def after(self, name: str, member: str, index: int | None) -> Iterator[dict[str, object] | None]:
        """The first event of a token, or of one of its members, from `index` on; None while there is none.

        Without an index, the first one from now on.
        """
        token = self._token(name)
        first = self.index + 1 if index is None else index
        key = f"{FOLDER}/{name}/{member}" if member else f"{FOLDER}/{name}/"
        while True:
            with self.changed:
                for event in token.events:
                    node = event["node"]
                    assert isinstance(node, dict)  # noqa: S101 - for the type checker
                    if node["modifiedIndex"] >= first and (node["key"] == key or (not member and node["key"] > key)):
                        yield event
                        return
                self.changed.wait(LOOK)
            yield None

    def _token(self, name: str) -> Token:
        if name not in self.tokens:
            raise EtcdError(KEY_NOT_FOUND, f"{FOLDER}/{name}")
        return self.tokens[name]

    def _change(self, change: dict[str, object]) -> dict[str, object]:
        self._file.write(json.dumps(change) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        event = self._make(change)
        self.changed.notify_all()
        return event

    def _make(self, change: dict[str, object]) -> dict[str, object]:
        self.index += 1
        name = str(change["token"])
        if "size" in change:
            self.tokens[name] = Token(int(str(change["size"])), self.index)
            return {}
        token, member, action = self.tokens[name], str(change["member"]), str(change["action"])
        before, key = token.members.pop(member, None), f"{FOLDER}/{name}/{member}"
        created = before.created if before and action in ("update", "delete") else self.index
        if action == "delete":
            node = {"key": key, "modifiedIndex": self.index, "createdIndex": created}
            event: dict[str, object] = {"action": action, "node": node}
        else:
            token.members[member] = Entry(str(change["value"]), created, self.index)
            event = _answer(action, key, str(change["value"]), created, self.index)
        if before:
            event["prevNode"] = _node(key, before.value, before.created, before.modified)
        token.events.append(event)
        return event


def _node(key: str, value: str, created: int, modified: int) -> dict[str, object]:
    return {"key": key, "value": value, "modifiedIndex": modified, "createdIndex": created}


def _answer(action: str, key: str, value: str, created: int, modified: int) -> dict[str, object]:
    return {"action": action, "node": _node(key, value, created, modified)}


def waiting(
    tokens: Tokens, method: str, path: str, fields: dict[str, str]
) -> Iterator[dict[str, object] | None] | None:
    """What a request waits for, as `Tokens.after` gives it; None for a request that waits for nothing."""
    match = PLACE.fullmatch(path)
    if match is None or method != "GET" or fields.get("wait") != "true" or match[2] == SIZE:
        return None
    return tokens.after(match[1], match[2] or "", int(fields["waitIndex"]) if fields.get("waitIndex") else None)


def answer(tokens: Tokens, url: str, method: str, path: str, fields: dict[str, str]) -> Answer:
    """The answer to a request that waits for nothing. `url` stands before the tokens that are made."""
    if path == "/health" and method == "GET":
        return HTTPStatus.OK, "OK"
    if path == "/new" and method in ("GET", "PUT", "POST"):
        return HTTPStatus.OK, f"{url}/{tokens.new(_size(fields.get('size', '3')))}"
    match = PLACE.fullmatch(path)
    if match is None:
        return HTTPStatus.NOT_FOUND, "404 page not found\n"
    return _about(tokens, match[1], match[2] or "", method, fields)


def _about(tokens: Tokens, name: str, member: str, method: str, fields: dict[str, str]) -> Answer:
    """The answer to a request about a token, or about what is below it."""
    if member == SIZE and method == "GET":
        return HTTPStatus.OK, tokens.size(name)
    if method == "GET":
        return HTTPStatus.OK, tokens.member(name, member) if member else tokens.listed(name)
    if member not in ("", SIZE) and method == "PUT":
        exists = {"true": True, "false": False}.get(fields.get("prevExist", ""))
        new, event = tokens.put(name, member, fields.get("value", ""), exists)
        return HTTPStatus.CREATED if new else HTTPStatus.OK, event
    if member not in ("", SIZE) and method == "DELETE":
        return HTTPStatus.OK, tokens.delete(name, member)
    return HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed\n"


def failure(tokens: Tokens, error: EtcdError) -> Answer:
    """The answer for an error of etcd's."""
    status = HTTPStatus.NOT_FOUND if error.code == KEY_NOT_FOUND else HTTPStatus.PRECONDITION_FAILED
    body = {"errorCode": error.code, "message": MESSAGES[error.code], "cause": error.key}
    return status, {**body, "index": tokens.index}


def fields_of(text: str) -> dict[str, str]:
    """The fields of a query or of a form; the last of those with the same name."""
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}


class Handler(BaseHTTPRequestHandler):
    """One connection. `tokens`, `url` and `mark` are set by `serve`."""

    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds for a request to come
    tokens: Tokens
    url: str
    mark: str

    def do_GET(self) -> None:
        self._answer("GET")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs a request, but for those that only look whether the service is there."""
        if self.path != "/health":
            super().log_request(code, size)

    def _answer(self, method: str) -> None:
        address = urlsplit(self.path)
        try:
            fields = {**fields_of(address.query), **fields_of(self._body())}
            self._route(method, address.path, fields)
        except EtcdError as error:
            self._send(*failure(self.tokens, error))
        except ValueError as error:
            self._send(HTTPStatus.BAD_REQUEST, f"{error}\n")

    def _route(self, method: str, path: str, fields: dict[str, str]) -> None:
        events = waiting(self.tokens, method, path, fields)
        if events is None:
            self._send(*answer(self.tokens, self.url, method, path, fields))
            return
        for event in events:
            if event is not None:
                self._send(HTTPStatus.OK, event)
            elif select.select([self.connection], [], [], 0)[0]:  # it has closed the connection
                self.close_connection = True
                return

    def _body(self) -> str:
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= BODY_MAX:
            self.close_connection = True
            raise ValueError(f"a body of {length} bytes")
        return self.rfile.read(length).decode("utf-8", "replace")

    def _send(self, status: HTTPStatus, answer: dict[str, object] | str) -> None:
        text = answer if isinstance(answer, str) else json.dumps(answer) + "\n"
        payload = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("X-Etcd-Index", str(self.tokens.index))
        self.send_header(MARK, self.mark)
        self.end_headers()
        self.wfile.write(payload)


def _size(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= SIZE_MAX:
        raise ValueError(f"size={text[:20]}: must be a number from 1 to {SIZE_MAX}")
    return int(text)


def servers(record: Path, url: str, mark: str, addresses: list[str]) -> list[ThreadingHTTPServer]:
    """The servers of the tokens in `record`, one for each address, which listen already."""
    values = {"tokens": Tokens(record), "url": url, "mark": mark}
    handler = type("Handler", (Handler,), values)
    pairs = (address.rpartition(":") for address in addresses)
    return [ThreadingHTTPServer((host, int(port)), handler) for host, _, port in pairs]


def serve(record: Path, url: str, mark: str, addresses: list[str]) -> None:
    """Serves until the process is ended."""
    listening = servers(record, url, mark, addresses)
    if os.geteuid() == 0:  # only the record, which is open now, needs root
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    threads = [threading.Thread(target=server.serve_forever) for server in listening]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
