"""Our reader and fleet's own get the same unit texts: written by hand, and put together by chance."""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import settings
from coreos_lab.errors import LabError
from coreos_lab.machine_image.go_toolchain import find_go
from coreos_lab.machine_image.userland import Program, build_command, build_environment
from coreos_lab.units import fleet_grammar, fleet_rules, unit_mistakes
from coreos_lab.units.fleet_grammar import RefusedError

Readings = Callable[[list[tuple[str, bytes]]], list[dict[str, Any]]]

NAMES = ("web@1.service", "web@2.service", "db.service", "a]b.service", "web-1.timer", "^x.service", "a/b.service")
BY_HAND = (
    "",
    "[Unit]",
    "[Unit]\nDescription=x",
    "[Unit]\r\nDescription=x\r\n[X-Fleet]\r\nGlobal=true\r\n",
    "[Service]\r\nExecStart=a \\\r\n  b=c\r\n",
    "# a comment \\\n[X-Fleet]\nGlobal=true\n",
    "[Unit]\n# a comment \\\n[X-Fleet]\nGlobal=true\n",
    "[Unit]\n# a comment \\ \nA=b\nC=d\n",
    "[Unit]\n# a comment \\  \nA=b\nC=d\n",
    "[Unit]\n# one \\\n; two \\\nA=b\nC=d\n",
    "[Unit]\nA=b \\ \nC=d\n",
    "[Unit]\nA=b \\ \nC\n",
    "[Unit]\nA=b \\\n\nC=d\n",
    "[Unit]\nA=b \\\n",
    "[Unit]\nA=b \\",
    "[Unit]\nA=b \\\n  # within \\\n c\n",
    "[Unit]\nA=b \\\n  # within\n c=d\n",
    "[Unit]\nA=b \\\\\nC=d\n",
    "[Unit]\nA=\nA=b\nA=c\n",
    "[Unit]\n  A  =  b  \n\tC=\td\t\n",
    "[Unit]\n=b\n",
    "[Unit]\nA\n",
    "[Unit]\nA",
    "[Unit] # why\nA=b\n",
    "[Unit\nA=b\n",
    "[Unit\nA=b]\nC=d\n",
    "A=b\n[Unit]\nA=b\n",
    "A [Unit]\nA=b\n",
    "\ufeff[Unit]\nA=b\n",
    "[Unit]\nA=\xa0b\xa0\n\xa0C=d\n\x1cE=f\n",
    '[X-Fleet]\nMachineOf="web@1.service"\n',
    "[X-Fleet]\nMachineOf='web@1.service'\n",
    '[X-Fleet]\nMachineMetadata="disk=ssd" "region=eu" "disk=hdd"\n',
    '[X-Fleet]\nMachineMetadata="disk=ssd"  "region=eu"\n',
    "[X-Fleet]\nMachineMetadata=disk=ssd region=eu\nMachineMetadata==x\nMachineMetadata=x=\nMachineMetadata=x\n",
    "[X-Fleet]\nX-ConditionMachineOf=a.service\nMachineOf=b.service\n",
    "[X-Fleet]\nX-ConditionMachineBootID=abc\n",
    "[X-Fleet]\nX-ConditionMachineBootID=abc\nX-ConditionMachineID=def\nMachineID=\n",
    "[X-Fleet]\nX-Conflicts=web@*\nConflicts=db.service\n",
    '[X-Fleet]\nX-ConditionMachineMetadata="a=b"\nMachineMetadata=a=c\n',
    "[X-Fleet]\nGlobal=true\nGlobal=no\n",
    "[X-Fleet]\nGlobal=T\n",
    "[X-Fleet]\nGlobal=y\n",
    "[X-Fleet]\nGlobal = true \\\n",
    "[X-Fleet]\nConflicts=web@*.service \\\n  db.service\n",
    "[X-Fleet]\nConflicts=%p@*.service\nMachineOf=%p@%i.service\n",
    "[X-Fleet]\nConflicts=%n %N %p %i %H %%n\n",
    "[X-Fleet]\nMachineOf=web@1.service\nConflicts=web@*\n",
    "[X-Fleet]\nMachineOf=web@1.service\nReplaces=web@*\n",
    "[X-Fleet]\nMachineID=a\nMachineOf=b.service\n",
    "[X-Fleet]\nMachineID=a\nConflicts=\n",
    "[X-Fleet]\nMachineID=a\nConflicts=b\n",
    "[X-Fleet]\nMachineID=a\nGlobal=1\n",
    "[X-Fleet]\nMachineID=a\nReplaces=b\n",
    "[X-Fleet]\nGlobal=on\nMachineOf=b\n",
    "[X-Fleet]\nGlobal=on\nReplaces=b\n",
    "[X-Fleet]\nGlobal=on\nConflicts=b\n",
    "[X-Fleet]\nConflicts=a\nReplaces=b\n",
    "[X-Fleet]\nMachineBootID=a\n",
    "[X-Fleet]\nConflicts=[a-z]eb@? [^w]* a\\]b* web@[12].service *[]] [z-a] [\n",
    "[X-fleet]\nGlobal=true\n",
    "[X-Fleet]\n" + "MachineMetadata=" + "x" * 2048,
    "[X-Fleet]\n" + "# " + "x" * 2046 + "\nGlobal=true\n",
    "[Unit]\nA=" + "x" * 2045 + "\n",
    "[Unit]\nA=" + "x" * 2046 + "\n",
    "[Unit]\nA=" + "x" * 2047 + "\n",
    "[Unit]\n" + "A=b\n" * 1000 + "A=" + "x" * 3000 + "\n",
    "[Unit]\n" + "A=b\n" * 1020 + "A=" + "x" * 3000 + "\n",
    "[Unit]\nA=" + "y \\\n" * 1500 + "\nB=c\n",
)
_LINES = """\
[Unit]
[Service]
[X-Fleet]
[X-Fleet]
# note
; note

A=b
A = b c
A=\\
=b
Description=
ExecStart=/bin/true
Environment=X=1 "Y=a b"
  --name=x nginx
Global=true
Global=false
Global=
Conflicts=web@*.service
Conflicts=[^w]eb@?*
X-Conflicts=db* [
MachineOf=web@%i.service
MachineOf="db.service"
X-ConditionMachineOf=db.service
Replaces=web@*
MachineMetadata="a=b" "a=c"
MachineMetadata=a=b
MachineID=1
X-ConditionMachineBootID=2
Whatever=%n"""
LINES = [*_LINES.splitlines(), "A=" + "x" * 700]
NOISE = [
    *"[]#;\\\\\\  \t\r\n=\"'\ufeff\x00\x1c\xa0\u3000\x85é\U0001f40b\udcff",
    "\\\\",
    "%i",
    "%N",
    "\udce2\udc82",
    "\udced\udca0",
]
ENDS = [*["\n"] * 12, " \\\n", "\\\n", "\\ \n", "\r\n", "\n\n", " \n", ""]


