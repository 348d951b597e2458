"""What `make bench` measures of chapters 9 and 10: a push, a backup, the way back from it, a migration."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
WEB = 3000  # the port of the web servers
PATIENCE = 300.0  # seconds until a step of a measurement must have ended
IMAGE = "registry.lab:5808/library/ch6-web:production"
NEW = "background: #000"  # what the new page has, and the old one has not
BUILD = rf"""set -e; mkdir -p release
docker run --rm ch6-web:production cat public/index.html >release/index.html
sed -i 's|</script>|&<style>body {{ {NEW}; color: #fff; }}</style>|' release/index.html
printf 'FROM webstack\nCOPY index.html /srv/public/\n' >release/Dockerfile
docker build --quiet --tag {IMAGE} release"""
Lab = Callable[..., str]


def release(lab: Lab) -> float:
    """Seconds from the push of a new page's image until every machine serves the page. For a cluster with ch9."""
    from coreos_lab.checks import web

    addresses = [node["address"] for node in json.loads(lab("status", "--json"))["nodes"]]
    words = [sys.executable, str(ROOT / "labs/ch9/hook.py"), "0", f"{addresses[0]}:2379"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as hook:
        try:
            url = next(iter(hook.stdout or ())).removeprefix("waits at ").strip()
            lab("webhook", "add", url, "--repository", "ch6-web")
            lab("ssh", "core-02", "--", BUILD)
            began = time.monotonic()
            lab("ssh", "core-02", "--", f"docker push --quiet {IMAGE}")
            urls = [f"http://{address}:{WEB}/" for address in addresses]
            _wait("the new page", lambda: all(NEW in web.get(url, timeout=5).body for url in urls))
            return time.monotonic() - began
        finally:
            hook.terminate()


def back_up(lab: Lab) -> tuple[float, float]:
    """Seconds for a backup of a new cluster with ch7, and for its restore onto the cluster without ch7.

    The restore waits for the lab's checks, which see a worker only after its rest: that is made short.
    """
    lab("up")
    lab("deploy", "ch7", "--set", "window=20s")
    workers = [f"worker@{number}.service" for number in range(1, 7)]
    lab("fleetctl", "stop", *workers)
    _wait("the end of the workers", lambda: not _active(lab, workers))
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        target = str(Path(folder, "backup"))
        began = time.monotonic()
        lab("backup", "--output", target)
        saved = time.monotonic() - began
        lab("undeploy", "ch7")
        began = time.monotonic()
        lab("restore", target)
        return saved, time.monotonic() - began


def migrate(lab: Lab) -> float:
    """Seconds in which the three members of ch7's store move to machines of the database, one after the other.

    For a cluster of three nodes with ch7. The workers write meanwhile, and no acknowledged data may be lost.
    """
    lab("deploy", "ch7", "--set", "window=20s")
    metadata = [f"core-0{number}:role=database" for number in (5, 6, 7)]
    lab("up", "--nodes", "7", *(word for each in metadata for word in ("--metadata", each)))
    text = (ROOT / "labs/ch7/units/couchbase@.service").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
        unit = Path(folder, "couchbase@.service")
        unit.write_text(text.replace("[X-Fleet]", "[X-Fleet]\nMachineMetadata=role=database"), encoding="utf-8")
        began = time.monotonic()
        for number in (1, 2, 3):
            _until_complete(lab, "destroy", f"couchbase@{number}.service")
            _until_complete(lab, "start", "--no-block", str(unit.with_name(f"couchbase@{number}.service")))
        seconds = time.monotonic() - began
    _wait("ch7's checks pass", lambda: _passes(lab, "check", "ch7"))
    return seconds


def _until_complete(lab: Lab, *words: str) -> None:
    """Asks fleet for a change of the store, and waits until the conductor calls the store complete after it."""

    def completed() -> int:
        return lab("journal", "conductor.service", "-n", "10000").count("the store is complete")

    before = completed()
    lab("fleetctl", *words)
    _wait("the store is complete", lambda: completed() > before)


def _passes(lab: Lab, *words: str) -> bool:
    try:
        lab(*words)
    except SystemExit:
        return False
    return True


def _active(lab: Lab, units: list[str]) -> list[str]:
    rows = json.loads(lab("status", "--json"))["units"] or []
    return [row["name"] for row in rows if row["name"] in units and row["active"] == "active"]


def _wait(what: str, true: Callable[[], bool]) -> None:
    from coreos_lab import wait

    wait.until(true, deadline=PATIENCE, interval=0.1, missing=f"not so: {what}")
