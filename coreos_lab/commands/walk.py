"""Go through a lab's page, step by step. With --test, go through it alone and judge every step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from coreos_lab import hints, run, screen
from coreos_lab.checks.runner import write_junit
from coreos_lab.commands.check import MARKS
from coreos_lab.commands.options import Json, LabName, Name, verb
from coreos_lab.definition import catalog
from coreos_lab.definition.page import parse
from coreos_lab.definition.page.steps import PAGE, Page
from coreos_lab.disk import shown
from coreos_lab.errors import FailedError, UnknownError, UsageError
from coreos_lab.model import CheckResult, Lab, Outcome, to_json
from coreos_lab.records import walks
from coreos_lab.records.walks import Progress

app = verb()


@app.command(help=__doc__)
def command(
    lab: LabName,
    name: Name = hints.DEFAULT_NAME,
    test: Annotated[
        bool, typer.Option("--test", envvar="LAB_TEST", help="Go through it without a reader, solutions included.")
    ] = False,
    first: Annotated[
        int | None,
        typer.Option(
            "--from",
            envvar="LAB_FROM",
            min=1,
            metavar="STEP",
            help="Begin with this step. By default, a walk goes on where it was stopped, and --test begins with 1.",
        ),
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", envvar="LAB_RESET", help="First restore the cluster as the walk found it.")
    ] = False,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", envvar="LAB_JUNIT", help="With --test: write the results to this file as JUnit XML."),
    ] = None,
    as_json: Json = False,
) -> None:
    if not test and (junit or as_json):
        raise UsageError(f"{'--junit' if junit else '--json'}: needs --test", "a reader's walk has no results to write")
    parts = catalog.parts(lab)
    if first not in (None, 1) and len(parts) > 1:
        raise UsageError(f"--from {first}: {lab} has several pages", f"name the lab of one: {', '.join(parts)}")
    pages = [(lab, page(lab, first)) for lab in map(catalog.load, parts)]
    with walks.going_on(name, [each.name for each, _page in pages], hints.lab("walk", lab)):
        if reset:
            from coreos_lab.commands import starting_point

            for each, _page in pages:
                starting_point.restore(name, each)
        if test:
            walk_alone(name, lab, pages, first or 1, junit=junit, as_json=as_json)
        else:
            walk(name, pages, first)


def walk(name: str, pages: list[tuple[Lab, Page]], first: int | None) -> None:
    """Guides a reader through the pages of a chapter, from the step where the last walk was stopped."""
    from coreos_lab.commands import starting_point
    from coreos_lab.walk import guided

    for lab, each in pages:
        begin = _begin(name, lab.name, each, first)
        if begin.step > 1 and first is None:
            print(f"The walk through {lab.name} goes on with step {begin.step}. From the beginning: ", end="")
            print(hints.lab("walk", catalog.named(lab), "--from", 1))
        if begin.step > 1 and not begin.shell:
            print("Nothing is on record of the steps before: variables and functions that they set are missing.")

        def record(progress: Progress, lab: Lab = lab) -> None:
            walks.record(name, lab.name, progress)

        def reached(progress: Progress, lab: Lab = lab) -> None:
            walks.record(name, lab.name, progress)
            starting_point.keep(name, lab)

        following = guided.walk(name, each, begin, reached, record)
        if following <= len(each.steps):
            print(f"Stopped before step {following} of {len(each.steps)}. To go on:")
            print(f"  {hints.lab('walk', catalog.named(lab))}")
            return
        walks.forget(name, lab.name)
        starting_point.forget(name, lab)
        print(f"That was {lab.name}: {lab.title}.")


def walk_alone(
    name: str, lab_name: str, pages: list[tuple[Lab, Page]], first: int, *, junit: Path | None, as_json: bool
) -> None:
    """Goes through the pages without a reader.

    Raises FailedError or UnknownError for the first step that does not pass; the steps after it are not tried.
    """
    from coreos_lab.commands.trial import Trial
    from coreos_lab.walk import alone
    from coreos_lab.walk.judge import Judge
    from coreos_lab.walk.session import session

    results: list[CheckResult] = []
    output = ""
    for lab, each in pages:
        kept, trial = f"{lab.name}.test", Trial(name, lab, first)
        begin = _begin(name, kept, each, first)
        with screen.showing(), session(name, lab.folder, state=begin.shell) as opened, trial.going_on():

            def reached(progress: Progress, kept: str = kept, trial: Trial = trial) -> None:
                walks.record(name, kept, progress)
                trial.reached(progress.step)

            walked, output = alone.walk(Judge(opened), each, lab.name, begin, reached)
            trial.conclude(walked, output)
        results += walked
        last = lab
        if results[-1].outcome is not Outcome.PASS:
            break
    if junit:
        write_junit(junit, lab_name, results)
    if as_json:
        print(json.dumps({"labs": [lab.name for lab, _page in pages], "steps": to_json(results)}, indent=2))
    else:
        for result in results:
            print(f"{MARKS[result.outcome]} {result.name} ({result.seconds:.1f} s)")
    _require_passed(last, results[-1], len(results), sum(len(each.steps) for _lab, each in pages) - first + 1, output)


def _begin(name: str, walk: str, page: Page, first: int | None) -> Progress:
    """Where a walk begins: step `first`, or where it was stopped, with the shell as it was then."""
    known = walks.load(name, walk)
    if first == 1 or known.step > len(page.steps):  # an older version of the page had more
        return Progress(first or 1)
    return known if first in (None, known.step) else Progress(first, known.shell)


def page(lab: Lab, first: int | None) -> Page:
    """A lab's page; UsageError where it has no steps, or not as many as `first`."""
    path = lab.folder / PAGE
    remedy = "docs/writing-a-lab.md says how commands become steps: in blocks that begin with ```console"
    if not path.is_file():
        raise UsageError(f"{lab.name}: has no {PAGE} to go through", remedy)
    read = parse.read(path)
    if not read.steps:
        raise UsageError(f"{shown(path)}: has no steps to go through", remedy)
    if first is not None and first > len(read.steps):
        raise UsageError(
            f"--from {first}: the page of {lab.name} has {len(read.steps)} steps", "name the number of one of them"
        )
    return read


def _require_passed(lab: Lab, last: CheckResult, done: int, steps: int, output: str) -> None:
    if last.outcome is Outcome.PASS:
        return
    number = last.name.partition(" ")[0]
    again = hints.lab("walk", catalog.named(lab), "--test", "--from", number)
    error = FailedError if last.outcome is Outcome.FAIL else UnknownError
    tail = "\n".join(output.splitlines()[-run.TAIL :])
    raise error(f"{lab.name}: {last.message} (step {done} of {steps})", f"once it is mended: {again}", tail)
