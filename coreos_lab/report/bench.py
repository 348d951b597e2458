"""The page of a bench, and its summary as Markdown: each figure with all of its values, its median and its goal."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import escape

from coreos_lab.records.figures import Bench, Figure
from coreos_lab.report import page
from coreos_lab.report.clean import clean
from coreos_lab.report.markdown import plain, table
from coreos_lab.spelling import counted

HEIGHT, RADIUS = 34, 4.0
MOST = 200  # marks of a figure; the first ones are drawn
SIGNS = {True: "✅", False: "❌", None: ""}


def sentence(bench: Bench) -> str:
    """What came of it."""
    judged = [each for each in bench.figures if each.met is not None]
    met = sum(each.met is True for each in judged)
    goals = f"{met} of {counted(len(judged), 'goal')} met" if judged else "no goals"
    return f"{counted(len(bench.figures), 'figure')} of {counted(bench.runs, 'run')}, {goals}"


def html(bench: Bench, made_by: str) -> str:
    """The page. `made_by` is the version of lab that makes it."""
    values = {"bench": bench, "sentence": sentence(bench), "chart": chart, "figure": figure, "made_by": made_by}
    return page.render("bench.html.j2", values)


def markdown(bench: Bench) -> str:
    """The summary, which ends with a newline."""
    return "\n".join(_lines(bench)) + "\n"


def _lines(bench: Bench) -> Iterator[str]:
    yield f"## Bench: {plain(sentence(bench))}"
    rows = [
        (
            SIGNS[each.met],
            plain(each.what),
            figure(each.median, each.unit),
            figure(min(each.values), each.unit),
            figure(max(each.values), each.unit),
            "" if each.goal is None else figure(each.goal, each.unit),
        )
        for each in bench.figures
    ]
    yield from table(("", "What", "Median", "Least", "Most", "Goal"), rows)


def figure(value: float, unit: str) -> str:
    """A value with its unit. Short times have hundredths."""
    if unit == "s":
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"  # noqa: PLR2004 - three digits say enough
    return f"{value:.0f} {unit}" if unit == "MiB" else f"{value:.1f} {unit}"


def chart(each: Figure) -> str:
    """The values as marks on a line that begins at 0, with the median as a bar and the goal as a dashed line: SVG."""
    top = max(*each.values, each.goal or 0.0, 1e-9) * 1.04
    y = HEIGHT / 2

    def x(value: float) -> str:
        return f"{100 * value / top:.2f}%"

    marks = "".join(f'<circle cx="{x(value)}" cy="{y}" r="{RADIUS}"/>' for value in each.values[:MOST])
    bar = f'<line class="median" x1="{x(each.median)}" x2="{x(each.median)}" y1="{y - 9}" y2="{y + 9}"/>'
    goal = ""
    if each.goal is not None:
        goal = f'<line class="limit" x1="{x(each.goal)}" x2="{x(each.goal)}" y1="2" y2="{HEIGHT - 2}"/>'
    values = ", ".join(figure(value, each.unit) for value in each.values[:MOST])
    label = escape(clean(f"{each.what}: {values}"))
    state = {True: "met", False: "missed", None: ""}[each.met]
    return (
        f'<svg class="figure {state}" role="img" aria-label="{label}" width="100%" height="{HEIGHT}">'
        f'<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>{goal}{marks}{bar}<title>{label}</title></svg>'
    )
