"""ch10-rkt: the app is the process that systemd started, and its image is signed and found by its name."""

import re

import pytest

HELLO, PORT = "hello-rkt@{}.service", 3000
RKT = "sudo /opt/rkt/bin/rkt"
IMAGE = "aci.lab.internal/helloworld:0.0.1"


@pytest.fixture
def running(fleet, nodes):
    """The present nodes on which an instance by rkt is active, by unit."""
    return {unit: node for unit, node in fleet.active("hello-rkt@*.service").items() if node in nodes}


@pytest.mark.survives
def test_each_instance_says_hello_world(running, addresses, http_get):
    assert running, "no instance runs on a machine that is there"
    for unit, node in running.items():
        answer = http_get(f"http://{addresses[node]}:{PORT}/")
        assert answer.status == 200, f"{unit} on {node}: HTTP {answer.status}: {answer.body.strip()}"
        assert answer.body == "hello world\n", f"{unit} on {node} answers {answer.body[:80]!r}"


@pytest.mark.survives
def test_one_instance_per_machine(running, nodes):
    assert len(set(running.values())) == len(running), f"instances run on {sorted(running.values())}"
    assert len(running) == min(2, len(nodes)), f"instances run on {sorted(running.values())}, machines: {nodes}"


@pytest.mark.survives
def test_the_app_is_the_process_that_systemd_started(running, machine):
    for unit, node in running.items():
        show = f"systemctl show --property MainPID --value {unit}"
        process = machine(node).check_output(f"ps -o ppid=,args= -p $({show})").split(maxsplit=1)
        assert process == ["1", "node app.js"], f"{unit} on {node}: its process is {process}"


@pytest.mark.survives
def test_rkt_has_the_image_and_a_pod_that_runs(running, machine):
    for unit, node in running.items():
        pods = machine(node).check_output(f"{RKT} list --no-legend --full")
        assert re.search(rf"{re.escape(IMAGE)}\s+.*\srunning\s", pods), f"{unit} on {node}: rkt's pods are: {pods}"


@pytest.mark.survives
def test_the_server_of_images_has_them_signed(node_of, machine):
    server = node_of("aci.service")
    get = "curl --silent --show-error --fail --cacert /etc/ssl/certs/coreos-lab-aci.pem https://aci.lab.internal"
    page = machine(server.name).check_output(f"{get}?ac-discovery=1")
    assert 'name="ac-discovery"' in page, f"no discovery: {page[:200]!r}"
    for image in ("nodejs-latest", "helloworld-0.0.1"):
        signature = machine(server.name).check_output(f"{get}/{image}-linux-amd64.aci.asc")
        assert "BEGIN PGP SIGNATURE" in signature, f"{image}: no signature: {signature[:80]!r}"
