"""The text of a router's rules. What they do is tested with real packets, in tests/e2e/test_cloud.py."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace

import pytest

from coreos_lab.cloud import firewall
from coreos_lab.cloud.network import Entry, Group, Port, Rule, Subnet, Vpc

WEB = Group(
    "sg-web",
    (
        Rule("tcp", 22, 22, "0.0.0.0/0"),
        Rule("-1", None, None, group="sg-web"),
        Rule("icmp", 8, -1, "10.0.0.0/8"),
        Rule("udp", 8472, 8473, group="sg-gone"),
        Rule("50", None, None, "10.0.0.0/8"),
    ),
    (Rule("-1", None, None, "0.0.0.0/0"),),
)
ONE = Port("i-1", 1, "subnet-a", "10.1.1.5", "02:00:00:00:00:01", "198.18.0.100", ("sg-web",))
TWO = Port("i-2", 2, "subnet-b", "10.1.2.5", "02:00:00:00:00:02", groups=("sg-web",), checked=False)
SUBNETS = (Subnet("subnet-a", 1, "10.1.1.0/24"), Subnet("subnet-b", 2, "10.1.2.0/24"))
VPC = Vpc("vpc-1", 1, "10.1.0.0/16", SUBNETS, (ONE, TWO), (WEB, Group("sg-none", (), ())))


def chain(name: str, vpc: Vpc = VPC) -> list[str]:
    lines = firewall.text(vpc).splitlines()
    start = lines.index(f"  chain {name} {{")
    return [line.strip() for line in lines[start + 1 : lines.index("  }", start)]]


def test_ingress_is_what_the_groups_say_and_nothing_else() -> None:
    assert chain("to_1") == [
        "ip daddr != 10.1.1.5 counter drop",
        "ct state established,related accept",
        "ip saddr 0.0.0.0/0 meta l4proto tcp th dport 22-22 accept",
        "ip saddr @sg_web accept",
        "ip saddr 10.0.0.0/8 icmp type 8 accept",
        "ip saddr 10.0.0.0/8 meta l4proto 50 accept",
        "counter drop",
    ]


def test_an_instance_without_groups_reaches_nothing_and_is_reached_by_nothing() -> None:
    alone = replace(VPC, ports=(replace(ONE, groups=()),))
    assert chain("to_1", alone)[-2:] == ["ct state established,related accept", "counter drop"]
    assert chain("from_1", alone)[-2:] == ["ct state established,related return", "counter drop"]


def test_without_the_check_an_instance_may_send_and_get_what_is_not_its_own() -> None:
    assert "ip saddr != 10.1.1.5 counter drop" in chain("from_1")
    assert not [line for line in [*chain("from_2"), *chain("to_2")] if "!=" in line]


ACL = (
    Entry(False, Rule("tcp", 2380, 2380, "10.1.1.0/24")),
    Entry(True, Rule("tcp", 1024, 65535, "0.0.0.0/0")),
    Entry(True, Rule("icmp", -1, -1, "10.0.0.0/8")),
)
EMPTY = replace(VPC, ports=(), groups=())
CLOSED = replace(VPC, subnets=(SUBNETS[0], replace(SUBNETS[1], ingress=ACL, egress=())))


def test_a_network_acl_is_asked_at_the_border_of_its_subnet_in_order() -> None:
    assert chain("acl_to_2", CLOSED) == [
        "ip saddr 10.1.1.0/24 meta l4proto tcp th dport 2380-2380 counter drop",
        "ip saddr 0.0.0.0/0 meta l4proto tcp th dport 1024-65535 return",
        "ip saddr 10.0.0.0/8 ip protocol icmp return",
        "counter drop",
    ]
    assert chain("acl_from_2", CLOSED) == ["counter drop"]
    through = chain("through", CLOSED)
    into = through.index('oifname "subnet2" iifname != "subnet2" jump acl_to_2')
    out = through.index('iifname "subnet2" oifname != "subnet2" jump acl_from_2')
    assert max(into, out) < min(index for index, line in enumerate(through) if "jump from_" in line)
    assert "acl_" not in firewall.text(VPC)


def test_a_group_is_a_set_of_its_members_addresses() -> None:
    text = firewall.text(VPC)
    assert "set sg_web { type ipv4_addr; elements = { 10.1.1.5, 10.1.2.5 } }" in text
    assert "set sg_none { type ipv4_addr; }" in text


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("nft") is None, reason="needs root and nft")
@pytest.mark.parametrize("vpc", [VPC, EMPTY, CLOSED], ids=["with instances", "empty", "network ACL"])
def test_the_kernel_takes_the_rules(vpc: Vpc) -> None:
    call = ["unshare", "--net", "nft", "--file", "-"]
    done = subprocess.run(call, input=firewall.text(vpc) * 2, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
