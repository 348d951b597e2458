"""What the shells of a walk have."""

from __future__ import annotations

from pathlib import Path

from coreos_lab.clients import agent
from coreos_lab.records.store import ClusterFolder
from coreos_lab.walk.session import session


def test_a_shell_has_an_ssh_for_the_cluster_that_the_walk_may_make(tmp_path: Path) -> None:
    with session("core", tmp_path) as opened:
        shown = opened.main.run("command -v ssh; echo $LAB_SSH_CONFIG", 10.0).output
    assert shown.split() == [str(agent.PATH / "ssh"), str(ClusterFolder("core").ssh_config)]


def test_the_main_terminal_goes_on_where_it_was(tmp_path: Path) -> None:
    with session("core", tmp_path, state=f"cd {tmp_path.parent}\nsite=web") as opened:
        assert opened.expand("$PWD/$site") == f"{tmp_path.parent}/web"
        assert opened.other("loop").run("echo ${site-none}", 10.0).output == "none\n"


def test_a_text_that_cannot_be_expanded_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    with session("core", tmp_path) as opened:
        opened.main.run("set -u; site=web", 10.0)
        assert opened.expand("http://$site/") == "http://web/"
        assert opened.expand("http://$nowhere/") == "http://$nowhere/"
