"""The limit of requests: a token bucket, as AWS has one. Source: "Request throttling for the Amazon EC2 API"."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from coreos_lab.cloud.sigv4 import RefusedError

BURST, RATE = 200.0, 100.0  # requests at once, and those that may follow in each second
CODES = {"ec2": "RequestLimitExceeded"}  # the others say Throttling; SDKs try again after either


class Bucket:
    """What may still be asked for now."""

    def __init__(self, burst: float = BURST, rate: float = RATE, clock: Callable[[], float] = time.monotonic) -> None:
        self.burst, self.rate, self.clock = burst, rate, clock
        self._left, self._since = burst, clock()
        self._lock = threading.Lock()

    def take(self, service: str) -> None:
        """Lets one request through. RefusedError when there were too many."""
        with self._lock:
            moment = self.clock()
            self._left = min(self.burst, self._left + (moment - self._since) * self.rate)
            self._since = moment
            if self._left < 1:
                raise RefusedError(CODES.get(service, "Throttling"), "Request limit exceeded.")
            self._left -= 1
