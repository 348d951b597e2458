"""ch3's fronts: the shell programs of nginx's unit and of its sidekick, with programs in place of those of a node."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from coreos_lab.units import unit_file

UNITS = Path(__file__).parents[2] / "labs" / "ch3" / "units"
ADDRESS = "172.17.8.102"
# `keys/` has a file for each key, with / as -. What is done with etcd and fleet is in `calls`.
ETCDCTL = """#!/bin/sh
shift
verb=$1
if [ "$2" = --ttl ]; then shift 2; fi
file=keys/$(echo "$2" | tr / -)
case $verb in
    get) cat "$file" 2>/dev/null || exit 4 ;;
    set) echo "$3" >"$file"; echo "set $2" >>calls ;;
    ls) ls keys | grep -e "^$(basename "$file")-" | tr - / || exit 4 ;;
esac
"""
# A front that is stopped is announced no longer; one that is started has the current list, and is announced.
FLEETCTL = """#!/bin/sh
case $1 in
    stop) name=${2%.service}
        echo "stop $name, $(ls keys | grep -c ^-fronts-) announced" >>calls
        rm -f "keys/-fronts-$name" ;;
    start) name=${3%.service}; echo "start $name" >>calls; touch "keys/-fronts-$name"
        for key in $(ls keys | grep -e ^-services-helloworld- | sort); do cat "keys/$key"; done \\
            >"keys/-services-upstreams-$name" ;;