def by_chance(source: random.Random) -> bytes:
    """A text of lines that mean something, some of them spoilt by what is tricky."""
    text = source.choice(("", "[Unit]\n", "[X-Fleet]\n", "[X-Fleet]\n"))
    for _ in range(source.randint(1, 20)):
        line = source.choice(LINES)
        if source.random() < 0.1:
            place = source.randint(0, len(line))
            line = line[:place] + source.choice(NOISE) + line[place:]
        text += line + source.choice(ENDS)
    return text.encode("utf-8", errors="surrogateescape")


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Readings:
    """Asks fleet's own packages, in a program of ours, what they understand."""
    program = Program("reading", "fleet", "./testdata/reading", "")
    binary = tmp_path_factory.mktemp("go") / program.name
    try:
        call = build_command(find_go(), program, binary)
        environment = {**os.environ, **build_environment(program)}
        subprocess.run(call, check=True, capture_output=True, env=environment, cwd=settings.data("userland") / "fleet")
    except (LabError, subprocess.CalledProcessError) as error:
        if os.environ.get("LAB_TEST_WITH_GO"):
            raise
        pytest.skip(f"fleet's own packages cannot be built here: {error}")

    def ask(files: list[tuple[str, bytes]]) -> list[dict[str, Any]]:
        asked = [{"name": name, "text": base64.b64encode(text).decode("ascii"), "names": NAMES} for name, text in files]
        done = subprocess.run([binary], input=json.dumps(asked), capture_output=True, text=True, check=True)
        answers: list[dict[str, Any]] = json.loads(done.stdout)
        return answers

    return ask


