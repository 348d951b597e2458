"""Printed commands: made in one place, for the call's own cluster, and understood by the command line."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import coreos_lab
from coreos_lab import cli, hints
from coreos_lab.definition.lint import judge
from coreos_lab.errors import Exit
from coreos_lab.hints import Call
from coreos_lab.model import Cluster
from coreos_lab.plan import Request, plan
from coreos_lab.records import store
from coreos_lab.remake import made_anew, made_with
from tests import printed

ROOT = Path(coreos_lab.__file__).parent
TESTS = Path(__file__).parents[1]
COMMAND: Any = cli.app
FOREIGN = re.compile(r"(?:^|: |\(|')((?:ss|ip|losetup) (?:-|link|rule)[^;)]*?)(?:; |\)|'$|$)")
PRINTED = re.compile(rf"\blab ({'|'.join(cli.VERBS)}|--help)\b")


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The text literals that may be printed: not docstrings, nor the help of options, which is about no cluster."""
    silent: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(id(node.value))
        if isinstance(node, ast.keyword) and node.arg == "help":
            silent |= {id(each) for each in ast.walk(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value


def understand(command: str) -> dict[str, Any]:
    """Parses a printed command as the shell and the command line do. Raises if an option or argument does not fit."""
    words = shlex.split(command)
    assert words[0] == "lab", command
    context = COMMAND.make_context("lab", words[1:])
    current: Any = COMMAND
    while hasattr(current, "resolve_command"):
        name, current, rest = current.resolve_command(context, [*context._protected_args, *context.args])
        context = current.make_context(name, rest, parent=context)
        current = context.command
    parameters: dict[str, Any] = context.params
    return parameters


@pytest.fixture
def elsewhere() -> None:
    hints.about(Call(name="other", provider="vagrant", cloud="other"))


def test_every_command_that_is_printed_is_made_in_one_place() -> None:
    by_hand = [
        f"{path}:{line}: {text}" for path, tree in sources() for line, text in literals(tree) if PRINTED.search(text)
    ]
    assert by_hand == []


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(("where", "shape"), [pytest.param(*each, id=each[0]) for each in printed.made()])
def test_the_command_line_understands_every_command_that_is_printed(where: str, shape: list[str]) -> None:
    del where
    # A value of run time becomes 3, which is valid as a name and as a number.
    words = ["3" if word == "*" else word for word in shape if word != "..."]
    if "--help" in words:
        return
    parameters = understand(hints.lab(*words))
    if words[0] not in hints.WITHOUT_NAME:
        assert parameters["name"] in ("other", "3")


def foreign() -> set[str]:
    """The commands of other programs that are printed. A value of run time becomes x1, or 1 where a port stands."""
    texts: list[str] = []
    for _path, tree in sources():
        filled = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
        parts = {id(part) for node in filled for part in node.values}
        texts += [
            "".join(str(part.value) if isinstance(part, ast.Constant) else "x1" for part in node.values)
            for node in filled
        ]
        texts += [
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts
        ]
    return {found[1].replace(":x1", ":1") for text in texts for found in FOREIGN.finditer(text)}


def test_the_commands_of_other_programs_are_found() -> None:
    assert {"ss -ltnp 'sport = :1'", "ip link delete x1", "ip rule", "losetup --list"} <= foreign()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("command", sorted(foreign()))
def test_commands_of_other_programs_work_as_printed(command: str) -> None:
    """In namespaces of their own, where the interface that one of them deletes is there."""
    script = f"ip link add x1 type bridge && {command}"
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_no_command_that_is_printed_has_a_placeholder() -> None:
    """What a reader pastes must work as it stands."""
    assert [(where, word) for where, words in printed.made() for word in words if re.search(r"[A-Z]", word)] == []


def test_every_command_that_is_printed_is_executed_by_a_test() -> None:
    executed = [*printed.ON_PAPER, *printed.ON_THREE_NODES, *printed.ON_ONE_NODE, *printed.ELSEWHERE]
    assert sorted(executed) == sorted({" ".join(words) for _where, words in printed.made()})


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        *((shape, how.words) for shape, how in printed.ON_PAPER.items()),
        *((shape, how.words) for shape, how in printed.ON_THREE_NODES.items()),
        *((shape, how.words) for shape, how in printed.ON_ONE_NODE.items()),
    ],
)
def test_what_is_executed_is_what_is_printed(shape: str, words: str) -> None:
    assert printed.fits(shape, words.split())


