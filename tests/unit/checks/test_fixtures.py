"""The fixtures, used by the checks of a user's own lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.model import Outcome
from tests.unit.checks.checked import Checked
from tests.unit.clients.stub import serving

# fleet as it would answer: core-01 is there, core-02 is down.
FLEET = """
import pytest
from fnmatch import fnmatchcase

RUNNING = {"front.service": "core-01", "web@1.service": "core-01", "web@2.service": "core-02"}

class Fleet:
    def where(self, unit): return RUNNING.get(unit)
    def active(self, pattern): return {u: n for u, n in RUNNING.items() if fnmatchcase(u, pattern)}

@pytest.fixture
def fleet(): return Fleet()
"""


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    found = Checked(tmp_path)
    found.write(FLEET, "conftest.py")
    return found


def messages(checked: Checked) -> dict[str, tuple[Outcome, str]]:
    return {result.name: (result.outcome, result.message) for result in checked.run()}


def test_the_node_of_a_unit(checked: Checked) -> None:
    checked.write("""
def test_there(node_of):
    node = node_of("front.service")
    assert (node.name, node.address) == ("core-01", "127.0.0.1")
def test_nowhere(node_of): node_of("other.service")
def test_down(node_of): node_of("web@2.service")
""")
    assert messages(checked) == {
        "there": (Outcome.PASS, ""),
        "nowhere": (Outcome.FAIL, "other.service is not active anywhere"),
        "down": (Outcome.FAIL, "fleet reports web@2.service as active on core-02, which is down"),
    }


def test_the_addresses_of_units(checked: Checked) -> None:
    checked.write("""
def test_there(addresses_of):
    assert addresses_of("web@1*.service") == {"web@1.service": "127.0.0.1"}
    assert addresses_of("other@*.service") == {}
def test_down(addresses_of): addresses_of("web@*.service")
""")
    assert messages(checked) == {
        "there": (Outcome.PASS, ""),
        "down": (Outcome.FAIL, "fleet reports web@2.service as active on core-02, which is down"),
    }


def test_the_address_of_a_container(checked: Checked) -> None:
    checked.write("""
import pytest, testinfra

@pytest.fixture
def machine(tmp_path):
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\\nshift 3; [ $1 = web-1 ] && echo 10.1.1.2\\n")
    docker.chmod(0o755)
    class Machine:
        def check_output(self, command):
            return testinfra.get_host("local://").check_output(f"PATH={tmp_path}:$PATH; {command}")
    return lambda name: Machine()

def test_there(container_address): assert container_address("core-01", "web-1") == "10.1.1.2"
def test_nowhere(container_address): container_address("core-01", "web-2")
""")
    found = messages(checked)
    assert found["there"] == (Outcome.PASS, "")
    assert found["nowhere"][0] is Outcome.FAIL


def test_json_over_http(checked: Checked) -> None:
    with serving() as stub:
        stub.answers |= {"GET /json?a=b": (200, {"visits": 1}), "GET /text": (200, "hello"), "GET /ill": (503, "ill")}
        checked.write(f"""
def test_json(http_json): assert http_json("{stub.base}/json?a=b") == {{"visits": 1}}
def test_text(http_json): http_json("{stub.base}/text")
def test_ill(http_json): http_json("{stub.base}/ill")
def test_nobody(http_json): http_json("http://127.0.0.1:1/")
""")
        found = messages(checked)
    assert found["json"] == (Outcome.PASS, "")
    assert found["text"] == (Outcome.FAIL, f"{stub.base}/text: the answer is not JSON: 'hello'")
    assert found["ill"] == (Outcome.FAIL, f"{stub.base}/ill: HTTP 503: ill")
    assert found["nobody"][0] is Outcome.FAIL
    assert found["nobody"][1].startswith("http://127.0.0.1:1/: HTTP 0: no answer: ")


UPSTREAM = """
import pytest

@pytest.fixture
def machine():
    class Machine:
        def check_output(self, command):
            assert command.startswith("docker exec front sh -c ")
            return "# upstream web { }\\nupstream web {\\n  server b:1;\\n\\n  server a:1;\\n}\\nserver { }"
    return lambda name: Machine()

def test_there(nginx_upstream): assert nginx_upstream("core-01", "front", "web") == ["server a:1;", "server b:1;"]
def test_another(nginx_upstream): assert nginx_upstream("core-01", "front", "db") == []
"""


def test_the_upstream_of_a_proxy(checked: Checked) -> None:
    checked.write(UPSTREAM)
    assert messages(checked) == {"there": (Outcome.PASS, ""), "another": (Outcome.PASS, "")}


def test_servers_that_share_a_session(checked: Checked) -> None:
    with serving() as first, serving() as second:
        first.answers["GET /"] = (200, {"visits": 1})
        second.answers |= {"GET /": (200, {"visits": 2}), "GET /own": (200, {"visits": 1}), "GET /list": (200, [])}
        checked.write(f"""
def test_shared(one_session): one_session(["{first.base}/", "{second.base}/"])
def test_apart(one_session): one_session(["{first.base}/", "{second.base}/own"])
def test_other(one_session): one_session(["{second.base}/list"])
def test_none(one_session): one_session([])
""")
        found = messages(checked)
    assert found["shared"] == (Outcome.PASS, "")
    assert found["apart"] == (Outcome.FAIL, "one visitor's visits were counted as [1, 1]")
    assert found["other"] == (Outcome.FAIL, "one visitor's visits were counted as [[]]")
    assert found["none"] == (Outcome.FAIL, "there is no server to visit")


def test_what_holds_a_moment_later(checked: Checked) -> None:
    checked.write("""
import itertools

def test_later(eventually):
    tries = itertools.count()
    eventually(lambda: next(tries) > 2, "not yet")
def test_never(eventually): eventually(lambda: [], "the key is not back", within=0.2)
def test_cannot_look(eventually, etcd): eventually(lambda: etcd.get("/x"), "no such key", within=0.2)
""")
    found = messages(checked)
    assert found["later"] == (Outcome.PASS, "")
    assert found["never"] == (Outcome.FAIL, "the key is not back (waited 0.2 s)")
    assert found["cannot look"][0] is Outcome.UNKNOWN


@pytest.mark.parametrize("lab", ["ch1", "ch2", "ch3", "ch4-ceph", "ch4-firewall", "ch4-flannel", "ch6", "ch7"])
def test_the_labs_checks_ask_for_fixtures_that_exist(lab: str, tmp_path: Path) -> None:
    """Without a cluster none of them can be answered: each is unknown, and none for want of a fixture."""
    checked = Checked(tmp_path)
    for path in Path(__file__).parents[3].joinpath("labs", lab, "checks").glob("*.py"):
        checked.write(path.read_text(encoding="utf-8"), path.name)
    results = checked.run()
    assert results
    assert not [result for result in results if "fixture" in result.message]
