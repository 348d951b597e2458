"""A report as one HTML file that needs nothing else: no network, no other file, at most a megabyte."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from coreos_lab import settings
from coreos_lab.errors import LabError
from coreos_lab.report import picture
from coreos_lab.report.budget import WHOLE, Budget, reduced
from coreos_lab.report.clean import clean, cut
from coreos_lab.report.happened import clock
from coreos_lab.report.picture import Timeline
from coreos_lab.report.values import Report

LARGEST = 1_000_000  # bytes of a page
FOLDER = "report"
EVIDENCE = 2000  # characters


def html(report: Report, made_by: str) -> str:
    """The page of one run; `made_by` is the version of lab that makes it."""
    return _within(lambda budget: _page(reduced(report, budget), made_by))


def _within(make: Callable[[Budget], str]) -> str:
    """The page with as much on it as fits."""
    budget = WHOLE
    while len((page := make(budget)).encode()) > LARGEST:
        budget = budget.half()
        if budget.is_spent:
            raise LabError(f"the report would be larger than {LARGEST // 1000} kB")
    return page


def _page(report: Report, made_by: str) -> str:
    tones = {span.tone for group in report.groups for lane in group.lanes for span in lane.spans}
    nodes = sorted(tone.removeprefix("node ") for tone in tones if tone.startswith("node "))
    timeline = Timeline(report.seconds, report.bands, nodes)
    return render("report.html.j2", {"report": report, "timeline": timeline, "made_by": made_by})


def render(template: str, values: Mapping[str, Any]) -> str:
    """A page of a template of ours. All text on it is cleaned and escaped, but for pictures, which are so already."""
    return str(_environment().get_template(template).render(**values))


@cache  # a template is compiled once
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # a slow import, not needed by most commands
    from markupsafe import Markup

    folder = settings.data("templates") / FOLDER

    def asset(name: str) -> Markup:
        return Markup((folder / name).read_text(encoding="utf-8"))  # noqa: S704 - our own file

    def digest(program: str) -> str:
        return f"sha256-{base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()}"

    def shown(value: Any) -> Any:
        return value if isinstance(value, Markup) else clean(str(value))

    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"asset": asset, "digest": digest, "EVIDENCE": EVIDENCE}
    environment.filters |= {
        "clock": clock,
        "cut": cut,
        "moment": picture.moment,
        "lasting": picture.lasting,
        "duration": picture.duration,
        "told": picture.told,
    }
    return environment
