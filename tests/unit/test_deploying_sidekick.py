"""ch9's sidekick: the shell program in its unit, with programs in place of those that it calls."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from coreos_lab.units import unit_file

UNIT = Path(__file__).parents[2] / "labs/ch9/units/web-sidekick@.service"
# `index` is etcd's; `keys/` has a file for each key, with / as -: the index of its last write, and its value. A watch
# ends when the key has a later write than --after-index; otherwise the next of the `writes` comes while it waits.
# Without one the program is ended. `away` is the call that gets no answer, `fails` the one that fails. `state` is what
# systemd says of the web server.
ETCDCTL = """#!/bin/bash
verb= key= value= after= extended= with=
while [ $# -gt 0 ]; do
    case $1 in
        -o) extended=1; shift ;;
        --ttl | --with-value) shift ;;
        --after-index) after=$2; shift ;;
        --*) ;;
        *) if [ -z "$verb" ]; then verb=$1; elif [ -z "$key" ]; then key=$1; else value=$1; fi ;;
    esac
    shift
done
file=keys/${key//\\//-}
[ "$verb $key" != "$(cat away)" ] || { echo "Error:  client: etcd cluster is unavailable" >&2; exit 4; }
absent() { echo "Error:  100: Key not found ($key) [$(cat index)]" >&2; exit 4; }
write() { echo $(($(cat index) + 1)) >index; printf '%s\\n%s\\n' "$(cat index)" "$2" >"$1"; }
[ "$verb" = get ] || echo "$verb $key${value:+ $value}" >>calls
case $verb in
    get)
        [ -e "$file" ] || absent
        [ -z "$extended" ] || printf 'Key: %s\\nCreated-Index: 1\\nModified-Index: %s\\nTTL: 0\\nIndex: %s\\n\\n' \\
            "$key" "$(head -n 1 "$file")" "$(cat index)"
        tail -n 1 "$file" ;;
    set) write "$file" "$value" ;;
    mk) [ ! -e "$file" ] || exit 4; write "$file" "$value" ;;
    update) [ -e "$file" ] || absent; write "$file" "$value" ;;
    rm) rm "$file" ;;
    watch)
        [ -e "$file" ] && [ "$(head -n 1 "$file")" -gt "$after" ] && exit
        [ -s writes ] || { kill "$PPID"; exit; }
        sed -i 1d writes
        write "$file" again ;;
esac
"""
NOTING = """#!/bin/sh
echo "${0##*/} $*" >>calls
[ "${0##*/} $*" != "$(cat fails)" ] || exit 1
"""
NEVER, PULL, STOP, START = (
    "",
    "docker pull --quiet ch6-web:production",
    "fleetctl stop web@1.service",
    "fleetctl start --no-block web@1.service",
)
DEPLOYMENT = [PULL, STOP, START]


class Machine:
    """A folder in which the sidekick's program runs: its etcd, and what the program did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "keys").mkdir()
        for name, text in (("etcdctl", ETCDCTL), *((name, NOTING) for name in ("docker", "fleetctl", "curl"))):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        (folder / "systemctl").write_text("#!/bin/sh\ncat state\n")
        (folder / "systemctl").chmod(0o755)
        (folder / "sleep").write_text("#!/bin/sh\n[ ! -e after-a-nap ] || sh after-a-nap\n")
        (folder / "sleep").chmod(0o755)
        for name, text in (("index", "10"), ("away", ""), ("fails", ""), ("calls", ""), ("writes", "")):
            (folder / name).write_text(text)
        (folder / "state").write_text("inactive\n")

    def key(self, key: str, index: int, value: str = "x") -> None:
        (self.folder / "keys" / key.replace("/", "-")).write_text(f"{index}\n{value}\n")

    def value(self, key: str) -> str | None:
        path = self.folder / "keys" / key.replace("/", "-")
        return path.read_text().splitlines()[1] if path.exists() else None

    def run(
        self, rolling: str = "no", *, writes: int = 0, away: str = "", fails: str = "", option: str = "ExecStart"
    ) -> int:
        """Runs an option's command until a watch waits for ever; returns the exit code, -15 in that case."""
        for name, text in (("writes", "write\n" * writes), ("away", away), ("fails", fails)):
            (self.folder / name).write_text(text)
        (value,) = [each.value for each in unit_file.parse(unit_file.read(UNIT)) if each.name == option]
        value = value.replace("$ROLLING", rolling).replace("\\\n", " ")
        words = shlex.split(value.replace("%i", "1").replace("%%", "%").replace("$$", "$"))
        environment = {"PATH": f"{self.folder}:{os.environ['PATH']}"}
        done = subprocess.run(words, cwd=self.folder, env=environment, timeout=60, capture_output=True, check=False)
        return done.returncode

    @property
    def did(self) -> list[str]:
        """What it did, but for the keys of what it has carried out and the watches."""
        calls = (self.folder / "calls").read_text().splitlines()
        return [call for call in calls if not call.startswith(("watch", "set /coreos.com/deployed"))]


