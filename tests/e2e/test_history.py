"""Histories of a real etcd: linearizable through a partition, with stale reads; and an etcd that lies is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.walk.browser import find
from tests.e2e import devtools
from tests.e2e.calls import Result, until

Lab = Callable[..., Result]
# The command as it is, but behind core-02's port is a double: it passes on what it is asked, and answers each quorum
# read with the first value that it has seen of the register.
LYING = """
import http.client, json, threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from coreos_lab.chaos.history import history
from coreos_lab.cli import main


def double(url):
    seen = {}

    class Double(BaseHTTPRequestHandler):
        def pass_on(self):
            server = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = {"Content-Type": self.headers["Content-Type"]} if body else {}
            server.request(self.command, self.path, body or None, kind)
            answer = server.getresponse()
            status, body = answer.status, answer.read()
            if status in (200, 201):
                said = json.loads(body)
                first = seen.setdefault(said["node"]["key"], said["node"]["value"])
                if "quorum" in self.path:
                    said["node"]["value"] = first
                body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = pass_on

        def handle(self):
            with suppress(OSError):  # a client that no longer waits
                super().handle()

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Double)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


honest = history.Clients
history.Clients = lambda members, *rest: honest({**members, "core-02": double(members["core-02"])}, *rest)
main()
"""


def history_of(verdict: Result) -> dict[str, Any]:
    return next(phase for phase in verdict.json["phases"] if phase["name"] == "history")


def test_a_partition_makes_reads_stale_and_nothing_else(ch3: Lab, tmp_path: Path) -> None:
    lasting = ("--for", "40s")  # on a busy host the clients are late
    verdict = ch3("break", "core-03", "--fault", "partition", *lasting, "--verify", "--history", "--json")
    assert verdict.json["outcome"] == "pass"
    phase = history_of(verdict)
    assert phase["outcome"] == "pass"
    assert " are linearizable" in phase["evidence"]
    assert " through core-03" in phase["evidence"], "its own copy is old"
    assert "etcd's answers were linearizable" in ch3("report", "--output", str(tmp_path / "report.html")).out
    assert "pass    history" in ch3("verdict").out
    assert ch3("etcdctl", "ls", "/_coreos-lab", code=None).code != 0, "the registers are removed"
    browser = find()
    if browser is None:
        pytest.skip("no browser on this machine: the picture was not looked at")
    with devtools.page(browser) as page:
        page.open((tmp_path / "report.html").as_uri())
        until(lambda: page.value("document.querySelector('iframe.history')?.srcdoc.length"))
        assert page.value("document.querySelector('iframe.history').contentDocument === null"), "it cannot be reached"
        assert page.errors == []


def test_an_etcd_that_lies_is_found(ch3: Lab, tmp_path: Path) -> None:
    verdict = ch3("break", "core-03", "--verify", "--history", "--json", code=1, entry=LYING)
    assert (verdict.json["outcome"], history_of(verdict)["outcome"]) == ("fail", "fail")
    assert "is not linearizable: core-0" in history_of(verdict)["evidence"]
    told = ch3("verdict", code=1).out
    assert "FAIL    history" in told
    assert "verdict: FAIL" in told
    page = str(tmp_path / "report.html")
    assert ch3("report", "--output", page).out.startswith("FAIL: kill of core-03. It failed at “history”: register ")
    assert "drawn by porcupine" in Path(page).read_text(encoding="utf-8")
