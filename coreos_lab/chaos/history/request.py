"""One operation on a register, by etcd's version 2 API (https://etcd.io/docs/v2.3/api/).

`clients/etcd.py` asks the next node where one does not answer. Here an operation is made once: made again, it might
take effect twice.
"""

from __future__ import annotations

import http.client
import json
from urllib.parse import quote, urlencode, urlsplit

from coreos_lab import wait
from coreos_lab.chaos.history.operation import Act, Answer, Kind, Result
from coreos_lab.clients.etcd import KEY_NOT_FOUND

COMPARE_FAILED = 101  # etcd's error code
LARGEST = 1 << 20  # bytes of an answer
VALUE = 100  # characters: nobody writes longer ones
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def perform(base: str, folder: str, act: Act, *, ttl: int, timeout: float) -> Answer:
    """Carries out an act through the etcd at `base` (http://host:port) on a register below `folder`.

    What is written expires after `ttl` seconds.
    """
    server = urlsplit(base)
    connection = http.client.HTTPConnection(server.hostname or "", server.port or 80, timeout=wait.patiently(timeout))
    try:
        try:
            connection.connect()
        except OSError as error:
            return Answer(Result.FAILED, detail=_words(error))
        try:
            connection.request(*_request(f"/v2/keys{quote(folder)}/{quote(act.register)}", act, ttl))
            response = connection.getresponse()
            return _answer(act.kind, response.status, response.read(LARGEST))
        except (OSError, http.client.HTTPException) as error:
            return Answer(Result.UNKNOWN, detail=_words(error))
    finally:
        connection.close()


def _request(path: str, act: Act, ttl: int) -> tuple[str, str, str | None, dict[str, str]]:
    match act.kind:
        case Kind.READ:
            return "GET", f"{path}?quorum=true", None, {}
        case Kind.LOCAL_READ:
            return "GET", path, None, {}
    condition = {"prevValue": act.expected} if act.expected is not None else {}
    return "PUT", path, urlencode({"value": act.value, "ttl": ttl, **condition}), FORM


def _answer(kind: Kind, status: int, body: bytes) -> Answer:
    """What an answer says. One that does not say what came of the operation, such as HTTP 500, leaves it unknown."""
    try:
        answer = json.loads(body)
        if status in (http.client.OK, http.client.CREATED):
            return Answer(Result.OK, str(answer["node"]["value"])[:VALUE])
        code = answer["errorCode"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return Answer(Result.UNKNOWN, detail=f"HTTP {status}: no answer of etcd")
    if kind is Kind.SWAP and code in (COMPARE_FAILED, KEY_NOT_FOUND):
        return Answer(Result.MISMATCH)
    if not kind.changes and code == KEY_NOT_FOUND:
        return Answer(Result.OK, None)
    return Answer(Result.UNKNOWN, detail=f"HTTP {status}: {answer.get('message', '')}"[:200])


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
