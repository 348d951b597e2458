"""ch9: every web server runs what is in production, and has carried out the last write of the key that deploys."""

import json

import pytest

WEBS = 3
SOON = 20  # seconds: less than a check may take; a deployment takes about ten
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
PRODUCTION = "registry.lab:5808/v2/library/ch6-web/manifests/production"


@pytest.fixture
def webs(fleet):
    """The node of each active web server, by its number."""
    return numbered(fleet.active("web@*.service"))


@pytest.fixture
def sidekicks(fleet):
    """The node of each active sidekick, by its number."""
    return numbered(fleet.active("web-sidekick@*.service"))


def numbered(units):
    return {unit.partition("@")[2].removesuffix(".service"): node for unit, node in units.items()}


@pytest.mark.survives
def test_each_machine_serves_the_page(webs, nodes, addresses_of, http_get):
    assert len(set(webs.values())) == min(WEBS, len(nodes)), f"web servers run on {webs}, running machines: {nodes}"
    for unit, address in addresses_of("web@*.service").items():
        answer = http_get(f"http://{address}:3000/")
        assert answer.status == 200, f"{unit} at {address}: HTTP {answer.status}: {answer.body.strip()}"
        assert "What people plan" in answer.body, f"{unit} at {address} serves: {answer.body[:80]!r}"


@pytest.mark.survives
def test_each_web_server_has_its_sidekick_beside_it(webs, sidekicks):
    assert webs, "no web server is active anywhere"
    for number, node in webs.items():
        beside = sidekicks.get(number, "none that is active")
        assert beside == node, f"web@{number} is on {node}, its sidekick on {beside}"


@pytest.mark.survives
def test_each_web_server_has_carried_out_the_last_write(webs, etcd, nodes, machine, eventually):
    index = written(machine(nodes[0]))
    if index is None:
        return  # nothing was deployed yet

    def behind():
        carried_out = {number: etcd.get(f"/coreos.com/deployed/{number}") for number in webs}
        return [f"web@{number}: {carried_out[number]}" for number in webs if carried_out[number] != index]

    eventually(
        lambda: not behind(),
        lambda: f"the last write of /coreos.com/deploy is {index}; carried out: {', '.join(behind())}",
        within=SOON,
    )


@pytest.mark.survives
def test_each_web_server_runs_the_release_that_is_in_production(webs, machine, eventually):
    def others():
        found = {number: (running(machine(node), number), released(machine(node))) for number, node in webs.items()}
        return [f"web@{number} runs {runs or 'nothing'}" for number, (runs, wanted) in found.items() if runs != wanted]

    eventually(lambda: not others(), lambda: f"not what is in production: {', '.join(others())}", within=SOON)


def written(here):
    """The index of the last write of the key, None where it was never written."""
    said = json.loads(here.check_output("curl -s http://127.0.0.1:2379/v2/keys/coreos.com/deploy"))
    return str(said["node"]["modifiedIndex"]) if "node" in said else None


def running(here, number):
    """The container image of a web server's container, by the digest of its configuration."""
    return here.run(f"docker inspect --format '{{{{.Image}}}}' web-{number}").stdout.strip()


def released(here):
    """The same of what the registry calls production."""
    said = here.run(f"curl -sf -H 'Accept: {MANIFEST}' {PRODUCTION}").stdout
    return json.loads(said)["config"]["digest"] if said else ""
