"""Measures instances for the namespace AWS/EC2: what their machines use of the processors that their type has.

AWS measures each minute at the most; here it is done more often, so that an alarm's period may be ten seconds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from coreos_lab.cloud.monitoring.series import Metric, Sample, Series

EVERY = 5.0  # seconds
NAMESPACE, NAME, UNIT = "AWS/EC2", "CPUUtilization", "Percent"
BY_INSTANCE, BY_GROUP = "InstanceId", "AutoScalingGroupName"


@dataclass(frozen=True)
class Metered:
    """An instance that runs: how many processors its type has, and its Auto Scaling group, "" for none."""

    name: str
    cpus: int
    group: str = ""


class Meter:
    """`running` returns the instances, `cpu_time` the seconds that one has used since it was powered on."""

    def __init__(
        self, series: Series, running: Callable[[], Iterable[Metered]], cpu_time: Callable[[str], float | None]
    ) -> None:
        self.series, self.running, self.cpu_time = series, running, cpu_time
        self._seen: dict[str, tuple[float, float]] = {}  # when each was looked at, and what it had used

    def begin(self, say: Callable[[str], None]) -> None:
        """Goes on for as long as the process does."""

        def go_on() -> None:
            while True:
                time.sleep(EVERY)
                try:
                    self.look(time.monotonic(), time.time())
                except Exception as error:
                    say(f"the meter: {type(error).__name__}: {error}")

        threading.Thread(target=go_on, daemon=True, name="meter").start()

    def look(self, now: float, moment: float) -> None:
        """Writes down what each instance has used since the last look; nothing for one that was not looked at before.

        `now` is of a clock that is never set, `moment` in seconds since 1970.
        """
        before, self._seen = self._seen, {}
        for each in self.running():
            used = self.cpu_time(each.name)
            if used is None:
                continue
            self._seen[each.name] = now, used
            when, had = before.get(each.name, (now, used))
            if now > when and used >= had:  # else it has been powered on again
                share = 100 * (used - had) / ((now - when) * each.cpus)
                self._add(each, Sample.of(min(share, 100.0), moment, UNIT))

    def _add(self, one: Metered, sample: Sample) -> None:
        self.series.add(Metric(NAMESPACE, NAME, ((BY_INSTANCE, one.name),)), [sample])
        if one.group:
            self.series.add(Metric(NAMESPACE, NAME, ((BY_GROUP, one.group),)), [sample])
