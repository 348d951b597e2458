"""One request of a webhook: posts a payload to a URL, and says what came of it."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE = 30.0  # seconds; an API of AWS answers within 29
SAID = 200  # characters of an answer that are kept
SUCCESSES, REFUSALS = range(200, 300), range(300, 500)  # statuses
LATER = (0, 408, 425, 429)  # those that another attempt may change, as it may the server's own failures


@dataclass(frozen=True)
class Outcome:
    """The status and the beginning of an answer; status 0 and the reason where there was none."""

    status: int
    said: str

    @property
    def delivered(self) -> bool:
        return self.status in SUCCESSES

    @property
    def retried(self) -> bool:
        """Whether another attempt may end better."""
        return self.status in LATER or not (self.delivered or self.status in REFUSALS)


@dataclass(frozen=True)
class Caller:
    """Posts payloads. `ways` has for the end of a host's name the place (host:port) of who answers for it by HTTP.

    It is made while the process may still read the certificates that it trusts.
    """

    ways: Mapping[str, str] = field(default_factory=dict)
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def post(self, url: str, payload: bytes) -> Outcome:
        """Makes one request. It follows no redirection and asks no proxy."""
        parts = urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/json", "User-Agent": "lab-webhook", "Host": parts.netloc}
        connection = self._connection(parts.scheme, parts.hostname or "", parts.port)
        try:
            connection.request("POST", path, payload, headers)
            answer = connection.getresponse()
            return Outcome(answer.status, answer.read(4 * SAID).decode("utf-8", "replace").strip()[:SAID])
        except TimeoutError:
            return Outcome(0, f"no answer within {PATIENCE:.0f} s")
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Outcome(0, str(error)[:SAID] or type(error).__name__)
        finally:
            connection.close()

    def _connection(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        for end, place in self.ways.items():
            if host.endswith(end):
                answering, _, number = place.rpartition(":")
                return http.client.HTTPConnection(answering, int(number), timeout=PATIENCE)
        if scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=self.trust)
        return http.client.HTTPConnection(host, port, timeout=PATIENCE)
