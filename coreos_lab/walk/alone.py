"""Goes through a page without a reader, solutions included, and judges every step."""

from __future__ import annotations

import time
from collections.abc import Callable

from coreos_lab import events
from coreos_lab.definition.page.steps import Browser, Page, Step, Task
from coreos_lab.model import CheckResult, Outcome
from coreos_lab.records.walks import Progress
from coreos_lab.walk.judge import Judge, Result


def walk(
    judge: Judge, page: Page, lab: str, begin: Progress, reached: Callable[[Progress], None]
) -> tuple[list[CheckResult], str]:
    """The results of the steps from `begin` on, up to the first that does not pass, and that one's output.

    `reached` is called before each step, and after one that does not pass, with how far the walk has come then.
    """
    results: list[CheckResult] = []
    for block in page.running_before(begin.step):
        judge.go_on(block, begin.beside.get(block.terminal, ""))  # a failure shows at the step that looks at it
    for step in page.steps[begin.step - 1 :]:
        reached(judge.progress(step.number))
        began = time.monotonic()
        events.emit(events.Event("start", "step", f"{step.number}/{len(page.steps)}", step.title))
        result = take(judge, step)
        seconds = time.monotonic() - began
        kind = "end" if result.outcome is Outcome.PASS else "error"
        message = result.message or step.title
        events.emit(events.Event(kind, "step", f"{step.number}/{len(page.steps)}", message, seconds=seconds))
        place = f"{page.path.name}:{step.line}: {result.message}" if result.message else ""
        results.append(CheckResult(f"{step.number} {step.title}", result.outcome, place, seconds, lab))
        if result.outcome is not Outcome.PASS:
            reached(judge.progress(step.number))  # with what second terminals have printed meanwhile
            return results, result.output
    return results, ""


def take(judge: Judge, step: Step) -> Result:
    """What comes of one step."""
    if isinstance(step.act, Task):
        return solve(judge, step.act)
    if isinstance(step.act, Browser):
        return judge.open(step.act)
    return judge.run(step.act)


def solve(judge: Judge, task: Task) -> Result:
    """Solves a task by its own solution. Its check must fail before, and pass afterwards."""
    before = judge.look(task.check)
    if before.outcome is Outcome.PASS:
        return Result(Outcome.FAIL, f"{task.title}: is done already, before its solution: its check cannot fail here")
    if before.outcome is Outcome.UNKNOWN:  # so nobody knows whether it can fail
        return Result(Outcome.UNKNOWN, f"check, before the solution: {before.message}", before.output)
    for block in task.solution:
        result = judge.run(block)
        if result.outcome is not Outcome.PASS:
            return Result(result.outcome, f"solution: {result.message}", result.output)
    result = judge.run(task.check)
    return (
        result if result.outcome is Outcome.PASS else Result(result.outcome, f"check: {result.message}", result.output)
    )
