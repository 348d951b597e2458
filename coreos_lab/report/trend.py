"""Draws a trend: a mark for each run, by how long it was down, how long it took to recover, or how long it took."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import escape

from coreos_lab.model import Outcome
from coreos_lab.report.clean import clean
from coreos_lab.report.rows import Row

HEIGHT, TOP, BOTTOM = 96, 12, 12
RADIUS = 4.5
MOST = 120  # the newest runs are drawn
# Each outcome has a shape of its own, too: a dot, a cross, a ring.
CROSS = '<path d="M-4 -4L4 4M-4 4L4 -4"/>'
DOT = f'<circle r="{RADIUS}"/>'
SHAPES = {Outcome.PASS: DOT, Outcome.FAIL: CROSS, Outcome.UNKNOWN: DOT}


def chart(rows: Sequence[Row], name: str) -> str:
    """The runs' `outage`, `recovery` or `took` from old to new, as SVG; "" where no run has one."""
    shown = [(row, value) for row in rows if (value := getattr(row, name)) is not None][-MOST:]
    if not shown:
        return ""
    limit = shown[-1][0].limit if name == "outage" else None
    highest = max([value for _row, value in shown])
    top = max(highest, limit) if limit is not None and limit <= 3 * highest else highest
    top = top or 1.0
    dots = "".join(_dot(row, value, (number + 0.5) / len(shown), top) for number, (row, value) in enumerate(shown))
    line = ""
    if limit is not None and limit <= top:
        y = _y(limit, top)
        line = f'<line class="limit" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
    values = ", ".join(f"{value:.1f}" for _row, value in shown)
    label = escape(clean(f"{name} in seconds, from old to new: {values}"))
    scale = f'<text class="scale" x="100%" dx="-2" y="10">{top:.3g} s</text>'
    return (
        f'<svg class="trend" role="img" aria-label="{label}" width="100%" height="{HEIGHT}">'
        f'<line class="grid" x1="0" x2="100%" y1="{HEIGHT - BOTTOM}" y2="{HEIGHT - BOTTOM}"/>{line}{dots}{scale}</svg>'
    )


def _dot(row: Row, value: float, share: float, top: float) -> str:
    outcome = row.outcome or Outcome.UNKNOWN
    tip = escape(clean(f"{row.run}: {value:.1f} s, {outcome.value}"))
    # A transform has no percentages, so that the place is an svg's and the shape lies around its corner.
    return (
        f'<svg class="dot {outcome.value}" x="{100 * share:.2f}%" y="{_y(value, top):.1f}" overflow="visible">'
        f"{SHAPES[outcome]}<title>{tip}</title></svg>"
    )


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)
