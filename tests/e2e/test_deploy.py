"""What `lab deploy` says must be true of what was submitted, on every machine, and for longer than a moment."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.calls import NODES, ROOT, SOON, Result, again, checks_pass, comes_to, lab, undeploy_all, until

Lab = Callable[..., Result]
PASSES = "import pytest\n\n\n@pytest.mark.survives\ndef test_ok():\n    pass\n"
SLEEPS = "exec sleep infinity"


@pytest.fixture
def made(tmp_path: Path, cluster: Lab) -> Callable[..., Path]:
    """Writes a lab of these units (name=text) with a check that always passes; an entry of a template is its own."""
    undeploy_all()

    def make(name: str, units: dict[str, str], instances: str = "") -> Path:
        folder = tmp_path / name
        (folder / "units").mkdir(parents=True, exist_ok=True)
        (folder / "checks").mkdir(exist_ok=True)
        (folder / "checks" / "test_ok.py").write_text(PASSES)
        entries = []
        for unit, text in units.items():
            (folder / "units" / unit).write_text(text)
            entries.append(f"{{file: units/{unit}, instances: [{instances}]}}" if "@." in unit else f"units/{unit}")
        listed = "".join(f"  - {entry}\n" for entry in entries)
        (folder / "lab.yaml").write_text(f"title: {name}\nsummary: A trial.\nunits:\n{listed}")
        return folder

    return make


def service(script: str, more: str = "") -> str:
    return f"[Service]\nExecStart=/bin/sh -c '{script}'\n{more}"


def everywhere(command: str) -> str:
    return "".join(lab("ssh", node, "--", command).out for node in NODES)


def refusal(folder: Path, why: str, said: str) -> None:
    """Deploys what is refused, with the reason, until the error has what the unit has said, too.

    A unit's end may be seen before its node's journal has its last words.
    """

    def is_told() -> bool:
        refused = lab("deploy", str(folder), code=4).err
        assert why in refused
        return said in refused

    until(is_told)


def test_an_edited_unit_that_fails_is_no_pass(made: Callable[..., Path], cluster: Lab) -> None:
    folder = made("edited", {"edited.service": service(f"echo good; {SLEEPS}")})
    cluster("deploy", str(folder))
    made("edited", {"edited.service": service("echo bad; exit 1")})
    refusal(folder, "edited.service: failed on core-0", "| bad")
    report = cluster("report", "--output", "-").out
    assert "FAIL" in report
    assert "deploy of edited" in report
    assert ">bad<" in report, "the unit's journal"
    assert "core-01: fleet" in report
    made("edited", {"edited.service": service(f"echo better; {SLEEPS}")})
    cluster("deploy", str(folder))
    until(lambda: "better" in cluster("journal", "edited", "--lines", "3").out)


def test_a_global_unit_that_fails_on_one_machine_is_told_with_that_machine(
    made: Callable[..., Path], cluster: Lab
) -> None:
    script = f'test "$$(hostname)" != core-02 || {{ echo bad here; exit 1; }}; echo well; {SLEEPS}'
    folder = made("everywhere", {"everywhere.service": service(script, "[X-Fleet]\nGlobal=true\n")})
    refusal(folder, "everywhere.service: failed on core-02", "| bad here")


def test_what_fleet_holds_already_is_replaced(made: Callable[..., Path], cluster: Lab) -> None:
    folder = made("echo", {"echo@.service": service(f"echo version one; {SLEEPS}")}, "1")
    cluster("fleetctl", "submit", str(folder / "units" / "echo@.service"))
    made("echo", {"echo@.service": service(f"echo version two; {SLEEPS}")}, "1")
    cluster("deploy", str(folder))
    until(lambda: "version two" in cluster("journal", "echo@1").out)
    assert "version two" in cluster("fleetctl", "cat", "echo@.service").out, "also for who starts another instance"


def test_what_does_its_work_once_does_it_once(made: Callable[..., Path], cluster: Lab) -> None:
    everywhere("sudo rm -f /var/tmp/times-*")
    on_its_socket = "[X-Fleet]\nMachineOf=times-d.socket\n"
    units = {
        "times-a.service": service("echo x >>/var/tmp/times-a", "Type=oneshot\n"),
        "times-b.timer": "[Timer]\nOnCalendar=*-12-31\n",
        "times-b.service": service("echo x >>/var/tmp/times-b", "Type=oneshot\n[X-Fleet]\nMachineOf=times-b.timer\n"),
        "times-c.service": service("echo x >>/var/tmp/times-c", "Type=oneshot\nRemainAfterExit=yes\n"),
        "times-d.socket": "[Socket]\nListenStream=8999\n",
        "times-d.service": f"[Unit]\nRequires=times-d.socket\nAfter=times-d.socket\n{service(SLEEPS, on_its_socket)}",
        "times-e.path": "[Path]\nPathExists=/nowhere\n",
        "times-e.service": service("echo x >>/var/tmp/times-e", "[X-Fleet]\nMachineOf=times-e.path\n"),
        "times-f.service": service("sleep infinity &", "Type=forking\n"),
        "srv-times.mount": "[Mount]\nWhat=tmpfs\nWhere=/srv/times\nType=tmpfs\n",
    }
    folder = made("once", units)
    for _again in range(2):
        cluster("deploy", str(folder))
        written = everywhere("cat /var/tmp/times-* 2>/dev/null || true")
        assert written == "x\n" * 4, "each of a, b, c and e has run, and only once"


def test_a_unit_that_does_not_last_is_no_pass(made: Callable[..., Path], cluster: Lab) -> None:
    again_and_again = "Restart=always\nRestartSec=1\n[Unit]\nStartLimitIntervalSec=0\n"
    folder = made("brief", {"brief.service": service("echo dying; sleep 1; exit 1", again_and_again)})
    refusal(folder, "brief.service: does not stay up on core-0", "| dying")


def test_a_unit_that_ends_without_an_error_does_not_run(made: Callable[..., Path], cluster: Lab) -> None:
    refused = cluster("deploy", str(made("ends", {"ends.service": service("echo done")})), code=4)
    assert "ends.service: has ended on core-0" in refused.err
    comes_to(lambda: cluster("journal", "ends").out.count("sh["), 1)  # it was not started again


def test_what_had_ended_by_itself_is_started_again(made: Callable[..., Path], cluster: Lab) -> None:
    """As a container's service does when its Docker is restarted: that says nothing about what is deployed now."""
    folder = made("calm", {"calm.service": service("while [ ! -e /run/calm-end ]; do sleep 0.2; done")})
    cluster("deploy", str(folder))
    everywhere("sudo touch /run/calm-end")
    until(lambda: "inactive" in cluster("fleetctl", "list-units").out)
    everywhere("sudo rm /run/calm-end")
    assert "calm.service: had ended on core-0" in cluster("deploy", str(folder)).err
    until(lambda: "running" in cluster("fleetctl", "list-units").out)


