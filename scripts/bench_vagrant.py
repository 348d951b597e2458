"""make bench-vagrant: `lab up --provider vagrant` against plain `vagrant up`, in turn, on the same rendered files.

Both begin where the cluster has its files and no machine, and end when fleet lists every node and each has its Docker;
plain `vagrant up` returns before that, and the lab's own look at the nodes is added to it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from bench import lab, timed

NAME = "bench-vm"


def main() -> None:
    """Measures and prints the table."""
    from coreos_lab import ready, store
    from coreos_lab.providers.choose import provider

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--nodes", type=int, default=1)
    options = parser.parse_args()
    folder = store.ClusterFolder(NAME).vagrant

    def vagrant(*argv: str) -> None:
        subprocess.run(["vagrant", *argv], cwd=folder, stdout=subprocess.DEVNULL, check=True)

    def rise() -> None:
        lab("up", "--name", NAME)

    def plain() -> None:
        vagrant("up")
        cluster = store.require(NAME)
        ready.wait_for_nodes(cluster, cluster.nodes, provider(cluster.provider), deadline=1800)

    lab("destroy", "--name", NAME)
    lab("up", "--name", NAME, "--provider", "vagrant", "--nodes", str(options.nodes))  # makes files, box, base volume
    found: dict[str, list[float]] = {"lab up": [], "vagrant up": []}
    for _ in range(options.runs):
        for name, act in (("lab up", rise), ("vagrant up", plain)):
            vagrant("destroy", "--force")
            time.sleep(2)
            found[name].append(timed(act))
            print(f"  {name}: {found[name][-1]:.1f} s", file=sys.stderr, flush=True)
    lab("destroy", "--name", NAME)
    print(f"{os.cpu_count()} cores, {options.nodes} node(s), {options.runs} runs in turn")
    for name, values in found.items():
        print(f"{name:12} median {statistics.median(values):7.1f} s, {min(values):.1f} to {max(values):.1f} s")


if __name__ == "__main__":
    main()
