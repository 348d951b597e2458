"""make bench-compare names what is slower, and nothing else; make bench-readme writes README's table."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


compare, tables = script("bench_compare"), script("bench_table")


def test_a_host_that_slows_down_makes_nothing_slower() -> None:
    """Each pair has the same host, and the last one takes twice as long as the first."""
    row = compare.compared("up", [1.0, 1.2, 1.5, 1.8, 2.0], [1.01, 1.19, 1.52, 1.79, 2.01])
    assert not row.slower
    assert row.base == 1.5


def test_what_takes_longer_each_time_is_slower_also_among_slow_pairs() -> None:
    row = compare.compared("up", [1.0, 1.2, 1.5, 1.8, 2.0], [1.3, 1.5, 1.9, 2.0, 2.3])
    assert row.slower
    assert row.difference == pytest.approx(0.3)
    assert "slower" in compare.table([row])


def test_one_bad_run_makes_nothing_slower_and_what_is_faster_is_not_named() -> None:
    assert not compare.compared("up", [1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 1.01, 9.0, 1.0, 1.0]).slower
    faster = compare.compared("up", [2.0, 2.1, 2.0, 2.2, 2.0], [1.0, 1.1, 1.0, 1.1, 1.0])
    assert not faster.slower
    assert "slower" not in compare.table([faster])


def test_what_nobody_would_notice_is_not_slower() -> None:
    assert not compare.compared("up", [10.0] * 5, [10.1] * 5).slower
    assert compare.compared("up", [10.0] * 5, [10.3] * 5).slower


def test_readme_s_table_has_the_rows_and_the_order_of_the_bench() -> None:
    old = README.partition(f"{tables.BEGIN}\n")[2].partition(f"{tables.END}\n")[0]
    words = [line.split(" | ")[0].removeprefix("| ") for line in old.splitlines()[2:]]
    known = [words for words, _unit in tables.ROWS.values()]
    assert words == [each for each in known if each in words]


def test_figures_are_written_between_the_comments_alone() -> None:
    rows = [{"what": "destroy", "median": 0.404, "min": 0.4, "max": 12.34}, {"what": "unknown", "median": 1}]
    text = tables.put(README, {"rows": rows})
    assert f"{tables.BEGIN}\n| what | median | min | max |\n|---|---|---|---|\n" in text
    assert f"| `lab destroy` | 0.40 s | 0.40 s | 12.3 s |\n{tables.END}\n" in text
    assert text.partition(tables.BEGIN)[0] == README.partition(tables.BEGIN)[0]
    assert text.partition(tables.END)[2] == README.partition(tables.END)[2]
    with pytest.raises(SystemExit, match="lacks the lines"):
        tables.put("no table", {"rows": rows})


def test_every_row_is_one_that_the_bench_measures() -> None:
    bench = (ROOT / "scripts" / "bench.py").read_text(encoding="utf-8")
    faults = {f"{fault}: injected and its effect seen" for fault in ("kill", "isolate")}
    assert [name for name in tables.ROWS if f'"{name}"' not in bench and name not in faults] == []
