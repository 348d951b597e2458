"""make bench: measures the commands; prints medians as a table and writes them as JSON. It runs `lab` as users do.

The floor is the same machines from the same image and cloud-configs, started directly and ready when fleet lists them;
the peer is the same with LXC containers, if LXC is installed. `lab up` also waits for Docker on every node. The
measurements alternate, so that a host that slows down affects all of them. One long module because that order is what
it is about.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import bench_chapters
import bench_cloud

if TYPE_CHECKING:
    from coreos_lab.model import Cluster

ROOT = Path(__file__).parents[1]
NAME = "bench"
BRIDGE = "labpeer"
LAB = [sys.executable, "-c", "from coreos_lab.start import main; main()"]
GOALS = {
    "deploy ch7, warm caches": 12.0,
    "memory of 3 nodes, ch7 (MiB)": 3072.0,
    "deploy ch4-ceph, warm caches, to active+clean and mounted": 15.0,
    "up, 3 nodes": 1.3,
    "destroy": 1.0,
    "deploy ch3, warm caches": 3.5,
    "undeploy ch3": 1.5,
    "check ch3": 0.3,
    "break core-02 --verify with ch3": 20.0,
    "memory per node, idle (MiB)": 45.0,
    "lab --help": 0.1,
    "lab status": 0.15,
    "deploy ch1, warm caches": 3.0,
    "deploy ch2, warm caches": 6.0,
    "deploy ch6, warm caches": 10.0,
    "snapshot restore, to ch3's checks": 3.0,
    "backup of a cluster with ch7": 10.0,
    "restore of it": 30.0,
    "push of a new page's image to every machine serving it, ch9": 15.0,
    "up, 50 nodes": 45.0,
    "lab status of 50 nodes": 0.5,
    "deploy ch3 onto 50 nodes": 15.0,
    "cloud up": 3.0,
    "memory of a cloud without instances (MiB)": 300.0,
    "stack of ch8, to three machines that serve": 15.0,
    "stack of ch8: a machine killed to another that serves": 25.0,
    "stack of ch8: a security group's rule to its effect": 1.0,
}


def lab(*argv: str, codes: tuple[int, ...] = (0,)) -> str:
    """Runs the command on the bench's cluster; returns its stdout."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "LAB_NAME": NAME}
    done = subprocess.run([*LAB, *argv], capture_output=True, text=True, env=env, check=False)
    if done.returncode not in codes:
        raise SystemExit(f"bench: lab {' '.join(argv)}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def timed(act: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    began = time.monotonic()
    act()
    return time.monotonic() - began


def outage() -> float:
    """Kills the proxy's machine; seconds until the front answered again, even if that misses the objective."""
    verdict = json.loads(lab("break", "unit:helloworld-nginx.service", "--verify", "--json", codes=(0, 1)))
    return float(verdict["outages"]["ch3/front"])


def injected(fault: str) -> float:
    """Seconds from the plan of a fault until its effect was seen."""
    from coreos_lab.records import runs

    lab("break", "core-03", "--fault", fault, "--for", "1s")
    run = runs.ordered(NAME)[-1]
    happened = [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    return next(float(event["seconds"]) for event in happened if (event["kind"], event["step"]) == ("end", "fault"))


def probing() -> float:
    """The CPU time of ch3's probes and the observer while nothing is broken, in percent of one core."""
    from coreos_lab.chaos.observer import Observer
    from coreos_lab.chaos.probes import Prober
    from coreos_lab.chaos.writes import Writes
    from coreos_lab.definition import catalog
    from coreos_lab.observed.node_states import addresses
    from coreos_lab.records import store

    cluster = store.require(NAME)
    nodes = addresses(cluster.nodes)
    with Prober([catalog.load("ch3")], nodes), Writes(nodes, "bench"), Observer(cluster):
        time.sleep(1)
        before, began = time.process_time(), time.monotonic()
        time.sleep(10)
        return 100 * (time.process_time() - before) / (time.monotonic() - began)


def until_fleet_lists_all(cluster: Cluster) -> None:
    """Waits until fleet lists every node of a started cluster."""
    from coreos_lab.clients.fleet import Fleet
    from coreos_lab.clients.http import CannotCheckError

    fleet = Fleet([node.address for node in cluster.nodes], timeout=1)
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            if len(fleet.machines()) == len(cluster.nodes):
                return
        except CannotCheckError:
            pass
        time.sleep(0.02)
    raise SystemExit("bench: fleet does not list all machines")


def floor() -> float:
    """Starts three machines directly, with the cloud-configs and bridge of `lab up`; seconds until fleet lists them."""
    from coreos_lab.providers.choose import provider as choose
    from coreos_lab.records import store

    cluster = store.require(NAME)
    provider = choose(cluster.provider)
    folder = store.ClusterFolder(NAME)
    for node in cluster.nodes:
        text = folder.user_data(node).read_text(encoding="utf-8")
        provider.destroy(cluster, [node])
        folder.node(node).mkdir(parents=True)
        folder.user_data(node).write_text(text, encoding="utf-8")

    def by_hand() -> None:
        provider.start(cluster, cluster.nodes, folder.user_data)
        until_fleet_lists_all(cluster)

    return timed(by_hand)


def peer() -> float | None:
    """The same with LXC containers, from the same root tree and cloud-configs; None without LXC."""
    if shutil.which("lxc-start") is None:
        return None
    from coreos_lab import render, settings
    from coreos_lab.cluster import mirror
    from coreos_lab.machine_image.image import ensure_image
    from coreos_lab.plan import Request, plan

    cluster = plan(Request(name="peer", subnet="172.17.250.0/24"), None, set())
    script = str(ROOT / "scripts" / "peer-lxc.sh")
    folder = settings.state_dir() / "peer"
    folder.mkdir(parents=True, exist_ok=True)
    for node in cluster.nodes:
        text = render.cloud_config(cluster, node, "ssh-ed25519 none", "peer", mirror.address(cluster))
        (folder / f"{node.name}.user-data").write_text(text, encoding="utf-8")
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", f"{cluster.network.gateway}/24", "dev", BRIDGE], check=True)
        subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)

        def start() -> None:
            for node in cluster.nodes:
                place = [str(ensure_image()), BRIDGE, f"{node.address}/24", cluster.network.gateway]
                data = str(folder / f"{node.name}.user-data")
                subprocess.run([script, "start", node.name, str(folder), *place, data], check=True)
            until_fleet_lists_all(cluster)

        return timed(start)
    finally:
        for node in cluster.nodes:
            subprocess.run([script, "stop", node.name, str(folder)], check=False)
        subprocess.run(["ip", "link", "delete", BRIDGE], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def warm_caches() -> None:
    """Deploys everything that is measured once."""
    lab("destroy")
    lab("up")
    for chapter in ("ch1", "ch2", "ch3", "ch6", "ch7", "ch9"):
        lab("deploy", chapter)
        lab("undeploy", chapter)
    lab("destroy")
    lab("up", "--disks", "1")
    lab("deploy", "ch4-ceph")
    lab("destroy")


def measure_cluster(add: Callable[[str, float], None]) -> None:
    """The figures of clusters, once each: seconds, unless the name states another unit."""
    add("lab --help", timed(lambda: lab("--help")))
    add("up, 3 nodes", timed(lambda: lab("up")))
    nodes = json.loads(lab("status", "--json"))["nodes"]
    add("memory per node, idle (MiB)", statistics.mean(node["memory_bytes"] for node in nodes) / 2**20)
    add("deploy ch3, warm caches", timed(lambda: lab("deploy", "ch3")))
    nodes = json.loads(lab("status", "--json"))["nodes"]
    add("memory per node, ch3 (MiB)", statistics.mean(node["memory_bytes"] for node in nodes) / 2**20)
    add("probes and observer, percent of one core", probing())
    for fault in ("kill", "isolate"):
        add(f"{fault}: injected and its effect seen", injected(fault))
    lab("deploy", "ch3")  # ends when all its checks pass again
    add("lab status", timed(lambda: lab("status")))
    add("check ch3", timed(lambda: lab("check", "ch3")))
    add("break core-02 --verify with ch3", timed(lambda: lab("break", "core-02", "--verify")))
    add("proxy's machine killed to served again, agent_ttl 10s (lab's setting)", outage())
    lab("snapshot", "save", "bench")
    add("snapshot restore, to ch3's checks", timed(lambda: lab("snapshot", "restore", "bench")))
    add("undeploy ch3", timed(lambda: lab("undeploy", "ch3")))
    for chapter in ("ch1", "ch2", "ch6"):
        add(f"deploy {chapter}, warm caches", timed(partial(lab, "deploy", chapter)))
        lab("undeploy", chapter)
    lab("snapshot", "delete", "bench")
    add("destroy", timed(lambda: lab("destroy")))
    lab("up")
    add("3 nodes, systemd-nspawn by hand (floor)", floor())
    lab("destroy")
    by_lxc = peer()
    if by_lxc is not None:
        add("3 nodes, LXC by hand (peer)", by_lxc)


def measure_stacks(add: Callable[[str, float], None]) -> None:
    """The same of the larger labs, of many nodes, and with fleet's default."""
    add("up, 3 nodes with a disk each", timed(lambda: lab("up", "--disks", "1")))
    add("deploy ch4-ceph, warm caches, to active+clean and mounted", timed(lambda: lab("deploy", "ch4-ceph")))
    nodes = json.loads(lab("status", "--json"))["nodes"]
    add("memory per node, ch4-ceph (MiB)", statistics.mean(node["memory_bytes"] for node in nodes) / 2**20)
    lab("destroy")
    lab("up")
    add("deploy ch7, warm caches", timed(lambda: lab("deploy", "ch7")))
    nodes = json.loads(lab("status", "--json"))["nodes"]
    add("memory of 3 nodes, ch7 (MiB)", sum(node["memory_bytes"] for node in nodes) / 2**20)
    add("migration of ch7's store to three other machines", bench_chapters.migrate(lab))
    lab("destroy")
    saved, restored = bench_chapters.back_up(lab)
    add("backup of a cluster with ch7", saved)
    add("restore of it", restored)
    lab("destroy")
    lab("up")
    lab("deploy", "ch9")
    add("push of a new page's image to every machine serving it, ch9", bench_chapters.release(lab))
    lab("destroy")
    add("up, 50 nodes", timed(lambda: lab("up", "--nodes", "50")))
    add("lab status of 50 nodes", timed(lambda: lab("status")))
    add("deploy ch3 onto 50 nodes", timed(lambda: lab("deploy", "ch3")))
    lab("destroy")
    lab("up", "--agent-ttl", "30s")
    lab("deploy", "ch3")
    add("proxy's machine killed to served again, agent_ttl 30s (fleet's default)", outage())
    lab("destroy")


def measure_cloud(add: Callable[[str, float], None]) -> None:
    """The figures of a cloud, in the same way."""
    with bench_cloud.bench(lab, NAME) as cloud:
        add("cloud up", timed(cloud.up))
        add("memory of a cloud without instances (MiB)", cloud.memory())
        add("stack of ch8, to three machines that serve", timed(cloud.create_stack))
        add("stack of ch8: a security group's rule to its effect", timed(cloud.change_rule))
        add("stack of ch8: a machine killed to another that serves", timed(cloud.replace_machine))


def main() -> None:
    """Measures, prints the table and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    values: dict[str, list[float]] = {}

    def add(name: str, value: float) -> None:
        values.setdefault(name, []).append(value)
        print(f"  {name}: {value:.2f}", file=sys.stderr, flush=True)

    warm_caches()
    for _ in range(options.runs):
        measure_cluster(add)
        measure_stacks(add)
        measure_cloud(add)
    from coreos_lab import version
    from coreos_lab.records import about, figures

    measured = [figures.Figure(name, tuple(found), GOALS.get(name)) for name, found in values.items()]
    print(f"{'what':72} {'median':>8} {'min':>8} {'max':>8} {'goal':>6}")
    for row in measured:
        goal = f"{row.goal:.1f}" if row.goal else ""
        print(f"{row.what:72} {row.median:8.2f} {min(row.values):8.2f} {max(row.values):8.2f} {goal:>6}")
    host, now = tuple(about.host().items()), time.time()
    figures.save(
        figures.Bench(tuple(measured), options.runs, "make bench", now, str(version.current()), host), options.json
    )
    print(f"A page of it: lab report {options.json}")


if __name__ == "__main__":
    main()
