"""Labs on real machines: the built-in ones, a user's own, and what must be refused or explained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.e2e.calls import NODES, Result, again, checks_pass, comes_to, undeploy_all, until

Lab = Callable[..., Result]


@pytest.mark.parametrize("name", ["ch1", again("ch2"), again("ch3")])
def test_a_chapter_deploys_checks_and_goes_again(cluster: Lab, tmp_path: Path, name: str) -> None:
    undeploy_all()
    assert "runs" in cluster("deploy", name).err
    until(lambda: cluster("check", name, "--junit", str(tmp_path / "junit.xml"), code=None).code == 0)
    suite = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314 - our own file
    assert int(suite.attrib["tests"]) > 0
    assert suite.attrib["failures"] == "0"
    cluster("deploy", name)  # again: nothing to do, and no harm
    cluster("undeploy", name)
    # fleet forgets what a check has started and removed some seconds later.
    comes_to(lambda: cluster("fleetctl", "list-units", "--no-legend").out, "")
    assert "/services" not in cluster("etcdctl", "ls").out


def test_a_port_that_another_lab_holds_is_refused_with_both_names(ch3: Lab) -> None:
    refused = ch3("deploy", "ch2", code=2)
    assert "ch2: its port 80 is held by ch3" in refused.err
    assert "lab undeploy ch3" in refused.err


def own_lab(folder: Path, unit: str) -> Path:
    """A lab of the user's own, outside the repository."""
    (folder / "units").mkdir(parents=True)
    (folder / "checks").mkdir()
    (folder / "units" / "mine.service").write_text(unit)
    (folder / "lab.yaml").write_text("title: Mine\nsummary: A lab of my own.\nunits:\n  - units/mine.service\n")
    (folder / "page.md").write_text("# Mine\n")
    (folder / "checks" / "test_mine.py").write_text(
        "def test_it_runs(fleet):\n    assert fleet.where('mine.service'), 'mine.service runs nowhere'\n"
    )
    return folder


def test_a_lab_of_the_users_own(cluster: Lab, tmp_path: Path) -> None:
    mine = own_lab(tmp_path / "mylab", "[Service]\nExecStart=/bin/sleep infinity\n")
    cluster("deploy", str(mine))
    checks_pass(str(mine))
    checks_pass("mylab")
    cluster("undeploy", str(mine))


def test_a_unit_that_no_machine_can_run_is_reported_with_the_reason(cluster: Lab, tmp_path: Path) -> None:
    mine = own_lab(
        tmp_path / "nowhere", "[Service]\nExecStart=/bin/sleep infinity\n[X-Fleet]\nMachineMetadata=gpu=yes\n"
    )
    refused = cluster("deploy", str(mine), code=4)
    assert "mine.service: no machine can run it: it lacks MachineMetadata=gpu=yes" in refused.err
    cluster("undeploy", "nowhere")


def test_a_unit_that_fails_is_reported_with_its_journal(cluster: Lab, tmp_path: Path) -> None:
    mine = own_lab(tmp_path / "broken", "[Service]\nExecStart=/bin/sh -c 'echo out of cheese; exit 3'\n")

    def is_told() -> bool:
        """Whether the error has the unit's last words, too: they may come into the journal after the unit's end."""
        refused = cluster("deploy", str(mine), code=4).err
        assert "mine.service: failed on core-0" in refused
        return "out of cheese" in refused

    until(is_told)
    cluster("undeploy", "broken")
    for node in NODES:
        assert cluster("ssh", node, "--", "systemctl", "--failed", "--no-legend").out == "", "no machine is degraded"


def test_checks_say_unknown_when_etcd_is_out_of_reach(ch3: Lab) -> None:
    for node in NODES:
        ch3("ssh", node, "--", "sudo", "systemctl", "stop", "etcd2")
    try:
        assert "could not be carried out" in ch3("check", "ch3", code=3).err
    finally:
        for node in NODES:
            ch3("ssh", node, "--", "sudo", "systemctl", "start", "--no-block", "etcd2")
    # fleetd comes back to its etcd when it next tries, up to a minute later, on each machine at another time; what is
    # off is off by then. Nothing can be taken off before the first is back.
    until(lambda: ch3("status", "--json").json["units"] is not None)
    undeploy_all()
    for node in NODES:
        assert ch3("ssh", node, "--", "ls", "/run/fleet/units").out == ""