def test_a_command_of_another_shape_does_not_fit() -> None:
    assert not printed.fits("scale *", ["scale"])
    assert not printed.fits("ssh *", ["ssh", "core-01", "--", "hostname"])
    assert not printed.fits("up", ["up", "--apply"])
    assert printed.fits("up ... --apply", ["up", "--apply"])


@pytest.mark.parametrize("shape", printed.ON_PAPER)
def test_what_needs_no_machine_works_as_printed(
    shape: str, planned: Callable[..., Cluster], capsys: pytest.CaptureFixture[str]
) -> None:
    how = printed.ON_PAPER[shape]
    store.save(planned(name="other"))
    hints.about(Call(name="other"))
    command = hints.lab(*how.words.split())
    hints.about(Call())
    assert cli.called(shlex.split(command)[1:]) == Exit.DONE, capsys.readouterr().err
    assert how.shows in capsys.readouterr().out


@pytest.mark.parametrize(("file", "words"), printed.ELSEWHERE.values())
def test_a_long_command_that_is_printed_is_executed_by_the_test_that_is_named(file: str, words: str) -> None:
    length = len(words.split())
    found = [
        call
        for call, given in printed.calls(TESTS / file)
        if given[:length] == words.split() and not any(option.arg == "code" for option in call.keywords)
    ]
    assert found, "no call of it there that must succeed"


def leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """The commands of a verb that do something, with their words."""
    parts = getattr(command, "commands", {})
    if not parts:
        yield name, command
    for word, part in parts.items():
        yield from leaves(f"{name} {word}", part)


def test_the_lists_of_verbs_with_name_and_provider_are_right() -> None:
    options = {}
    for verb in cli.VERBS:
        for name, each in leaves(verb, COMMAND.commands[verb].load()):
            options[name] = {option for parameter in each.params for option in parameter.opts}
    assert {verb for verb, opts in options.items() if "--name" not in opts} == {*hints.WITHOUT_NAME} - {"--help"}
    assert {verb for verb, opts in options.items() if "--provider" in opts} == {*hints.WITH_PROVIDER}


@pytest.mark.parametrize(
    ("call", "words", "printed"),
    [
        (Call(), ["heal"], "lab heal"),
        (Call(name="other"), ["heal"], "lab heal --name other"),
        (Call(name_is_set=True), ["heal"], "lab heal --name core"),
        (Call(name="other"), ["deploy", "./my lab"], "lab deploy './my lab' --name other"),
        (Call(name="other"), ["ssh", "core-01", "--", "ls"], "lab ssh --name other core-01 -- ls"),
        (Call(name="other"), ["snapshot", "delete", "a"], "lab snapshot delete a --name other"),
        (Call(name="other", provider="vagrant"), ["labs"], "lab labs"),
        (Call(name="other", provider="vagrant"), ["doctor"], "lab doctor --provider vagrant"),
        (Call(provider="vagrant"), ["up"], "lab up --provider vagrant"),
        (Call(name="other"), ["cloud", "destroy"], "lab cloud destroy"),
        (Call(cloud="other"), ["cloud", "destroy"], "lab cloud destroy --name other"),
        (Call(cloud="other"), ["aws", "ec2", "describe-vpcs"], "lab aws --name other ec2 describe-vpcs"),
        (Call(provider_is_set=True), ["up"], "lab up --provider nspawn"),
        (Call(cloud_is_set=True), ["cloud", "destroy"], "lab cloud destroy --name aws"),
        (Call(cloud="other", cloud_is_set=True), ["heal"], "lab heal"),
        (Call(cloud="other", cloud_is_set=True), ["check", "ch8"], "LAB_CLOUD=other lab check ch8"),
        (Call("sudo lab", cloud="other", cloud_is_set=True), ["walk", "ch8"], "sudo LAB_CLOUD=other lab walk ch8"),
        (Call(cloud="other", cloud_is_set=True), ["up"], "lab up"),
        (Call(provider="aws", cloud="x", cloud_is_set=True), ["up"], "LAB_CLOUD=x lab up --provider aws"),
        (
            Call(provider="aws", cloud="x", cloud_is_set=True),
            ["up", "--cloud", "y"],
            "lab up --cloud y --provider aws",
        ),
    ],
)
def test_a_command_reaches_the_cluster_that_the_call_was_about(call: Call, words: list[str], printed: str) -> None:
    hints.about(call)
    assert hints.lab(*words) == printed


