"""What systemd does when a service ends: systemd.service(5), systemd.unit(5), systemd.time(7) of systemd 252."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from coreos_lab.units.option import Option

_UNITS = {"us": 1e-6, "ms": 1e-3, "": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0}
_UNITS |= {"m": 60.0, "min": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0, "hr": 3600.0, "hour": 3600.0}
_UNITS |= {"hours": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0, "w": 604800.0, "week": 604800.0}
_UNITS |= {"weeks": 604800.0, "usec": 1e-6, "µs": 1e-6, "μs": 1e-6, "msec": 1e-3}  # two letters for micro
_UNITS |= dict.fromkeys(("M", "month", "months"), 2629800.0) | dict.fromkeys(("y", "year", "years"), 31557600.0)
_SPAN = re.compile(r"(\d*\.?\d+)\s*([a-zA-Zµμ]*)")
# What systemd uses where a unit says nothing.
_DELAY, _INTERVAL, _BURST, _TIMEOUT = 0.1, 10.0, 5, 90.0


@dataclass(frozen=True)
class Life:
    """A service's settings for ending and being started again. Times are seconds, `inf` for no limit.

    systemd gives up for good after `burst` starts within `interval`; an interval of 0 means that it never does.
    """

    kind: str  # Type=
    remains: bool  # RemainAfterExit=
    restart: str  # Restart=
    delay: float
    interval: float
    burst: int
    stop_limit: float
    restart_line: int  # of Restart=, 0 where it is not set

    @property
    def again_after_success(self) -> bool:
        """Whether it is started again after it ended with 0."""
        return self.restart in ("always", "on-success")

    @property
    def again_after_failure(self) -> bool:
        """Whether it is started again after it ended with another code."""
        return self.restart in ("always", "on-failure")

    @property
    def gives_up(self) -> bool:
        """Whether a service that ends as soon as it starts reaches the limit on starts, and stays down."""
        return self.interval > 0 and self.burst * self.delay < self.interval


def of(options: Sequence[Option]) -> Life:
    """The settings of a service unit. A value that systemd would ignore counts as not written."""
    last = {option.name: option for option in options if option.section in ("Unit", "Service")}

    def value(*names: str) -> str:
        return next((last[name].value for name in names if name in last), "")

    def seconds(default: float, *names: str) -> float:
        span = time_span(value(*names))
        return default if span is None else span

    burst = value("StartLimitBurst")
    return Life(
        kind=value("Type") or "simple",
        remains=value("RemainAfterExit").lower() in ("yes", "true", "1", "on", "y", "t"),
        restart=value("Restart") or "no",
        delay=seconds(_DELAY, "RestartSec"),
        interval=seconds(_INTERVAL, "StartLimitIntervalSec", "StartLimitInterval"),
        burst=int(burst) if burst.isdecimal() else _BURST,
        stop_limit=seconds(_TIMEOUT, "TimeoutStopSec", "TimeoutSec") or inf,
        restart_line=last["Restart"].line if "Restart" in last else 0,
    )


def time_span(text: str) -> float | None:
    """Seconds of a time span such as `5`, `100ms` or `1min 30s`; `inf` for `infinity`; None for what is none."""
    if text.strip() == "infinity":
        return inf
    parts = _SPAN.findall(text)
    if not parts or _SPAN.sub("", text).strip() or any(unit not in _UNITS for _number, unit in parts):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
