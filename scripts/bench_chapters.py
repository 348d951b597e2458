"""What `make bench` measures of chapters 9 and 10: from a push to the new page, a backup, and the way back from it."""

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


def _active(lab: Lab, units: list[str]) -> list[str]:
    rows = json.loads(lab("status", "--json"))["units"] or []
    return [row["name"] for row in rows if row["name"] in units and row["active"] == "active"]


def _wait(what: str, true: Callable[[], bool]) -> None:
    from coreos_lab import wait

    wait.until(true, deadline=PATIENCE, interval=0.1, missing=f"not so: {what}")
