"""ch2: what the cluster keeps in etcd by itself, and keys that come and go."""

import json
import time

import pytest


@pytest.mark.survives
def test_flannel_gave_each_machine_its_network(etcd, addresses):
    assert json.loads(etcd.get("/coreos.com/network/config") or "{}").get("Network") == "10.1.0.0/16"
    leases = {json.loads(value)["PublicIP"]: key for key, value in etcd.tree("/coreos.com/network/subnets").items()}
    for node, address in addresses.items():
        assert address in leases, f"{node}: no network under /coreos.com/network/subnets"
        assert "/10.1." in leases[address], f"{node}: its network is not a part of 10.1.0.0/16: {leases[address]}"


@pytest.mark.survives
def test_the_lock_for_reboots_is_there(etcd, nodes, machine):
    status = machine(nodes[0]).check_output("locksmithctl status")
    assert "Max: " in status, f"locksmithctl says {status!r}"
    lock = etcd.get("/coreos.com/updateengine/rebootlock/semaphore")
    assert lock is not None, "no key /coreos.com/updateengine/rebootlock/semaphore"
    assert json.loads(lock)["max"] >= 1


@pytest.mark.survives
def test_a_key_written_on_one_machine_is_read_on_all(nodes, machine, scratch_key):
    machine(nodes[0]).check_output(f"etcdctl set {scratch_key} bar")
    for node in nodes:
        value = machine(node).check_output(f"etcdctl get --quorum {scratch_key}")
        assert value == "bar", f"{node}: reads {value!r}, not bar"


def test_a_key_with_a_ttl_is_forgotten(etcd, machine, nodes, scratch_key):
    etcd.set(scratch_key, "bar", ttl=1)
    assert etcd.get(scratch_key) == "bar", "the key is not there at once"
    end = time.monotonic() + 4
    while etcd.get(scratch_key) is not None:
        assert time.monotonic() < end, "a key with a TTL of 1 s is still there after 4 s"
        time.sleep(0.1)
    answer = machine(nodes[0]).run(f"etcdctl get {scratch_key}")
    assert answer.rc != 0
    assert "100: Key not found" in answer.stderr, f"etcdctl says {answer.stderr.strip()!r}, not error 100"
