"""What a cluster's nodes may reach of the host."""

from __future__ import annotations

from coreos_lab.model import Network
from coreos_lab.providers.nspawn import guard

RULES = guard.rules(Network("172.17.8.0/24", "172.17.8.1", 4), ["172.17.8.1", "192.0.2.53"]).splitlines()


def chain(name: str) -> list[str]:
    """The rules of a chain, in order."""
    begin = RULES.index(f"  chain {name} {{")
    return [line.strip() for line in RULES[begin + 2 : RULES.index("  }", begin)]]


def test_the_hosts_services_are_closed_but_for_what_nodes_need() -> None:
    rules = chain("to_host")
    assert rules[0] == 'iifname != "lab4" accept', "everybody else's traffic is none of ours"
    assert rules[-1] == "counter drop"
    opened = rules[1:-1]
    assert opened == [
        "ct state established,related accept",
        "ip daddr 172.17.8.1 tcp dport 5808 accept",
        "ip daddr 172.17.8.1 icmp type echo-request accept",
        "ip daddr { 172.17.8.1, 192.0.2.53 } meta l4proto { tcp, udp } th dport 53 accept",
    ]


def test_a_clusters_other_services_are_opened_by_their_ports() -> None:
    rules = guard.rules(Network("172.17.8.0/24", "172.17.8.1", 4), ["192.0.2.53"], [5808, 5809])
    assert "ip daddr 172.17.8.1 tcp dport 5809 accept" in rules
    assert not any("5809" in rule for rule in RULES)


def test_other_clusters_are_closed_both_ways_and_the_way_out_is_open() -> None:
    rules = chain("beyond")
    assert rules.index('iifname "lab4" oifname "lab4" accept') < rules.index(
        'iifname "lab4" oifname "lab*" counter drop'
    )
    assert 'iifname "lab*" oifname "lab4" counter drop' in rules
    assert not any(rule.startswith("counter drop") for rule in rules)


def test_loading_it_again_makes_it_the_same() -> None:
    assert RULES[:2] == ["table inet coreos_lab_4", "delete table inet coreos_lab_4"]
