"""ch2: fleet and the first unit, seen from outside and from the machines."""

import time

import pytest

UNIT = "nginx.service"
SCRATCH = "lab-check.service"


@pytest.fixture
def front(fleet, addresses):
    """The name and the address of the node that runs nginx."""
    node = fleet.where(UNIT)
    assert node, f"{UNIT} is not active anywhere"
    assert node in addresses, f"fleet says that {UNIT} runs on {node}, which is down"
    return node, addresses[node]


@pytest.mark.survives
def test_fleet_lists_the_machines_that_run(fleet, addresses):
    listed = sorted(m.address for m in fleet.machines())
    assert listed == sorted(addresses.values()), f"fleet lists {', '.join(listed)}; running are {', '.join(addresses)}"


@pytest.mark.survives
def test_nginx_answers(front, http_get):
    node, address = front
    answer = http_get(f"http://{address}/", method="HEAD")
    assert answer.status == 200, f"{node}: HTTP {answer.status}: {answer.body}"
    assert "nginx is here" in http_get(f"http://{address}/").body, f"{node}: somebody else answers on port 80"


@pytest.mark.survives
def test_the_journal_shows_a_request(front, http_get, machine):
    node, address = front
    mark = f"/lab-check-{time.time_ns()}"
    http_get(f"http://{address}{mark}")
    end = time.monotonic() + 3
    while mark not in machine(node).check_output(f"journalctl --unit={UNIT} --lines=20 --output=cat"):
        assert time.monotonic() < end, f"{node}: a request to nginx is not in the journal of {UNIT}"
        time.sleep(0.1)


@pytest.mark.survives
def test_every_machine_sees_the_unit(nodes, machine):
    for node in nodes:
        listed = machine(node).check_output("fleetctl list-units --no-legend --fields=unit,active")
        assert [UNIT, "active"] in [line.split() for line in listed.splitlines()], f"{node}: sees no active {UNIT}"


def test_a_unit_goes_through_its_life(nodes, machine):
    """The slow one: fleetctl waits until a machine has carried out each step, and machines look every few seconds."""
    host, path = machine(nodes[0]), f"/home/core/{SCRATCH}"

    def wanted():
        """The state in which fleet is to have the unit; None where it does not know it."""
        lines = host.check_output("fleetctl list-unit-files --no-legend --fields=unit,dstate").splitlines()
        return dict(line.split() for line in lines).get(SCRATCH)

    try:
        host.check_output(f"printf '[Service]\\nExecStart=/bin/sleep 600\\n' >{path}")
        for command, state in (
            (f"submit {path}", "inactive"),
            (f"load {SCRATCH}", "loaded"),
            (f"start {SCRATCH}", "launched"),
            (f"stop {SCRATCH}", "loaded"),
            (f"unload {SCRATCH}", "inactive"),
            (f"destroy {SCRATCH}", None),
        ):
            host.check_output(f"fleetctl {command} 2>&1")
            assert wanted() == state, f"after fleetctl {command} the unit is {wanted()}, not {state}"
    finally:
        host.run(f"fleetctl destroy {SCRATCH}; rm -f {path}")
