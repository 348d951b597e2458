"""Write a report of a run: one HTML file with its verdict, timeline, checks and journals. Only its record is read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from coreos_lab import disk, hints
from coreos_lab.commands.options import Name, verb
from coreos_lab.errors import LabError, UsageError
from coreos_lab.node_plans import node_name
from coreos_lab.spelling import counted

HTML, MARKDOWN = (".html", ".htm"), (".md", ".markdown")
FIGURES = ".json"  # how the name of a bench's figures ends
STDOUT = "-"

app = verb()


@app.command(help=__doc__)
def command(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run, the path of its folder, or the bench.json of 'make bench'. Without it, the last run. "
            "With --all, a folder of runs.",
        ),
    ] = None,
    name: Name = hints.DEFAULT_NAME,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            envvar="LAB_OUTPUT",
            metavar="FILE",
            help="Where to write it, as HTML or, to a name that ends with .md, as Markdown; - is stdout. (RUN.html)",
        ),
    ] = None,
    markdown: Annotated[
        bool,
        typer.Option(
            "--markdown", envvar="LAB_MARKDOWN", help="A summary as Markdown, to stdout: for a CI job's page."
        ),
    ] = False,
    all_: Annotated[
        bool,
        typer.Option(
            "--all", envvar="LAB_ALL", help="One page for all runs, with the trend of each fault. (NAME-runs.html)"
        ),
    ] = False,
) -> None:
    if all_:
        report_all(name, run, output=output, markdown=markdown)
    elif run is not None and run.endswith(FIGURES):
        report_bench(Path(run), output=output, markdown=markdown)
    else:
        report(name, run, output=output, markdown=markdown)


def report(name: str, run: str | None, *, output: str | None, markdown: bool) -> None:
    """Writes the report of a run, the last one if `run` is None.

    A run without a verdict, or with one that is no pass, has a report like any other. UnknownError for the record of
    another version of lab.
    """
    as_markdown = _is_markdown(output, markdown)
    from coreos_lab.report import sources

    made = sources.read(sources.find(name, run))
    if as_markdown:
        from coreos_lab.report.markdown import markdown as written

        _write(output or STDOUT, written(made))
        return
    from coreos_lab.report.page import html

    size = _write(output or f"{made.run}.html", html(made, _version()))
    if output != STDOUT:
        print(f"{made.mark}: {made.what}. {made.sentence}")
        print(f"report: {output or f'{made.run}.html'} ({size / 1000:.0f} kB)")


def report_bench(path: Path, *, output: str | None, markdown: bool) -> None:
    """Writes the report of a bench from its figures. LabError where the file has none."""
    as_markdown = _is_markdown(output, markdown)
    from coreos_lab.records import figures
    from coreos_lab.report import bench

    made = figures.load(path)
    if as_markdown:
        _write(output or STDOUT, bench.markdown(made))
        return
    size = _write(output or f"{path.stem}.html", bench.html(made, _version()))
    if output != STDOUT:
        print(f"{bench.sentence(made)}.")
        print(f"report: {output or f'{path.stem}.html'} ({size / 1000:.0f} kB)")


def report_all(name: str, folder: str | None, *, output: str | None, markdown: bool) -> None:
    """Writes one page for all runs of a cluster, or for those in a folder."""
    if _is_markdown(output, markdown):
        raise UsageError("--all: its page is HTML", "leave --markdown out, and write to a name that ends with .html")
    from coreos_lab.records import runs, store
    from coreos_lab.report import index, sources

    if folder is None:
        store.require(name)
        there = [(path, name) for path in runs.ordered(name) if sources.is_run(path)]
    else:
        there = index.below(Path(folder))
    if not there:
        where = f"{name}: there is" if folder is None else f"{folder}: there is"
        raise UsageError(f"{where} no run", hints.lab("break", node_name(1), "--verify"))
    rows, left_out = index.rows(there)
    target = output or f"{name}-runs.html"
    beside = {} if target == STDOUT else index.pages(rows, Path(target).absolute().parent)
    size = _write(target, index.html(rows, left_out, _version(), beside))
    if output != STDOUT:
        print(f"report: {target} ({counted(len(rows), 'run')}, {size / 1000:.0f} kB)")


def _is_markdown(output: str | None, markdown: bool) -> bool:
    """Whether the options ask for Markdown. UsageError where they contradict each other, or say nothing."""
    suffix = Path(output).suffix.lower() if output and output != STDOUT else ""
    if markdown and suffix in HTML:
        raise UsageError(
            f"--output {output}: a name for HTML, and --markdown asks for Markdown", "leave one of them out"
        )
    if output and output != STDOUT and not markdown and suffix not in (*HTML, *MARKDOWN):
        raise UsageError(
            f"--output {output}: ends neither with .html nor with .md", "name it so, or add --markdown for Markdown"
        )
    return markdown or suffix in MARKDOWN


def _write(output: str, text: str) -> int:
    """Writes a page to a file or to stdout and returns its size in bytes."""
    size = len(text.encode())
    if output == STDOUT:
        sys.stdout.write(text)
        return size
    try:
        path = Path(output).resolve()
        if path.exists() and not path.is_file():  # a pipe or a device is written to, not replaced
            with path.open("w", encoding="utf-8") as out:
                out.write(text)
        else:
            disk.write_atomic(path, text)
    except (OSError, RuntimeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise LabError(f"{output}: cannot be written: {why}", "name another file: --output FILE") from None
    return size


def _version() -> str:
    from coreos_lab import version

    return str(version.current())