WAITS = -15


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_a_write_nothing_is_deployed(machine: Machine) -> None:
    assert machine.run() == WAITS
    assert machine.did == []


def test_each_write_deploys_once(machine: Machine) -> None:
    assert machine.run(writes=2) == WAITS
    assert machine.did == DEPLOYMENT * 2
    assert machine.value("/coreos.com/deployed/1") == "13", (
        "the index of the second write, after that of the first record"
    )


def test_a_sidekick_that_is_started_again_deploys_nothing(machine: Machine) -> None:
    machine.key("/coreos.com/deploy", 9)
    machine.key("/coreos.com/deployed/1", 10, "9")
    assert machine.run() == WAITS
    assert machine.did == []


def test_a_write_that_came_meanwhile_is_not_missed(machine: Machine) -> None:
    machine.key("/coreos.com/deploy", 9)
    machine.key("/coreos.com/deployed/1", 8, "7")
    assert machine.run() == WAITS
    assert machine.did == DEPLOYMENT
    assert machine.value("/coreos.com/deployed/1") == "9"


@pytest.mark.parametrize("fails", DEPLOYMENT)
def test_what_fails_is_done_again(machine: Machine, fails: str) -> None:
    machine.key("/coreos.com/deploy", 9)
    assert machine.run(fails=fails) == 1
    assert machine.value("/coreos.com/deployed/1") is None
    assert machine.run() == WAITS
    assert machine.did[-3:] == DEPLOYMENT
    assert machine.value("/coreos.com/deployed/1") == "9"


@pytest.mark.parametrize("key", ["/coreos.com/deploy", "/coreos.com/deployed/1"])
def test_etcd_that_does_not_answer_is_not_a_missing_key(machine: Machine, key: str) -> None:
    machine.key("/coreos.com/deploy", 9)
    machine.key("/coreos.com/deployed/1", 10, "9")
    assert machine.run(away=f"get {key}") == 1
    assert machine.did == []


def test_the_web_server_has_ended_before_it_is_started(machine: Machine) -> None:
    machine.key("/coreos.com/deploy", 9)
    (machine.folder / "state").write_text("deactivating\n")
    nap = "echo waited >>calls; [ $(grep -c waited calls) -lt 3 ] || echo failed >state\n"
    (machine.folder / "after-a-nap").write_text(nap)
    assert machine.run() == WAITS
    assert machine.did == [PULL, STOP, *["waited"] * 3, START]


def test_a_web_server_that_does_not_end_is_stopped_again(machine: Machine) -> None:
    machine.key("/coreos.com/deploy", 9)
    (machine.folder / "state").write_text("active\n")
    assert machine.run() == 1
    assert machine.did == [PULL, STOP]
    assert machine.value("/coreos.com/deployed/1") is None


def test_one_after_the_other_each_keeps_the_lock_until_it_serves(machine: Machine) -> None:
    machine.key("/coreos.com/deploy", 9)
    assert machine.run("yes") == WAITS
    lock = "/coreos.com/deploying"
    assert machine.did == [
        PULL,
        f"mk {lock} 1",
        STOP,
        START,
        "curl -sfo /dev/null http://127.0.0.1:3000/",
        f"rm {lock}",
    ]
    assert machine.value(lock) is None


def test_who_does_not_have_the_lock_waits(machine: Machine) -> None:
    machine.key("/coreos.com/deploy", 9)
    machine.key("/coreos.com/deploying", 9, "2")
    (machine.folder / "after-a-nap").write_text("rm -f keys/-coreos.com-deploying\n")
    assert machine.run("yes") == WAITS
    lock = "/coreos.com/deploying"
    assert machine.did[:4] == [PULL, f"mk {lock} 1", f"mk {lock} 1", STOP]


def test_who_was_killed_with_the_lock_goes_on_with_it(machine: Machine) -> None:
    machine.key("/coreos.com/deploy", 9)
    machine.key("/coreos.com/deploying", 9, "1")
    assert machine.run("yes") == WAITS
    assert machine.did[2:4] == [STOP, START]


def test_a_release_that_does_not_serve_keeps_the_lock(machine: Machine) -> None:
    machine.key("/coreos.com/deploy", 9)
    (machine.folder / "after-a-nap").write_text("echo >>naps; [ $(wc -l <naps) -lt 3 ] || : >fails\n")
    assert machine.run("yes", fails="curl -sfo /dev/null http://127.0.0.1:3000/") == WAITS
    assert machine.did.count("update /coreos.com/deploying 1") == 3
    assert machine.did[-1] == "rm /coreos.com/deploying"


@pytest.mark.parametrize(("rolling", "code"), [("yes", 0), ("no", 0), ("maybe", 1), ("", 1)])
def test_the_setting_is_one_of_two_words(machine: Machine, rolling: str, code: int) -> None:
    assert machine.run(rolling, option="ExecStartPre") == code