@pytest.mark.parametrize(
    ("environ", "root", "program"),
    [
        ({}, True, "lab"),
        ({"SUDO_USER": "me"}, True, "sudo lab"),
        ({"SUDO_USER": "me"}, False, "lab"),
        ({"LAB_STATE_DIR": "/my disk/lab"}, True, "LAB_STATE_DIR='/my disk/lab' lab"),
        ({"SUDO_USER": "me", "LAB_STATE_DIR": "/x"}, True, "sudo LAB_STATE_DIR=/x lab"),
    ],
)
def test_a_printed_command_is_called_as_lab_was(environ: dict[str, str], root: bool, program: str) -> None:
    assert hints.of_call("-c", environ, root=root).program == program


def test_a_cloud_that_only_the_variable_names_is_named_by_printed_commands() -> None:
    """As after `sudo LAB_CLOUD=other lab walk ch8`: the shell in which the printed command is typed has no variable."""
    hints.about(hints.of_call("lab", {"LAB_CLOUD": "other", "SUDO_USER": "me"}, root=True))
    assert hints.lab("cloud", "up").endswith("lab cloud up --name other")
    hints.about_cloud("aws")  # by --name
    assert hints.lab("cloud", "up").endswith("lab cloud up --name aws")
    hints.about(hints.of_call("lab", {"LAB_CLOUD": ""}, root=True))
    assert hints.lab("cloud", "up").endswith("lab cloud up")


def test_a_program_that_is_not_on_the_path_is_named_by_its_path(tmp_path: Path) -> None:
    here = tmp_path / "a b" / "lab"
    here.parent.mkdir()
    here.write_text("#!/bin/sh\n")
    here.chmod(0o755)
    assert hints.of_call(str(here), {"PATH": "/nowhere"}, root=True).program == f"'{here}'"
    assert hints.of_call(str(here), {"PATH": str(here.parent)}, root=True).program == "lab"


def test_a_cluster_is_made_anew_with_its_options_and_the_missing_one() -> None:
    request = Request(
        "other",
        nodes=5,
        members=3,
        disks=1,
        disk_size=64 * 2**20,
        memory=2**30,
        cpus=1.5,
        agent_ttl="30s",
        flannel_backend="vxlan",
        subnet="10.88.8.0/24",
    )
    cluster = plan(request, None, set())
    hints.about(Call(name="other"))
    destroy, up = made_anew(cluster, disks=2).split(" && ")
    assert destroy == "lab destroy --name other"
    again = understand(up)
    assert (again["name"], again["nodes"], again["members"], again["disks"]) == ("other", 5, 3, 2)
    assert (again["disk_size"], again["memory"], again["cpus"]) == ("67108864", "1073741824", 1.5)
    assert (again["agent_ttl"], again["flannel_backend"], again["subnet"]) == ("30s", "vxlan", "10.88.8.0/24")


def test_a_cluster_made_without_options_is_made_anew_without_options() -> None:
    assert made_with(plan(Request(), None, set())) == []
    assert made_anew(plan(Request(), None, set()), nodes=5) == "lab destroy && lab up --nodes 5"
    assert made_with(plan(Request(provider="vagrant"), None, set())) == ["--provider", "vagrant"]


BOOK = (ROOT.parent / "docs" / "the-book.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`(lab [^`]+)`", BOOK))))
def test_the_command_line_understands_every_command_on_the_page_about_the_book(command: str) -> None:
    if command not in ("lab lint", "lab checklist", "lab graph"):  # named, not to be typed
        understand(command)


def test_the_page_about_the_book_names_rules_that_exist() -> None:
    named = re.findall(r"rule `([\w-]+)`", BOOK)
    assert named
    assert set(named) <= {*judge.RULES, *judge.DOCKERFILE_RULES}
