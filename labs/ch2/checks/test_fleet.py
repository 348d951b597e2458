"""ch2: fleet and the first unit, seen from outside and from the machines."""

import time

import pytest

UNIT = "nginx.service"
SCRATCH = "lab-check.service"


@pytest.mark.survives
def test_fleet_lists_the_machines_that_run(fleet, addresses):
    listed = sorted(m.address for m in fleet.machines())
    assert listed == sorted(addresses.values()), f"fleet lists: {', '.join(listed)}; running: {', '.join(addresses)}"


@pytest.mark.survives
def test_nginx_answers(node_of, http_get):
    node = node_of(UNIT)
    answer = http_get(f"http://{node.address}/", method="HEAD")
    assert answer.status == 200, f"{node.name}: HTTP {answer.status}: {answer.body}"
    body = http_get(f"http://{node.address}/").body
    assert "nginx is here" in body, f"{node.name}: port 80 answers with another page"


@pytest.mark.survives
def test_the_journal_shows_a_request(node_of, http_get, machine, eventually):
    node = node_of(UNIT)
    path = f"/lab-check-{time.time_ns()}"
    http_get(f"http://{node.address}{path}")
    journal = f"journalctl --unit={UNIT} --lines=20 --output=cat"
    eventually(
        lambda: path in machine(node.name).check_output(journal),
        f"{node.name}: a request to nginx is not in the journal of {UNIT}",
        within=3,
    )


@pytest.mark.survives
def test_every_machine_lists_the_unit(nodes, machine):
    for node in nodes:
        listed = machine(node).check_output("fleetctl list-units --no-legend --fields=unit,active")
        assert [UNIT, "active"] in [line.split() for line in listed.splitlines()], (
            f"{node}: does not list an active {UNIT}"
        )


def test_a_unit_passes_through_all_states(nodes, machine, eventually):
    """Takes seconds: fleetctl waits for a machine to carry out each step, and machines poll every few seconds.

    For the start it waits only two seconds until a unit is reported as active, and a busy machine takes longer.
    """
    host, path = machine(nodes[0]), f"/home/core/{SCRATCH}"

    def desired_state():
        """The unit's desired state in fleet; None when fleet has no such unit."""
        lines = host.check_output("fleetctl list-unit-files --no-legend --fields=unit,dstate").splitlines()
        return dict(line.split() for line in lines).get(SCRATCH)

    def is_active():
        """Whether the machine reports the unit as running."""
        lines = host.check_output("fleetctl list-units --no-legend --fields=unit,active").splitlines()
        return [SCRATCH, "active"] in [line.split() for line in lines]

    try:
        host.check_output(f"printf '[Service]\\nExecStart=/bin/sleep 600\\n' >{path}")
        for command, state in (
            (f"submit {path}", "inactive"),
            (f"load {SCRATCH}", "loaded"),
            (f"start --no-block {SCRATCH}", "launched"),
            (f"stop {SCRATCH}", "loaded"),
            (f"unload {SCRATCH}", "inactive"),
            (f"destroy {SCRATCH}", None),
        ):
            host.check_output(f"fleetctl {command} 2>&1")
            assert desired_state() == state, f"after fleetctl {command} the unit is {desired_state()}, not {state}"
            if state == "launched":
                eventually(is_active, f"{SCRATCH} was started, but no machine reports it as active", within=30)
    finally:
        host.run(f"fleetctl destroy {SCRATCH}; rm -f {path}")
