"""The console of a real cluster, used by real clicks in a browser: break, watch, heal, journal, terminal."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from coreos_lab.walk.browser import find
from tests.e2e import devtools
from tests.e2e.calls import LONGEST, Result, ended, start, until
from tests.e2e.devtools import Page

Lab = Callable[..., Result]
PORT = "8399"


@pytest.fixture
def links(ch3: Lab) -> Iterator[dict[str, Any]]:
    """The links of a console that runs."""
    console = start("console", "--port", PORT, "--json")
    with ended(console):
        assert console.stdout is not None
        yield dict(json.loads(console.stdout.readline()))
        assert ch3("status", "--json").json["faults"] == []
        console.send_signal(signal.SIGINT)
        assert console.wait(LONGEST) == 0


@pytest.fixture
def page() -> Iterator[Page]:
    browser = find()
    if browser is None:
        pytest.skip("no browser on this machine")
    with devtools.page(browser) as opened:
        opened.call("Emulation.setDeviceMetricsOverride", width=1440, height=900, deviceScaleFactor=1, mobile=False)
        yield opened


def there(page: Page, selector: str) -> None:
    until(lambda: page.value(f"document.querySelector({selector!r}) !== null"))


def text(page: Page, selector: str) -> str:
    """What an element says, "" while there is none."""
    return str(page.value(f"document.querySelector({selector!r})?.textContent ?? ''") or "")


def click(page: Page, selector: str) -> None:
    there(page, selector)
    page.click(selector)


def enter(page: Page, text: str) -> None:
    page.call("Input.insertText", text=text)
    for kind, more in (("keyDown", {"text": "\r"}), ("keyUp", {})):
        page.call("Input.dispatchKeyEvent", type=kind, key="Enter", windowsVirtualKeyCode=13, **more)


def test_a_machine_is_broken_and_healed_by_clicks(links: dict[str, Any], page: Page, ch3: Lab) -> None:
    page.open(links["url"])
    until(lambda: page.value("document.querySelectorAll('.slot.well').length") == 3)
    until(lambda: "leads, 3 of 3 healthy" in text(page, "#pills"))
    until(lambda: "answers" in text(page, ".strip"))
    there(page, ".map .place.up")
    click(page, '[data-open="core-02"]')
    click(page, "#tab-break")
    click(page, "[data-key=kill]")
    click(page, ".tab button.danger")
    there(page, "[data-key=core-02].broken .state.stopped")
    until(lambda: [fault["node"] for fault in ch3("status", "--json").json["faults"]] == ["core-02"])
    until(lambda: "fault core-02" in text(page, "#log"))
    until(lambda: page.value("document.querySelector('#calls .call.pass') !== null"))
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Escape", windowsVirtualKeyCode=27)
    click(page, "#heal")
    until(lambda: page.value("document.querySelectorAll('.slot.well .state.running').length") == 3)
    until(lambda: page.value("document.querySelectorAll('#calls .call.pass').length") == 2)
    assert page.errors == []


def test_a_cable_is_unplugged_for_a_time(links: dict[str, Any], page: Page, ch3: Lab) -> None:
    page.open(links["url"])
    click(page, '[data-open="core-03 cable"]')
    there(page, "[data-key=isolate]")
    page.value(  # longer than any look at the cluster takes
        "(s => { s.value = '30s'; s.dispatchEvent(new Event('change')); })(document.querySelector('.tab select'))"
    )
    until(lambda: " --for 30s" in text(page, ".tab .command"))
    click(page, ".tab button.danger")
    there(page, "[data-key=core-03] .cable.cut")
    there(page, "[data-key=core-03] .cable.whole")
    until(lambda: page.value("document.querySelector('#calls .call.pass') !== null"))
    assert ch3("status", "--json").json["faults"] == []


def test_a_journal_and_a_terminal(links: dict[str, Any], page: Page) -> None:
    page.open(links["url"])
    click(page, '[data-open="core-01"]')
    click(page, "#tab-journal")
    until(lambda: page.value("document.querySelectorAll('.journal p').length") > 10)
    click(page, "#tab-terminal")
    until(lambda: "core@core-01" in text(page, ".terminal .xterm-rows"))
    enter(page, "echo on $(hostname)")
    until(lambda: "on core-01" in text(page, ".terminal .xterm-rows"))
    enter(page, "logger -t marker seen by the console")
    click(page, "#tab-journal")
    until(lambda: "seen by the console" in text(page, ".journal"))
    assert page.errors == []


def test_its_links_are_printed_again_and_those_who_look_change_nothing(
    links: dict[str, Any], page: Page, ch3: Lab
) -> None:
    assert links["url"] in ch3("console").out
    assert ch3("console", "--port", "8398", "--json").json == links, "it runs already, on its own port"
    page.open(links["look"])
    until(lambda: page.value("document.querySelectorAll('.slot.well').length") == 3)
    click(page, '[data-open="core-01"]')
    there(page, "#tab-journal")
    assert not page.value("document.querySelector('#tab-break') !== null")


def test_it_is_killed_and_comes_back_while_the_cluster_goes_on(page: Page, ch3: Lab) -> None:
    first = start("console", "--port", PORT, "--json")
    assert first.stdout is not None
    links = json.loads(first.stdout.readline())
    page.open(links["url"])
    until(lambda: page.value("document.querySelectorAll('.slot.well').length") == 3)
    first.kill()
    first.wait()
    there(page, "#link.lost")
    assert all(node["state"] == "running" for node in ch3("status", "--json").json["nodes"])
    second = start("console", "--json")
    assert second.stdout is not None
    assert json.loads(second.stdout.readline()) == links
    there(page, "#link.live")
    second.send_signal(signal.SIGTERM)
    assert second.wait(LONGEST) == 0
