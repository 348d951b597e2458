"""make bench-vagrant: compares `lab up --provider vagrant` with plain `vagrant up`, alternating, on the same files.

Both start with the cluster's files but no machines, and end when fleet lists every node and Docker answers on each.
Plain `vagrant up` returns earlier, so the time until the nodes are ready is added to it.
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
    from coreos_lab.observed import ready
    from coreos_lab.providers.choose import provider
    from coreos_lab.records import store

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
    durations: dict[str, list[float]] = {"lab up": [], "vagrant up": []}
    for _ in range(options.runs):
        for name, act in (("lab up", rise), ("vagrant up", plain)):
            vagrant("destroy", "--force")
            time.sleep(2)
            durations[name].append(timed(act))
            print(f"  {name}: {durations[name][-1]:.1f} s", file=sys.stderr, flush=True)
    lab("destroy", "--name", NAME)
    print(f"{os.cpu_count()} cores, {options.nodes} node(s), {options.runs} runs in turn")
    for name, values in durations.items():
        print(f"{name:12} median {statistics.median(values):7.1f} s, {min(values):.1f} to {max(values):.1f} s")


if __name__ == "__main__":
    main()
