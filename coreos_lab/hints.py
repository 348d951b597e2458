"""The `lab` commands that messages print. Pasted into a shell, they reach the cluster that this call was about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from coreos_lab.shell_words import joined, quoted

DEFAULT_NAME = "core"
DEFAULT_PROVIDER = "nspawn"
DEFAULT_CLOUD = "aws"
# Verbs without --name, as they are about no cluster, and verbs with --provider.
WITHOUT_NAME = ("doctor", "list", "labs", "show", "lint", "checklist", "faults", "box build")
ABOUT_CLOUD = ("cloud", "aws")  # verbs whose --name is a cloud's
BY_VARIABLE = ("check", "walk")  # verbs that take their cloud from LAB_CLOUD alone
WITH_PROVIDER = ("doctor", "up", "faults")
GROUPS = ("snapshot", "render", "box", "discovery", "webhook", "cloud")
# Verbs whose arguments belong to another program from the first one on: lab's own options stand before them.
PASS_THROUGH = ("ssh", "fleetctl", "etcdctl", "aws")


@dataclass(frozen=True)
class Call:
    """What a printed command must carry to mean the same as the running one.

    `program` is how `lab` was called, with sudo and LAB_STATE_DIR if it had them. `name_is_set`, `provider_is_set` and
    `cloud_is_set`: LAB_NAME, LAB_PROVIDER or LAB_CLOUD is set in the environment, so that a printed command must name
    even the default.
    `has_cluster`: the options have been read, and the verb is about a cluster. Until then `name` says nothing.
    `cloud`: the cloud that the call is about.
    """

    program: str = "lab"
    name: str = DEFAULT_NAME
    provider: str = DEFAULT_PROVIDER
    name_is_set: bool = False
    provider_is_set: bool = False
    has_cluster: bool = False
    cloud: str = DEFAULT_CLOUD
    cloud_is_set: bool = False


_call = Call()


def of_call(program: str, environ: Mapping[str, str], *, root: bool) -> Call:
    """The call as it was typed, as far as it can be reconstructed. `program` is sys.argv[0]."""
    words = ["sudo"] if root and environ.get("SUDO_USER") else []
    if state := environ.get("LAB_STATE_DIR"):
        words.append(f"LAB_STATE_DIR={quoted(state)}")
    words.append(_program(program, environ.get("PATH")))
    cloud = environ.get("LAB_CLOUD")
    return Call(
        " ".join(words),
        name_is_set=bool(environ.get("LAB_NAME")),
        provider_is_set=bool(environ.get("LAB_PROVIDER")),
        cloud=cloud or DEFAULT_CLOUD,
        cloud_is_set=bool(cloud),
    )


def _program(called: str, path: str | None) -> str:
    """`lab` if the shell finds this very program by that name, else the path that it was called by."""
    if Path(called).name != "lab":  # a test, or another program that uses the package as a library
        return "lab"
    on_path = shutil.which("lab", path=path)
    return "lab" if on_path and Path(on_path).resolve() == Path(called).resolve() else quoted(called)


def begin(program: str) -> None:
    """Reads the environment and sys.argv[0] (`program`). To be called once, before anything is printed."""
    about(of_call(program, os.environ, root=os.geteuid() == 0))


def about(call: Call) -> None:
    """Sets the call whose cluster printed commands are for."""
    global _call  # noqa: PLW0603 - a process is one call, and every layer may have to print a command
    _call = call


def current() -> Call:
    """The call whose cluster printed commands are for."""
    return _call


def about_cluster(name: str) -> None:
    """From now on, printed commands are for this cluster."""
    about(replace(_call, name=name, has_cluster=True))


def about_provider(provider: str) -> None:
    """From now on, printed commands are for clusters of this provider."""
    about(replace(_call, provider=provider))


def about_cloud(name: str) -> None:
    """From now on, printed commands are for this cloud, where they are about one."""
    about(replace(_call, cloud=name))


@contextmanager
def for_cluster(name: str) -> Iterator[None]:
    """Within the block, printed commands are for this cluster."""
    before = _call
    about(replace(before, name=name))
    try:
        yield
    finally:
        about(before)


def lab(*words: object) -> str:
    """A command as one would type it into a shell: `lab("heal")` may be `lab heal --name other`.

    `words` are a verb with its arguments and options. The cluster, the provider, sudo and the state folder are added if
    the call had others than the default. No word is a placeholder: what is printed works as it stands.
    """
    given = [str(word) for word in words]
    length = 2 if given[0] in GROUPS else 1
    verb, rest = given[:length], given[length:]
    options: list[str] = []
    full_verb = " ".join(verb)
    if verb[0] in ABOUT_CLOUD:
        options += ["--name", _call.cloud] if _call.cloud_is_set or _call.cloud != DEFAULT_CLOUD else []
    elif full_verb not in WITHOUT_NAME and "--name" not in rest and (_call.name_is_set or _call.name != DEFAULT_NAME):
        options += ["--name", _call.name]
    different = _call.provider_is_set or _call.provider != DEFAULT_PROVIDER
    if full_verb in WITH_PROVIDER and "--provider" not in rest and different:
        options += ["--provider", _call.provider]
    order = [*options, *rest] if full_verb in PASS_THROUGH else [*rest, *options]
    return f"{_program_for(full_verb, rest)} {joined([*verb, *order])}"


def _program_for(verb: str, rest: list[str]) -> str:
    """The program with LAB_CLOUD, where a verb would else be about another cloud: sudo passes no variable on."""
    on_cloud = verb == "up" and _call.provider == "aws" and not {"--cloud", "--endpoint"} & set(rest)
    if not _call.cloud_is_set or not (on_cloud or verb in BY_VARIABLE):
        return _call.program
    program = _call.program.removeprefix("sudo ")
    return f"{'sudo ' if program != _call.program else ''}LAB_CLOUD={quoted(_call.cloud)} {program}"
