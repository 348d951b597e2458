"""The timeline, drawn as SVG: a picture for each row, all on one axis of time.

Places on that axis are percentages, so a row is as wide as the page and its text keeps its size. What belongs to the
axis is in an inner `svg` of the class `time`: zooming moves and widens that one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from markupsafe import escape

from coreos_lab.report.clean import clean
from coreos_lab.report.values import Curve, Lane, Point, Span

ROW, PLOT = 28, 84  # pixels of height
STRIP = 5  # of the strip that shows whether a node answered
FLOOR = 0.001  # seconds: the bottom of a curve's scale, which is logarithmic
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
MOST_TICKS = 8
GAP = 1.0  # seconds between two samples that a curve does not bridge
LABEL = 0.05  # of the timeline: what a label takes
HUES = 8  # nodes that have a colour of their own
# What a span means. Its class in the page's style is the tone's name; those of nodes have a number instead.
TONES = ("pass", "fail", "unknown", "fault", "repair", "wait", "none", "answers", "silent")


class Timeline:
    """Draws rows of `seconds`, with the faults in `bands` behind all of them. `nodes` get colours in that order."""

    def __init__(self, seconds: float, bands: Sequence[Span], nodes: Sequence[str]) -> None:
        self.seconds = max(seconds, 0.1)
        self._bands = bands
        self._hues = {name: number % HUES for number, name in enumerate(nodes)}

    def axis(self) -> str:
        """The axis with its times. The page's program draws it anew when it is zoomed."""
        step = next((each for each in TICKS if self.seconds / each <= MOST_TICKS), TICKS[-1])
        at = [number * step for number in range(int(min(self.seconds / step, 10 * MOST_TICKS)) + 1)]
        marks = "".join(f'<text x="{self._x(each)}" y="15" class="tick">{moment(each)}</text>' for each in at)
        return f'<svg class="axis" width="100%" height="22" aria-hidden="true">{self._time(22, marks)}</svg>'

    def lane(self, lane: Lane) -> str:
        """A row of spans."""
        drawn = "".join(self._span(span) for span in lane.spans)
        return self._row(ROW, f"{lane.name}: {_told(lane)}", self._time(ROW, self._behind(ROW) + drawn))

    def curve(self, curve: Curve) -> str:
        """A probe: how long answers took, from the fastest to the slowest of each moment, and where there was none."""
        top = max([1.0, *(point.high for point in curve.points if point.high is not None)])
        heights = [(each, _height(each, top)) for each in (0.01, 0.1, 1.0)]
        grid = "".join(f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>' for _each, y in heights)
        scale = "".join(
            f'<text class="scale" x="100%" dx="-4" y="{y - 3:.1f}">{duration(each)}</text>'
            for each, y in heights
            if y > 2 * STRIP
        )
        shape = f'<path class="range" d="{self._range(curve.points, top)}"/>'
        plot = f'<svg viewBox="0 0 1000 {PLOT}" preserveAspectRatio="none" width="100%" height="{PLOT}">{shape}</svg>'
        begins = [*(span.begin for span in curve.outages), math.inf]
        down = "".join(self._outage(span, begins[number]) for number, span in enumerate(curve.outages, 1))
        lost = "".join(self._bad(point) for point in curve.points if point.bad)
        inner = self._behind(PLOT) + down + plot + lost
        return self._row(
            PLOT, f"{curve.name}: {told(curve)}", grid + self._time(PLOT, inner) + scale, self._data(curve)
        )

    def _row(self, height: int, label: str, inner: str, data: str = "") -> str:
        named = f'class="row" role="img" aria-label="{_text(label)}"'
        return f'<svg {named} width="100%" height="{height}"{data}>{inner}</svg>'

    def _time(self, height: int, inner: str) -> str:
        return f'<svg class="time" x="0%" width="100%" height="{height}">{inner}</svg>'

    def _behind(self, height: int) -> str:
        return "".join(
            f'<rect class="band {span.tone}" {self._place(span)} height="{height}"/>' for span in self._bands
        )

    def _span(self, span: Span) -> str:
        """A block with its text, which is clipped at the block's end; or a thin strip."""
        tone = self._tone(span.tone)
        tip = _tip(span.text, span.begin, span.end, span.detail)
        if span.tone in ("answers", "silent"):
            place = f'{self._place(span)} y="{ROW - STRIP}" height="{STRIP}"'
            return f'<rect class="{tone}" {place}><title>{tip}</title></rect>'
        return (
            f'<svg class="span {tone}" {self._place(span)} y="2" height="{ROW - STRIP - 4}"><title>{tip}</title>'
            f'<rect width="100%" height="100%" rx="3"/><text x="6" y="14">{_text(span.text)}</text></svg>'
        )

    def _outage(self, span: Span, until: float) -> str:
        """An outage with how long it was, which is clipped only where the next one is near."""
        roomy = " roomy" if until - span.begin > LABEL * self.seconds else ""
        tip = _tip("no good answer", span.begin, span.end, span.detail)
        return (
            f'<svg class="outage{roomy}" {self._place(span)} height="{PLOT}"><title>{tip}</title>'
            f'<rect width="100%" height="100%"/><text x="4" y="12">{_text(span.text)}</text></svg>'
        )

    def _bad(self, point: Point) -> str:
        share = point.bad / (point.good + point.bad)
        place = f'x="{self._x(point.begin)}" width="{self._width(point.end - point.begin)}"'
        return f'<rect class="lost" {place} y="{PLOT - STRIP}" height="{STRIP}" opacity="{0.35 + 0.65 * share:.2f}"/>'

    def _range(self, points: Sequence[Point], top: float) -> str:
        """The area between the fastest and the slowest answers, in pieces without a gap."""
        path = []
        for piece in _pieces(points):
            over = [(self._unit(each.begin, each.end), _height(each.high or 0, top)) for each in piece]
            under = [(self._unit(each.begin, each.end), _height(each.low or 0, top) + 1) for each in reversed(piece)]
            first, last = self._unit(piece[0].begin, piece[0].begin), self._unit(piece[-1].end, piece[-1].end)
            outline = [
                (first, over[0][1]),
                *over,
                (last, over[-1][1]),
                (last, under[0][1]),
                *under,
                (first, under[-1][1]),
            ]
            path.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in outline) + "Z")
        return "".join(path)

    def _data(self, curve: Curve) -> str:
        """What the page's program shows of the moment under the pointer."""
        rows = (
            f"{each.begin:.2f},{each.end:.2f},{each.good},{each.bad},{_milli(each.low)},{_milli(each.high)}"
            for each in curve.points
        )
        return f' data-points="{";".join(rows)}"'

    def _tone(self, tone: str) -> str:
        word, _, node = tone.partition(" ")
        if word == "node":
            return f"node{self._hues.get(node, HUES - 1)}"
        return word if word in TONES else "none"

    def _place(self, span: Span) -> str:
        return f'x="{self._x(span.begin)}" width="{self._width(span.seconds)}"'

    def _x(self, at: float) -> str:
        return f"{100 * at / self.seconds:.3f}%"

    def _width(self, seconds: float) -> str:
        return f"{max(0.0, 100 * seconds / self.seconds):.3f}%"

    def _unit(self, begin: float, end: float) -> float:
        return 1000 * (begin + end) / 2 / self.seconds


