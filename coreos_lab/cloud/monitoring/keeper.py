"""Gives each alarm the state that its metric has, and carries out its actions. Asks Auto Scaling as any client does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from coreos_lab.cloud.monitoring.alarm import ALARM, BEYOND, Alarm, Kept, judge, reason
from coreos_lab.cloud.monitoring.series import Series, by_period

LOOK = 1.0  # seconds between two looks
LATE = 2.0  # seconds after a period's end until its figures are there
AGAIN = 60.0  # seconds until the actions of an alarm that stays are carried out again


class Keeper:
    """The loop over all alarms. `lock` is held while anything of them changes."""

    def __init__(self, kept: Kept, series: Series, client: Callable[[str], Any], say: Callable[[str], None]) -> None:
        self.kept, self.series, self.client, self.say = kept, series, client, say
        self.lock = threading.RLock()

    def begin(self) -> None:
        """Goes on for as long as the process does."""
        threading.Thread(target=self._run, daemon=True, name="alarms").start()

    def _run(self) -> None:
        while True:
            time.sleep(LOOK)
            for name in list(self.kept.alarms):
                try:
                    self.look(name, time.time())
                except Exception as error:
                    self.say(f"alarm {name}: {type(error).__name__}: {error}")

    def look(self, name: str, now: float) -> None:
        """Judges one alarm, if a period of its metric has ended since it was judged."""
        with self.lock:
            alarm = self.kept.alarms.get(name)
            if alarm is None:
                return
            end = (now - LATE) // alarm.period * alarm.period
            if end > alarm.judged:
                alarm.judged = end
                figures = self.figures(alarm, end)
                state = judge(alarm, figures)
                self.become(alarm, state, reason(alarm, figures, state), now)
                self.kept.save()
            due = self._due(alarm, now)
        for action in due:  # without the lock: what is asked for may take its time
            self._act(alarm, action)

    def figures(self, alarm: Alarm, end: float) -> list[float | None]:
        """The figures of the periods before a moment, the oldest first; None for a period without one."""
        begin = end - (alarm.periods + BEYOND) * alarm.period
        samples = self.series.read(alarm.watched, begin, end, alarm.unit)
        found = {each.moment: each.value(alarm.statistic) for each in by_period(samples, alarm.period)}
        return [found.get(begin + number * alarm.period) for number in range(alarm.periods + BEYOND)]

    def become(self, alarm: Alarm, state: str, why: str, now: float) -> None:
        """Sets an alarm's state."""
        if state != alarm.state:
            alarm.note(now, "StateUpdate", f"Alarm updated from {alarm.state} to {state}", {"reason": why})
            self.say(f"alarm {alarm.name}: {alarm.state} -> {state}: {why}")
            alarm.state, alarm.since, alarm.acted = state, now, 0.0
        alarm.reason = why

    def _due(self, alarm: Alarm, now: float) -> list[str]:
        """The actions to be carried out now: once for each state, and each minute as long as an alarm stays."""
        actions = alarm.actions.get(alarm.state, []) if alarm.enabled and alarm.since else []
        if not actions or (alarm.acted and (alarm.state != ALARM or now - alarm.acted < AGAIN)):
            return []
        alarm.acted = now
        self.kept.save()  # before the act: one that was interrupted is not done twice
        return actions

    def _act(self, alarm: Alarm, arn: str) -> None:
        try:
            self.client("autoscaling").execute_policy(PolicyName=arn, HonorCooldown=True)
        except Exception as error:
            said = f"Failed to execute action {arn}: {error}"
        else:
            said = f"Successfully executed action {arn}"
        with self.lock:
            alarm.note(time.time(), "Action", said)
            self.kept.save()
        self.say(f"alarm {alarm.name}: {said}")