def test_what_no_machine_has_is_told_before_anything_is_touched(made: Callable[..., Path], cluster: Lab) -> None:
    folder = made("needs", {"needs.service": "[Unit]\nRequires=docker.service etcd.service\n" + service(SLEEPS)})
    refused = cluster("deploy", str(folder), code=2)
    assert "needs.service: it requires etcd.service, a unit that no machine has" in refused.err
    assert cluster("status", "--json").json["labs"] == []


def test_a_lab_without_checks_is_told_once(made: Callable[..., Path], cluster: Lab) -> None:
    folder = made("unchecked", {"unchecked.service": service(SLEEPS)})
    (folder / "checks" / "test_ok.py").unlink()
    unknown = cluster("deploy", str(folder), code=3)
    assert "unchecked: its units run, but it has no checks" in unknown.err
    assert "pass" not in unknown.out


def test_fleet_decides_on_metadata(made: Callable[..., Path], cluster: Lab) -> None:
    inventory = cluster("status", "--json").json
    address = inventory["nodes"][0]["address"]
    base = f"http://{address}:49153/fleet/v1/machines"
    with urllib.request.urlopen(base, timeout=SOON) as answer:
        machine = next(each["id"] for each in json.load(answer)["machines"] if each["primaryIP"] == address)
    change = [{"op": "add", "path": f"/{machine}/metadata/role", "value": {"value": "db"}}]
    request = urllib.request.Request(
        base, json.dumps(change).encode(), {"Content-Type": "application/json"}, method="PATCH"
    )
    urllib.request.urlopen(request, timeout=SOON).close()  # noqa: S310 - a node of ours
    wants = "[X-Fleet]\nGlobal=true\nMachineMetadata=role=web\nMachineMetadata=role=db\n"
    quoted = '[X-Fleet]\nMachineMetadata="role=db" "role=web"\n'
    units = {"one-of.service": service(SLEEPS, wants), "quoted.service": service(SLEEPS, quoted)}
    cluster("deploy", str(made("metadata", units)))

    def where() -> list[tuple[str, str]]:
        return [(unit["name"], unit["node"]) for unit in cluster("status", "--json").json["units"] or []]

    comes_to(where, [("one-of.service", "core-01"), ("quoted.service", "core-01")])