def _pieces(points: Iterable[Point]) -> Iterator[list[Point]]:
    """The points that were timed, in pieces without a gap between them."""
    piece: list[Point] = []
    for point in points:
        gap = point.high is None or (piece and point.begin - piece[-1].end > max(GAP, 2 * (point.end - point.begin)))
        if gap and piece:
            yield piece
            piece = []
        if point.high is not None:
            piece.append(point)
    if piece:
        yield piece


def _height(seconds: float, top: float) -> float:
    """The y of a latency: the scale is logarithmic, from FLOOR at the bottom to `top`."""
    share = math.log(max(seconds, FLOOR) / FLOOR) / math.log(max(top, 10 * FLOOR) / FLOOR)
    return PLOT - STRIP - 2 - share * (PLOT - STRIP - 8)


def _told(lane: Lane) -> str:
    """A row in words, for who does not see it; the table below has all of it."""
    said = [f"{span.text or span.detail} from {moment(span.begin)} to {moment(span.end)}" for span in lane.spans[:12]]
    return "; ".join(said) + (f"; and {len(lane.spans) - 12} more" if len(lane.spans) > 12 else "")  # noqa: PLR2004


def told(curve: Curve) -> str:
    """A curve in words."""
    times = len(curve.outages) + curve.left_out
    down = f"; down {'once' if times == 1 else f'{times} times'}, for {curve.longest:.1f} s at the longest"
    return f"{curve.samples} samples, {curve.failed} without a good answer{down if curve.failed else ''}"


def moment(seconds: float) -> str:
    """A time since the beginning: "12.5 s", "3:05", "1:02:03"."""
    if abs(seconds) < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f}".rstrip("0").rstrip(".") + " s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def lasting(seconds: float) -> str:
    """How long something lasted: "12.5 s", "3 min 5 s", "1 h 2 min"."""
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def duration(seconds: float) -> str:
    """A latency: "8 ms", "1.2 s"."""
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _milli(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.3g}"


def _tip(text: str, begin: float, end: float, detail: str) -> str:
    parts = [text, f"{moment(begin)} – {moment(end)} ({end - begin:.1f} s)", detail]
    return _text(" · ".join(part for part in parts if part))


def _text(text: str) -> str:
    return str(escape(clean(text)))