def understood(name: str, text: bytes) -> dict[str, Any]:
    """What our reader makes of a unit, in the words of fleet's."""
    options = fleet_grammar.parse(text).options
    pairs = fleet_rules.metadata(options, name)
    target = fleet_rules.values(options, "MachineID", name)[:1]
    return {
        "options": [{"section": o.section, "name": o.name, "value": o.value} for o in options],
        "written": fleet_grammar.written(options),
        "conflicts": fleet_rules.conflicts(options, name),
        "replaces": fleet_rules.values(options, "Replaces", name),
        "peers": fleet_rules.peers(options, name),
        "target": target[0] if target else None,
        "metadata": {key: sorted(values) for key, values in pairs.items()},
        "global": fleet_rules.is_global(options, name),
        "matched": [fleet_rules.keeps_apart(options, name, other) for other in NAMES],
    }


def compare(files: list[tuple[str, bytes]], answers: list[dict[str, Any]]) -> None:
    for (name, text), answer in zip(files, answers, strict=True):
        try:
            ours = understood(name, text)
        except RefusedError as refused:
            assert answer["error"], f"only we refuse {text!r}: {refused}"
            continue
        assert not answer["error"], f"only fleet refuses {text!r}: {answer['error']}"
        assert ours == {key: answer[key] for key in ours}, repr(text)


def test_what_is_tricky(readings: Readings) -> None:
    files = [(name, text.encode("utf-8")) for text in BY_HAND for name in ("web@1.service", "db.timer", "nodot")]
    compare(files, readings(files))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_chance_puts_together(readings: Readings, seed: int) -> None:
    source = random.Random(seed)  # noqa: S311
    files = [("web@1.service", by_chance(source)) for _ in range(1000)]
    compare(files, readings(files))


def test_all_that_fleet_refuses_is_refused_with_a_line(readings: Readings) -> None:
    source = random.Random(9)  # noqa: S311
    texts = [*BY_HAND, *(by_chance(source).decode("utf-8", errors="replace") for _ in range(1000))]
    files = [("x.timer", text.encode("utf-8")) for text in texts]
    for (_name, data), answer in zip(files, readings(files), strict=True):
        text = data.decode("utf-8")
        mistakes = unit_mistakes.check("x.timer", text)[1]
        if answer["error"] or answer["options_error"] or answer["unknown_error"]:
            assert mistakes, f"{answer['error'] or answer['options_error'] or answer['unknown_error']}: {text!r}"
            assert 1 <= mistakes[0].line <= text.count("\n") + 1


@pytest.mark.parametrize(
    "stem", ["a", "a@", "a@1", "a@b@c", "@1", "a b", "é", "a\\x2d", "a/b", "a:b_c.d-e", "x" * 245, "x" * 252]
)
def test_names(readings: Readings, stem: str) -> None:
    kinds = fleet_rules.TYPES
    answers = readings([(f"{stem}.{kind}", b"") for kind in kinds])
    for kind, answer in zip(kinds, answers, strict=True):
        refused = unit_mistakes.check_name(f"{stem}.{kind}")
        assert bool(refused) == bool(answer["name_error"]), f"{stem}.{kind}: {refused!r}, {answer['name_error']!r}"


def test_our_own_units_reach_the_machines_as_they_are_written(readings: Readings) -> None:
    paths = sorted(Path(settings.data("labs")).glob("*/units/*"))
    files = [(path.name, path.read_bytes()) for path in paths]
    answers = readings(files)
    compare(files, answers)
    assert not any(answer["options_error"] or answer["unknown_error"] for answer in answers)
