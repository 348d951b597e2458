"""make bench-readme: writes README's table of times from bench.json, between two comments."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- bench: written by make bench-readme -->", "<!-- end of bench -->"
# bench.json's rows in README's words, with the unit; %.2f seconds where it is a short time.
ROWS = {
    "up, 3 nodes": ("`lab up`, three nodes, until fleet lists them and Docker answers on each", "s"),
    "3 nodes, systemd-nspawn by hand (floor)": (
        "the same machines by systemd-nspawn alone, until fleet lists them",
        "s",
    ),
    "deploy ch1, warm caches": ("`lab deploy ch1`, caches warm, until its checks pass", "s"),
    "deploy ch2, warm caches": ("`lab deploy ch2`, caches warm, until its checks pass", "s"),
    "deploy ch3, warm caches": ("`lab deploy ch3`, caches warm, until its checks pass", "s"),
    "undeploy ch3": ("`lab undeploy ch3`, until no machine has any of it", "s"),
    "check ch3": ("`lab check ch3`", "s"),
    "snapshot restore, to ch3's checks": ("`lab snapshot restore` with ch3, until its checks pass", "s"),
    "deploy ch4-ceph, warm caches, to active+clean and mounted": (
        "`lab deploy ch4-ceph`, caches warm, until Ceph is active+clean and mounted on each node",
        "s",
    ),
    "deploy ch6, warm caches": ("`lab deploy ch6`, caches warm, until its checks pass", "s"),
    "deploy ch7, warm caches": ("`lab deploy ch7`, caches warm, until its checks pass", "s"),
    "backup of a cluster with ch7": ("`lab backup` of a cluster with ch7", "s"),
    "restore of it": ("`lab restore` of it onto an empty cluster, until all is back by count and checksum", "s"),
    "migration of ch7's store to three other machines": (
        "ch7's store moves to three other machines, one member after the other, while workers write",
        "s",
    ),
    "push of a new page's image to every machine serving it, ch9": (
        "ch9: from the push of a new page's image until every machine serves the page",
        "s",
    ),
    "break core-02 --verify with ch3": ("`lab break core-02 --verify` with ch3, to its verdict", "s"),
    "proxy's machine killed to served again, agent_ttl 10s (lab's setting)": (
        "ch3's front, from the loss of its machine until it answers again: `agent_ttl` 10 s, the default of `lab`",
        "s",
    ),
    "proxy's machine killed to served again, agent_ttl 30s (fleet's default)": (
        "the same with fleet's own default, 30 s",
        "s",
    ),
    "destroy": ("`lab destroy`", "s"),
    "lab status": ("`lab status`", "s"),
    "lab --help": ("`lab --help`", "s"),
    "up, 50 nodes": ("`lab up --nodes 50`", "s"),
    "deploy ch3 onto 50 nodes": ("`lab deploy ch3` onto 50 nodes", "s"),
    "lab status of 50 nodes": ("`lab status` of 50 nodes", "s"),
    "kill: injected and its effect seen": ("from a fault until its effect is seen: `kill`", "s"),
    "isolate: injected and its effect seen": (
        "the same for `isolate` (the effect is half a second without an answer)",
        "s",
    ),
    "probes and observer, percent of one core": ("CPU for probes and observation during a break, of one core", "%"),
    "memory per node, idle (MiB)": ("memory per node: idle", "MiB"),
    "memory per node, ch3 (MiB)": ("memory per node: with ch3", "MiB"),
    "memory per node, ch4-ceph (MiB)": ("memory per node: with ch4-ceph", "MiB"),
    "memory of 3 nodes, ch7 (MiB)": ("memory of three nodes with ch7", "MiB"),
    "cloud up": ("`lab cloud up`", "s"),
    "stack of ch8, to three machines that serve": (
        "ch8's stack, from `create-stack` until fleet lists three machines and the load balancer finds each healthy",
        "s",
    ),
    "stack of ch8: a machine killed to another that serves": (
        "a machine of it, from its loss until the load balancer finds another one healthy in its place",
        "s",
    ),
    "stack of ch8: a security group's rule to its effect": ("a rule of a security group, until it is in force", "s"),
    "memory of a cloud without instances (MiB)": ("memory of a cloud without instances", "MiB"),
}
LONG = 3.0  # seconds: from here on tenths are enough


def table(document: Mapping[str, Any]) -> str:
    """The rows of bench.json that README has, in README's order. One that was not measured is left out."""
    measured = {row["what"]: row for row in document["rows"]}
    lines = ["| what | median | min | max |", "|---|---|---|---|"]
    for name, (words, unit) in ROWS.items():
        if row := measured.get(name):
            cells = " | ".join(_figure(row[which], unit) for which in ("median", "min", "max"))
            lines.append(f"| {words} | {cells} |")
    return "\n".join(lines)


def _figure(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value:.1f} s" if value >= LONG else f"{value:.2f} s"
    return f"{value:.0f} MiB" if unit == "MiB" else f"{value:.1f} %"


def put(readme: str, document: Mapping[str, Any]) -> str:
    """README with the table of these figures. SystemExit where it lacks the comments around the table."""
    before, begin, rest = readme.partition(f"{BEGIN}\n")
    _old, end, after = rest.partition(f"{END}\n")
    if not begin or not end:
        raise SystemExit(f"bench-readme: README.md lacks the lines {BEGIN} and {END}")
    return f"{before}{begin}{table(document)}\n{end}{after}"


def main() -> None:
    """Writes the table into README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path, metavar="BENCH_JSON")
    parser.add_argument("readme", type=Path, metavar="README")
    options = parser.parse_args()
    text = put(options.readme.read_text(encoding="utf-8"), json.loads(options.figures.read_text(encoding="utf-8")))
    options.readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
