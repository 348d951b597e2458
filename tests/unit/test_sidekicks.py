"""The labs' sidekicks: the shell programs in their units, with programs in place of etcdctl, docker and systemctl."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from coreos_lab.units import unit_file

LABS = Path(__file__).parents[2] / "labs"
WEB_STACK = [f"ch6/units/{kind}-sidekick@.service" for kind in ("couchbase", "memcached")]
HELLO_WORLD = ["ch3/units/helloworld-sidekick@.service", "ch4-flannel/units/helloworld-sidekick@.service"]
ADDRESS = "10.1.69.3"
LINE = f"server {ADDRESS}:3000;"
NOT_ANSWERING = "Error:  client: etcd cluster is unavailable or misconfigured"

# `keys/` has a file for each key, with / as -. `down` counts the calls that get no answer. `calls` lists all others.
ETCDCTL = f"""#!/bin/bash
verb= key= value= wanted=
while [ $# -gt 0 ]; do
    case $1 in
        --ttl | --total-timeout) shift ;;
        --with-value) shift; wanted=$1 ;;
        --*) ;;
        *) if [ -z "$verb" ]; then verb=$1; elif [ -z "$key" ]; then key=$1; else value=$1; fi ;;
    esac
    shift
done
down=$(cat down)
if [ "$down" -gt 0 ]; then echo $((down - 1)) >down; echo "{NOT_ANSWERING}" >&2; exit 4; fi
file=keys/${{key//\\//-}}
[ "$verb" = get ] || echo "$verb $key" >>calls
if [ "$verb" != set ] && [ ! -e "$file" ]; then echo "Error:  100: Key not found ($key) [7]" >&2; exit 4; fi
if [ -n "$wanted" ] && [ "$(cat "$file")" != "$wanted" ]; then echo "Error:  101: Compare failed" >&2; exit 4; fi
case $verb in
    get) cat "$file" ;;
    set | update) echo "$value" >"$file" ;;
    rm) rm "$file" ;;
