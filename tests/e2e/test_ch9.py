"""ch9 on real machines: a push deploys by itself, white on black in a browser; without a sidekick the checks fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from coreos_lab.checks import web
from coreos_lab.walk.browser import find
from tests.e2e import devtools
from tests.e2e.calls import ROOT, Result, destroy, ended, lab, until

Lab = Callable[..., Result]
TIMEOUT = 900
RELEASE = r"""set -e; mkdir -p release
docker run --rm ch6-web:production cat public/index.html >release/index.html
sed -i 's|</script>|&<style>body { background: #000; color: #fff; }</style>|' release/index.html
printf 'FROM webstack\nCOPY index.html /srv/public/\n' >release/Dockerfile
docker build --quiet --tag registry.lab:5808/library/ch6-web:production release
docker push --quiet registry.lab:5808/library/ch6-web:production"""


@pytest.fixture
def ch9(cluster: Lab) -> Iterator[Lab]:
    """The cluster with ch9 alone on it; it goes with the test, as its keys and its hook do."""
    for other in lab("status", "--json").json["labs"]:
        lab("undeploy", other)
    cluster("deploy", "ch9", "--deadline", "8m", timeout=TIMEOUT)
    yield cluster
    for each in lab("webhook", "list", "--json").json:
        lab("webhook", "remove", each["id"])
    lab("undeploy", "ch9")


def page(address: str) -> str:
    """What a machine's web server serves; why there is nothing, where it does not answer."""
    return web.get(f"http://{address}:3000/", timeout=5).body


def test_a_push_is_served_by_every_machine_and_a_missing_sidekick_is_seen(ch9: Lab) -> None:
    addresses = {each["name"]: each["address"] for each in ch9("status", "--json").json["nodes"]}
    # At a port that is free when it is taken: another worker's program may take one that was only looked for.
    words = [sys.executable, str(ROOT / "labs/ch9/hook.py"), "0", f"{addresses['core-01']}:2379"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    with ended(process):
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("waits at ").strip()
        ch9("webhook", "add", url, "--repository", "ch6-web")
        ch9("ssh", "core-02", "--", RELEASE)
        until(lambda: all("background: #000" in page(address) for address in addresses.values()))
    (told,) = ch9("webhook", "deliveries", "--json").json
    assert (told["state"], told["status"], told["said"]) == ("delivered", 200, '"deploy:ch6-web"')
    ch9("check", "ch9")
    browser = find()
    if browser is not None:
        with devtools.page(browser) as shown:
            shown.open(f"http://{addresses['core-03']}:3000/")
            of_body = "document.body ? getComputedStyle(document.body).%s : ''"
            white_on_black = ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
            until(lambda: [shown.value(of_body % each) for each in ("color", "backgroundColor")] == white_on_black)
            assert shown.value("document.title") == "What people plan"
    destroy("web-sidekick@2.service")  # one that is ended while it deploys leaves its web server stopped
    ch9("etcdctl", "set", "/coreos.com/deploy", "by-hand")

    def missed() -> bool:
        """The other two web servers are replaced meanwhile, so first the checks may say more than that."""
        failed = ch9("check", "ch9", code=1).out
        return "its sidekick on none that is active" in failed and "carried out: web@2" in failed

    until(missed)
