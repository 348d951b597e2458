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
    """submit, load, start, stop, unload, destroy: each is seen where fleetctl shows it."""
    host = machine(nodes[0])

    def fleetctl(arguments):
        return host.check_output(f"fleetctl {arguments} 2>&1")

    def state():
        """desired state in list-unit-files, and what systemd says in list-units; None where it is not listed."""
        files = dict(line.split() for line in fleetctl("list-unit-files --no-legend --fields=unit,dstate").splitlines())
        units = dict(line.split() for line in fleetctl("list-units --no-legend --fields=unit,active").splitlines())
        return files.get(SCRATCH), units.get(SCRATCH)

    try:
        host.check_output(f"printf '[Service]\\nExecStart=/bin/sleep 600\\n' >/tmp/{SCRATCH}")
        fleetctl(f"submit /tmp/{SCRATCH}")
        assert state() == ("inactive", None), "submit only uploads"
        fleetctl(f"load {SCRATCH}")
        assert state() == ("loaded", "inactive"), "load puts the unit onto a machine, and does not start it"
        fleetctl(f"start {SCRATCH}")
        assert state()[0] == "launched", "start makes it launched"
        fleetctl(f"stop {SCRATCH}")
        assert state()[0] == "loaded", "stop leaves it loaded"
        fleetctl(f"unload {SCRATCH}")
        assert state() == ("inactive", None), "unload takes it off the machine; its file stays"
        fleetctl(f"destroy {SCRATCH}")
        assert state() == (None, None), "destroy leaves nothing"
    finally:
        host.run(f"fleetctl destroy {SCRATCH}; rm -f /tmp/{SCRATCH}")
