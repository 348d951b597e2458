"""The command line: the global options, the verbs, and the call of one of them."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from coreos_lab import failures, garbage, hints, interrupts, screen, umask
from coreos_lab.commands import options
from coreos_lab.errors import Exit

# In the order of `lab --help`. Each is a module of coreos_lab/commands.
VERBS = (
    *(
        "doctor",
        "up",
        "scale",
        "update",
        "status",
        "list",
        "labs",
        "show",
        "walk",
        "lint",
        "checklist",
        "graph",
        "deploy",
        "undeploy",
        "check",
    ),
    *("console", "break", "storm", "replay", "faults", "verdict", "report", "heal"),
    *("ssh", "fleetctl", "etcdctl", "journal", "env", "destroy"),
    *("box", "render", "discovery", "webhook", "snapshot", "backup", "restore", "reap-members", "cloud", "aws"),
)
MODULES = {"break": "break_", "list": "list_", "reap-members": "reap_members"}  # where the verb is no name, or Python's


class Verb(TyperCommand):
    """A verb whose module is imported when it is called: importing all of them takes longer than most calls."""

    def __init__(self, name: str) -> None:
        super().__init__(name, rich_markup_mode=None)
        self.module = MODULES.get(name, name)

    def load(self) -> Any:
        """The command, or the group of commands, that the verb's module defines."""
        command = typer.main.get_command(import_module(f"coreos_lab.commands.{self.module}").app)
        garbage.imported()
        return command

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Parses the arguments by the verb's own options. Called by typer, which invokes the context's command then."""
        return self.load().make_context(info_name, args, parent, **extra)

    def get_short_help_str(self, limit: int = 45) -> str:
        """The line of `lab --help`: the first line of the module, which is not imported for that."""
        with (Path(options.__file__).parent / f"{self.module}.py").open(encoding="utf-8") as source:
            self.help = source.readline().strip().removeprefix('"""').removesuffix('"""')
        return super().get_short_help_str(limit)


def _version(value: bool) -> None:
    if value:
        from coreos_lab import version

        typer.echo(f"lab {version.current()}")
        raise typer.Exit


def root(
    debug: Annotated[
        bool, typer.Option("--debug", envvar="LAB_DEBUG", help="Log every process, and show tracebacks.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and its commit.")
    ] = False,
) -> None:
    """Global options."""
    del version
    if debug:
        import logging

        os.environ["LAB_DEBUG"] = "1"
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(relativeCreated)7d ms %(message)s")


def command_line() -> TyperGroup:
    """`lab` with all its verbs."""
    made = typer.main.get_command(
        typer.Typer(
            name="lab",
            help="A Container Linux cluster on this machine: boot it, deploy a lab, break it, watch it heal.",
            callback=root,
            rich_markup_mode=None,
            no_args_is_help=True,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
    )
    lab = cast(TyperGroup, made)  # because it has a callback
    for verb in VERBS:
        lab.add_command(Verb(verb))
    return lab


app = command_line()


def main() -> None:
    """Runs the command line and exits with the call's exit code."""
    screen.prepare()
    interrupts.install()
    hints.begin(sys.argv[0])
    umask.fix()
    try:
        code = called(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:  # between the end of the work and here
        code = failures.interrupted()
    interrupts.over()
    if (lost := screen.lost()) and code == Exit.DONE:
        if lost.errno != errno.EPIPE:  # a reader that stops early, such as `head`, is not an error to report
            print(f"lab: stdout: {lost.strerror}", file=sys.stderr)
        code = Exit.UNHEARD if lost.errno == errno.EPIPE else Exit.ENVIRONMENT
    raise SystemExit(int(code))


def called(argv: list[str]) -> int:
    """Runs one call and returns its exit code. Errors are reported on stderr."""
    try:
        code = app(args=argv, standalone_mode=False) or Exit.DONE
    except (KeyboardInterrupt, typer.Abort):
        return failures.interrupted()
    except Exception as error:
        return failures.report(error)
    # typer catches Ctrl-C itself, and returns this code then.
    return failures.interrupted() if code == Exit.INTERRUPTED else int(code)