def test_no_container_outlives_its_lab(made: Callable[..., Path], cluster: Lab) -> None:
    pull = "ExecStartPre=/usr/bin/docker pull nginx\n"
    run = "/usr/bin/docker run"
    once = "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
    folder = made(
        "containers",
        {
            "named.service": f"{once}{pull}ExecStart={run} --detach --name named nginx\n",
            "loose.service": f"{once}{pull}ExecStart={run} -d nginx\n",
            "stays.service": f"[Service]\n{pull}ExecStart={run} --name stays nginx\n",
        },
    )
    with (folder / "lab.yaml").open("a") as out:
        out.write(f"containers:\n  nginx: {ROOT / 'labs' / 'shared' / 'nginx'}\n")
    cluster("deploy", str(folder))
    comes_to(lambda: len(everywhere("sudo docker ps --all --quiet").split()), 3)  # `docker run` takes its time
    cluster("undeploy", "containers")
    assert everywhere("sudo docker ps --all --quiet") == ""


def test_a_lab_that_has_changed_leaves_nothing_of_what_it_was(made: Callable[..., Path], cluster: Lab) -> None:
    """Neither a unit that it no longer has, nor a container that it calls by another name."""

    def detached(name: str) -> str:
        start = f"ExecStart=/usr/bin/docker run -d --net=host --name {name} debian sleep infinity\n"
        return f"[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStartPre=/usr/bin/docker pull debian\n{start}"

    first = {"kept.service": detached("first"), "left-out.service": service(SLEEPS)}
    folder = made("changed", first)
    cluster("deploy", str(folder))
    assert "first" in everywhere("sudo docker ps --format '{{.Names}}'")
    cluster("deploy", str(made("changed", {"kept.service": detached("second")})))
    assert everywhere("sudo docker ps --all --format '{{.Names}}'").split() == ["second"]
    until(lambda: "left-out" not in cluster("fleetctl", "list-units").out)
    assert "ActiveState=active" not in everywhere("systemctl show --property=ActiveState left-out.service")
    cluster("undeploy", "changed")
    assert everywhere("sudo docker ps --all --quiet") == ""


def test_a_global_unit_has_a_state_on_each_machine(made: Callable[..., Path], cluster: Lab) -> None:
    folder = made("wide", {"wide-1.0.service": service(f"echo on $$(hostname); {SLEEPS}", "[X-Fleet]\nGlobal=true\n")})
    cluster("deploy", str(folder))

    def rows() -> list[tuple[str, str]]:
        return [(row["node"], row["active"]) for row in cluster("status", "--json").json["units"] or []]

    def is_journalled() -> bool:
        journal = cluster("journal", "wide-1.0").out
        return all(f"{node}: " in journal and f"on {node}" in journal for node in NODES)

    comes_to(rows, [(node, "active") for node in NODES])
    until(is_journalled)
    assert "on core-02" in cluster("journal", "wide-1.0", "--node", "core-02").out
    refused = cluster("break", "unit:wide-1.0", "--dry-run", code=2)
    assert "wide-1.0.service: runs on core-01, core-02, core-03" in refused.err


@pytest.mark.parametrize("rounds", [1, again(10)])
def test_one_after_the_other_without_a_pause(made: Callable[..., Path], cluster: Lab, rounds: int) -> None:
    """Edits, checks, breaks, snapshots and sizes right after one another: none takes what was for what is."""
    check = """
import pytest

@pytest.mark.survives
def test_it_says_what_was_submitted(fleet, machine):
    node = fleet.where("turn.service")
    assert node, "turn.service runs nowhere"
    said = machine(node).check_output("systemctl show --property=ActiveState --property=Environment turn.service")
    pid = machine(node).check_output("systemctl show --property=MainPID --value turn.service")
    environment = machine(node).check_output("sudo cat /proc/%s/environ", pid)
    assert "TURN=ROUND" in environment, f"{node}: {said}"
"""

    def is_checked() -> bool:
        """Whether the checks pass. A machine that answers late makes them unknown; they never fail."""
        told = cluster("check", "turn", code=None)
        assert told.code in (0, 3), told.out
        return told.code == 0

    for turn in range(rounds):
        for edit in ("a", "b"):
            folder = made("turn", {"turn.service": service(SLEEPS, f"Environment=TURN={turn}{edit}\n")})
            (folder / "checks" / "test_ok.py").write_text(check.replace("ROUND", f"{turn}{edit}"))
            cluster("deploy", str(folder))
        until(is_checked)
        cluster("snapshot", "save", "turn")
        checks_pass("turn")  # fleet moves units of machines that stand still for longer than it waits for them
        cluster("break", "unit:turn", "--verify")
        until(is_checked)
        cluster("scale", "4")
        until(is_checked)
        cluster("scale", "3")
        until(is_checked)
        cluster("snapshot", "restore", "turn")
        until(is_checked)
        cluster("snapshot", "delete", "turn")
        if turn % 2 == 0:
            cluster("undeploy", "turn")
            assert everywhere("ls /run/fleet/units") == ""
