"""ch2: what the cluster itself keeps in etcd, and keys that expire."""

import json

import pytest


@pytest.mark.survives
def test_flannel_gave_each_machine_a_subnet(etcd, addresses):
    assert json.loads(etcd.get("/coreos.com/network/config") or "{}").get("Network") == "10.1.0.0/16"
    leases = {json.loads(value)["PublicIP"]: key for key, value in etcd.tree("/coreos.com/network/subnets").items()}
    for node, address in addresses.items():
        assert address in leases, f"{node}: no subnet under /coreos.com/network/subnets"
        assert "/10.1." in leases[address], f"{node}: its subnet is not part of 10.1.0.0/16: {leases[address]}"


@pytest.mark.survives
def test_the_reboot_lock_exists(etcd, nodes, machine):
    status = machine(nodes[0]).check_output("locksmithctl status")
    assert "Max: " in status, f"locksmithctl prints {status!r}"
    lock = etcd.get("/coreos.com/updateengine/rebootlock/semaphore")
    assert lock is not None, "no key /coreos.com/updateengine/rebootlock/semaphore"
    assert json.loads(lock)["max"] >= 1


@pytest.mark.survives
def test_a_key_written_on_one_machine_is_read_on_all(nodes, machine, scratch_key):
    machine(nodes[0]).check_output(f"etcdctl set {scratch_key} bar")
    for node in nodes:
        value = machine(node).check_output(f"etcdctl get --quorum {scratch_key}")
        assert value == "bar", f"{node}: reads {value!r}, not bar"


def test_a_key_with_a_ttl_expires(etcd, machine, nodes, scratch_key, eventually):
    etcd.set(scratch_key, "bar", ttl=1)
    assert etcd.get(scratch_key) == "bar", "the key does not exist right after it was set"
    eventually(lambda: etcd.get(scratch_key) is None, "a key with a TTL of 1 s still exists", within=4)
    answer = machine(nodes[0]).run(f"etcdctl get {scratch_key}")
    assert answer.rc != 0
    assert "100: Key not found" in answer.stderr, f"etcdctl prints {answer.stderr.strip()!r}, not error 100"
