"""Calls of fleetctl are repeated while a busy fleet answers with an error of its own, and only then."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import clients, run, wait

AGAIN = Path(clients.__file__).with_name("fleetctl_again.sh")
# Counts its calls; the first ones fail as told, later ones do what they were called for.
PROGRAM = """#!/bin/sh
echo call >>"$FOLDER/calls"
if [ "$(wc -l <"$FOLDER/calls")" -le "$BUSY" ]; then
    echo "$TROUBLE" >&2
    exit 1
fi
echo "$@"
echo done >&2
"""
BODY = 'googleapi: got HTTP response code 500 with body: {"error":{"code":500,"message":""}}'
Call = Callable[..., tuple[int, str, str, int]]


@pytest.fixture
def fleetctl(tmp_path: Path) -> Call:
    """Calls it: its exit code, what it prints to stdout and stderr, and how often it was called."""
    program, wrapper = tmp_path / "program", tmp_path / "wrapper"
    wrapper.write_text('exec "$LAB_FLEETCTL" "$@"\n')
    for path, text in ((program, PROGRAM), (tmp_path / "sleep", "#!/bin/sh\n")):
        path.write_text(text)
        path.chmod(0o755)

    def call(*words: str, trouble: str = BODY, busy: int = 2) -> tuple[int, str, str, int]:
        env = {"FOLDER": str(tmp_path), "TROUBLE": trouble, "BUSY": str(busy), "PATH": f"{tmp_path}:/usr/bin:/bin"}
        done = run.run(["sh", AGAIN, program, wrapper, *words], check=False, env=env)
        return done.returncode, done.stdout, done.stderr, len((tmp_path / "calls").read_text().splitlines())

    return call


@pytest.mark.parametrize("trouble", [BODY, "Error: googleapi: Error 503: fleet server unable to communicate with etcd"])
def test_a_busy_fleet_is_asked_again(fleetctl: Call, trouble: str) -> None:
    words = ("--request-timeout=5", "start", "--no-block", "a b.service")
    assert fleetctl(*words, trouble=trouble) == (0, f"{' '.join(words)}\n", "done\n", 3)


def test_one_that_stays_busy_is_told_as_it_said_it(fleetctl: Call) -> None:
    assert fleetctl("list-units", busy=99) == (1, "", f"{BODY}\n", 10)


def test_what_fleet_refuses_is_not_asked_again(fleetctl: Call) -> None:
    refused = "googleapi: Error 409: conflicts with an existing unit"
    assert fleetctl("start", "a.service", trouble=refused) == (1, "", f"{refused}\n", 1)


@pytest.mark.parametrize("words", [("ssh", "a.service", "start"), ("journal", "-f", "a.service"), ("--help",), ()])
def test_what_goes_on_or_asks_nobody_is_called_once(fleetctl: Call, words: tuple[str, ...]) -> None:
    assert fleetctl(*words) == (1, "", f"{BODY}\n", 1)


def test_it_ends_with_the_command_that_called_it(tmp_path: Path) -> None:
    """`start` waits for as long as a unit does not run, and nobody would end it then."""
    program, wrapper = tmp_path / "program", tmp_path / "wrapper"
    program.write_text("#!/bin/sh\necho $$\nexec sleep 60\n")
    program.chmod(0o755)
    wrapper.write_text('exec "$LAB_FLEETCTL" "$@"\n')
    call = ["sh", str(AGAIN), str(program), str(wrapper), "start", "a.service"]
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
        process.wait()
        wait.until(lambda: not is_alive(pid), deadline=10, missing="it runs on")


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