esac
"""


class Node:
    """A folder with a node's programs, and a value for each key of etcd."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "keys").mkdir()
        (folder / "calls").touch()
        self.program("etcdctl", ETCDCTL)
        self.program("fleetctl", FLEETCTL)
        self.program("sleep", "#!/bin/sh\necho sleep $1 >>calls\n")

    def program(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        (self.folder / name).chmod(0o755)

    def key(self, key: str, *lines: str) -> None:
        (self.folder / "keys" / key.replace("/", "-")).write_text("".join(f"{line}\n" for line in lines))

    def run(self, unit: str, fronts: int = 1) -> list[str]:
        """Runs the shell of a unit's ExecStart; returns what it did with etcd and fleet."""
        return self.run_shell(unit, "ExecStart", fronts)

    def run_shell(self, unit: str, option: str, fronts: int = 1) -> list[str]:
        """The same for the last command of an option."""
        value = unit_file.values(unit_file.parse(unit_file.read(UNITS / unit)), "Service", option)[-1]
        for name, text in (("COREOS_PUBLIC_IPV4", ADDRESS), ("FRONTS", str(fronts))):
            value = value.replace(f"${{{name}}}", text)
        words = shlex.split(value.replace("\\\n", " ").replace("%N", "helloworld-nginx").replace("%%", "%"))
        begins = next(number for number, word in enumerate(words) if word.endswith("/bin/sh"))
        shell = ["/bin/sh", *(word.replace("$$", "$") for word in words[begins + 1 :])]
        environment = {"PATH": f"{self.folder}:{os.environ['PATH']}"}
        subprocess.run(shell, cwd=self.folder, env=environment, timeout=60, check=False)
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """A node whose etcd has one hello world, as each front knows it."""
    node = Node(tmp_path)
    node.key("/services/helloworld/1", "server 1:3000;")
    for name in ("helloworld-nginx", "helloworld-nginx@2"):
        node.key(f"/services/upstreams/{name}", "server 1:3000;")
        node.key(f"/fronts/{name}", "")
    return node


SIDEKICK = "helloworld-nginx-sidekick.service"


@pytest.mark.parametrize("fronts", [1, 2])
def test_the_list_that_every_front_has_restarts_none(node: Node, fronts: int) -> None:
    assert node.run(SIDEKICK, fronts) == []


def test_one_front_is_restarted_without_another(node: Node) -> None:
    node.key("/services/helloworld/2", "server 2:3000;")
    (node.folder / "keys" / "-fronts-helloworld-nginx@2").unlink()
    assert node.run(SIDEKICK) == ["stop helloworld-nginx, 1 announced", "start helloworld-nginx"]


def test_two_fronts_are_restarted_each_while_the_other_answers(node: Node) -> None:
    node.key("/services/helloworld/2", "server 2:3000;")
    restarted = [f"{act} {name}" for name in ("helloworld-nginx", "helloworld-nginx@2") for act in ("stop", "start")]
    assert [call.partition(",")[0] for call in node.run(SIDEKICK, 2)] == restarted
    assert [call for call in node.run(SIDEKICK, 2) if "stop" in call and "2 announced" not in call] == []


def test_the_last_front_that_answers_is_restarted_too_after_some_time(node: Node) -> None:
    node.key("/services/upstreams/helloworld-nginx@2", "server 9:3000;")
    (node.folder / "keys" / "-fronts-helloworld-nginx").unlink()
    calls = node.run(SIDEKICK, 2)
    assert calls == [*["sleep 0.5"] * 40, "stop helloworld-nginx@2, 1 announced", "start helloworld-nginx@2"]


def test_a_front_is_announced_while_it_answers(node: Node) -> None:
    """curl is answered the third time, and once more; then nginx ends."""
    node.program("curl", '#!/bin/sh\necho "$5" >>curls\n[ "$(wc -l <curls)" -gt 2 ]\n')
    node.program("docker", '#!/bin/sh\nuntil [ "$(wc -l <curls)" -gt 4 ]; do /bin/sleep 0.05; done\n')
    node.program("sleep", '#!/bin/sh\necho sleep $1 >>calls\n[ ! -e curls ] || [ "$(wc -l <curls)" -lt 5 ]\n')
    node.run("helloworld-nginx.service")
    for _ in range(100):
        if (calls := (node.folder / "calls").read_text().splitlines())[-1:] == ["sleep 4"] and len(calls) > 9:
            break
        subprocess.run(["sleep", "0.1"], check=True)
    announced = f"set /fronts/{ADDRESS}"
    naps = ["sleep 0.5"] * 3
    expected = ["set /services/upstreams/helloworld-nginx", *naps]
    expected += [call for _ in range(3) for call in (announced, "sleep 4")]
    assert sorted(calls) == sorted(expected)
    assert (node.folder / "curls").read_text().splitlines()[0] == f"http://{ADDRESS}/alive"


PLACED = "helloworld@1.service id/172.17.8.101", "helloworld@2.service id/172.17.8.102", "helloworld@3.service -"


def waits(node: Node, *listed: str) -> list[str]:
    """What a front does before nginx, where fleet lists these units with their machines."""
    node.program("fleetctl", f"#!/bin/sh\nprintf '%s\\n' {shlex.join(listed)}\n")
    return node.run_shell("helloworld-nginx.service", "ExecStartPre")


def test_the_first_nginx_waits_until_as_many_are_announced_as_have_a_machine(node: Node) -> None:
    (node.folder / "keys" / "-services-upstreams-helloworld-nginx").unlink()
    second = 'echo "server 2:3000;" >keys/-services-helloworld-2'
    node.program("sleep", f"#!/bin/sh\necho sleep $1 >>calls\n[ $(wc -l <calls) -lt 3 ] || {second}\n")
    assert waits(node, *PLACED) == ["sleep 0.2"] * 3


def test_it_does_not_wait_for_instances_for_ever_nor_for_a_fleet_that_does_not_answer(node: Node) -> None:
    (node.folder / "keys" / "-services-upstreams-helloworld-nginx").unlink()
    assert waits(node) == []
    (node.folder / "keys" / "-services-helloworld-1").unlink()
    assert waits(node, *PLACED) == ["sleep 0.2"] * 40


def test_an_nginx_that_replaces_another_does_not_wait(node: Node) -> None:
    assert waits(node, *PLACED) == []