esac
"""
# The loop ends with the last of the naps.
SLEEP = """#!/bin/sh
echo "$1" >>naps
[ "$(wc -l <naps)" -lt "$(cat last)" ] || kill "$PPID"
"""
# is-active exits with `active`; show prints the number of the unit's `job`.
SYSTEMCTL = """#!/bin/sh
case $1 in is-active) exit {active} ;; show) echo "{job}" ;; esac
"""


class Node:
    """A folder in which a sidekick's program runs: its etcd, and what the program did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "keys").mkdir()
        (folder / "runtime").mkdir()
        self.program("etcdctl", ETCDCTL)
        self.program("sleep", SLEEP)
        self.program("docker", f"#!/bin/sh\necho {ADDRESS}\n")
        for name, text in (("down", "0"), ("calls", ""), ("naps", "")):
            (folder / name).write_text(text)

    def program(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def key(self, key: str, value: str) -> None:
        (self.folder / "keys" / key.replace("/", "-")).write_text(f"{value}\n")

    def run(self, unit: str, option: str, naps: int = 0, down: int = 0) -> None:
        """Runs an option's command until it has slept so often; etcd does not answer the first `down` calls."""
        (self.folder / "last").write_text(str(naps))
        (self.folder / "down").write_text(str(down))
        (value,) = [each.value for each in unit_file.parse(unit_file.read(LABS / unit)) if each.name == option]
        for name, its in (("COREOS_PUBLIC_IPV4", ADDRESS), ("FLANNEL_IP", ADDRESS), ("TTL", "12")):
            value = value.replace(f"${{{name}}}", its)
        words = shlex.split(value.lstrip("-").replace("\\\n", " ").replace("%i", "1").replace("$$", "$"))
        environment = {"PATH": f"{self.folder}:{os.environ['PATH']}", "RUNTIME_DIRECTORY": str(self.folder / "runtime")}
        subprocess.run(words, cwd=self.folder, env=environment, timeout=30, capture_output=True, check=False)

    def keys(self) -> dict[str, str]:
        return {path.name.replace("-", "/"): path.read_text().strip() for path in (self.folder / "keys").iterdir()}

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    @property
    def naps(self) -> list[str]:
        return (self.folder / "naps").read_text().split()


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def key_of(unit: str) -> str:
    return f"/services/{Path(unit).name.partition('-')[0]}/1"


@pytest.mark.parametrize("unit", WEB_STACK)
def test_a_missing_key_is_set_once_and_then_updated(node: Node, unit: str) -> None:
    node.run(unit, "ExecStart", naps=4)
    key = key_of(unit)
    assert node.calls == [f"set {key}", f"update {key}", f"update {key}"]
    assert node.naps == ["1", "5", "5", "5"]


@pytest.mark.parametrize("unit", WEB_STACK)
def test_etcd_that_does_not_answer_is_not_a_missing_key(node: Node, unit: str) -> None:
    """Nothing is announced anew, and the next try comes soon enough for the TTL of 8 s."""
    node.key(key_of(unit), ADDRESS)
    node.run(unit, "ExecStart", naps=4, down=2)
    assert node.calls == [f"update {key_of(unit)}"]
    assert node.naps == ["1", "1", "1", "5"]


@pytest.mark.parametrize("unit", WEB_STACK)
def test_a_sidekick_that_is_started_again_announces_nothing(node: Node, unit: str) -> None:
    node.program("systemctl", SYSTEMCTL.format(active=0, job=""))
    node.run(unit, "ExecStart", naps=2)
    node.run(unit, "ExecStopPost")
    (node.folder / "naps").write_text("")
    node.run(unit, "ExecStart", naps=2)
    assert node.calls == [f"set {key_of(unit)}", f"update {key_of(unit)}"]


@pytest.mark.parametrize("unit", WEB_STACK)
def test_an_address_of_another_instance_is_neither_replaced_nor_removed(node: Node, unit: str) -> None:
    """This machine was cut off, and fleet has started the instance elsewhere: its fleet may not know that yet."""
    node.program("systemctl", SYSTEMCTL.format(active=3, job=""))
    node.key(key_of(unit), "10.1.2.9")
    node.run(unit, "ExecStart", naps=3)
    assert node.calls == []
    assert node.naps == ["1", "1", "1"], "it looks again soon enough to take over what expires"
    node.run(unit, "ExecStopPost")
    assert node.keys() == {key_of(unit): "10.1.2.9"}


@pytest.mark.parametrize("unit", WEB_STACK)
def test_without_an_address_of_its_own_nothing_is_removed(node: Node, unit: str) -> None:
    node.program("systemctl", SYSTEMCTL.format(active=3, job=""))
    node.key(key_of(unit), "10.1.2.9")
    node.run(unit, "ExecStopPost")
    assert node.calls == []


@pytest.mark.parametrize("unit", WEB_STACK)
@pytest.mark.parametrize(("active", "job"), [(0, "12"), (3, ""), (3, "12")])
def test_the_key_goes_with_its_instance(node: Node, unit: str, active: int, job: str) -> None:
    """An instance that is being stopped is still active, but has a job."""
    node.program("systemctl", SYSTEMCTL.format(active=active, job=job))
    node.run(unit, "ExecStart", naps=2)
    node.run(unit, "ExecStopPost")
    assert node.calls == [f"set {key_of(unit)}", f"rm {key_of(unit)}"]
    assert node.keys() == {}


@pytest.mark.parametrize("unit", HELLO_WORLD)
def test_hello_world_notifies_when_its_entry_was_missing(node: Node, unit: str) -> None:
    node.run(unit, "ExecStart", naps=2)
    entry = f"set /services/helloworld/{ADDRESS}"
    assert node.calls == [entry, "set /services/changed/helloworld", entry]


@pytest.mark.parametrize("unit", HELLO_WORLD)
def test_hello_world_does_not_notify_when_etcd_did_not_answer(node: Node, unit: str) -> None:
    node.key(f"/services/helloworld/{ADDRESS}", LINE)
    node.run(unit, "ExecStart", naps=2, down=1)
    assert node.calls == [f"set /services/helloworld/{ADDRESS}"]
    assert node.naps == ["1", "6"]


@pytest.mark.parametrize("unit", ["ch1/units/nginx-sidekick@.service", *HELLO_WORLD, *WEB_STACK])
def test_a_machine_that_shuts_down_removes_the_key_while_its_etcd_runs(unit: str) -> None:
    options = unit_file.parse(unit_file.read(LABS / unit))
    removes = re.compile(r" rm (--with-value \S+ )?/services/")
    assert any(map(removes.search, unit_file.values(options, "Service", "ExecStopPost")))
    assert "etcd2.service" in " ".join(unit_file.values(options, "Unit", "After")).split()
