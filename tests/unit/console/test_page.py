"""The page in a real browser, by real clicks, on a cluster of paper."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn")

from coreos_lab import run, settings
from coreos_lab.chaos import journals
from coreos_lab.model import FaultKind
from coreos_lab.walk.browser import find
from tests.e2e import devtools
from tests.e2e.devtools import Page
from tests.unit.console import paper_cluster
from tests.unit.console.paper_cluster import Shown
from tests.unit.console.test_gate import is_built
from tests.unit.console.test_journal import HTML, printed
from tests.unit.console.test_terminal import SHELL

BROWSER = find()
pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="no browser on this machine"),
    pytest.mark.skipif(not is_built(), reason="the page is not built"),
]
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    assert BROWSER
    with devtools.page(BROWSER) as opened:
        yield opened


@pytest.fixture
def shown(page: Page) -> Iterator[Shown]:
    with paper_cluster.shown() as made:
        made.feed.update(**paper_cluster.document(), labs=paper_cluster.labs())
        yield made
        page.open("about:blank")
    page.errors.clear()


def until(page: Page, expression: str) -> Any:
    end = time.monotonic() + 20
    while not (value := page.value(expression)):
        assert time.monotonic() < end, f"{expression}: in vain; {page.errors}"
        time.sleep(0.05)
    return value


def there(page: Page, selector: str) -> None:
    until(page, f"document.querySelector({selector!r}) !== null")


def text(selector: str) -> str:
    return f"document.querySelector({selector!r})?.textContent"


def click(page: Page, selector: str) -> None:
    there(page, selector)
    page.click(selector)


def press(page: Page, key: str, code: int = 0) -> None:
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)


def enter(page: Page) -> None:
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", windowsVirtualKeyCode=13, text="\r")
    page.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", windowsVirtualKeyCode=13)


@pytest.fixture
def opened(page: Page, shown: Shown) -> Shown:
    page.call("Emulation.setDeviceMetricsOverride", width=1440, height=900, deviceScaleFactor=1, mobile=False)
    page.open(shown.link)
    until(page, "document.querySelectorAll('.card').length === 3")
    return shown


def test_it_shows_what_is_so_and_each_change(page: Page, opened: Shown) -> None:
    assert page.value(text("#name")) == "core"
    assert "core-01 leads, 3 of 3 healthy" in page.value(text("#pills"))
    assert page.value("document.title") == "core – lab console"
    opened.feed.update(**paper_cluster.broken(paper_cluster.document()))
    opened.happened("fault", "core-02", "kill: its power is cut", "bad")
    there(page, "[data-key=core-02].broken .fault")
    assert "core-03 leads, 2 of 3 healthy" in page.value(text("#pills"))
    assert "Conflicts=helloworld@*.service keeps it off" in page.value(text("#waiting"))
    assert "kill: its power is cut" in until(page, text("#log li"))
    assert until(page, text("#says")) == "fault core-02: kill: its power is cut"
    assert page.errors == []


def test_a_click_on_a_machine_breaks_it_and_the_button_heals_it(page: Page, opened: Shown) -> None:
    click(page, '[data-open="core-02"]')
    until(page, "document.activeElement.id === 'panel-name'")
    click(page, "#tab-break")
    there(page, "[data-key=pause]")
    click(page, "[data-key=pause]")
    page.value(
        "(s => { s.value = '30s'; s.dispatchEvent(new Event('change')); })(document.querySelector('.tab select'))"
    )
    assert until(page, text(".tab .command")) == "lab break core-02 --fault pause --for 30s"
    click(page, ".tab button.danger")
    until(page, text(".latest .call"))
    assert [each.typed for each in opened.acts.orders] == ["lab break core-02 --fault pause --for 30s"]
    fault = paper_cluster.fault("core-02", FaultKind.PAUSE, "machine")
    opened.feed.update(faults={"f": fault})
    until(page, "document.querySelector('.tab button.danger').disabled")
    press(page, "Escape", 27)
    until(page, "document.getElementById('panel').hidden")
    assert page.value("document.activeElement.dataset.open") == "core-02", "the focus is where it was"
    click(page, "#heal")
    until(page, "document.querySelector('#calls').textContent.includes('lab heal')")
    assert [each.typed for each in opened.acts.orders][1:] == ["lab heal"]
    assert page.errors == []


def test_a_click_on_a_cable_disturbs_the_network_with_the_parameters_that_were_typed(page: Page, opened: Shown) -> None:
    click(page, '[data-open="core-03 cable"]')
    there(page, "[data-key=loss]")
    assert page.value(text(".tab .command")) == "lab break core-03 --fault isolate"
    click(page, "[data-key=loss]")
    until(page, "document.querySelector('input[data-name=percent]')?.value === '20'")
    click(page, "input[data-name=percent]")
    page.value("document.activeElement.select()")
    page.call("Input.insertText", text="150")
    click(page, ".tab button.danger")
    assert "percent=150: not a number from 1 to 99" in until(page, text(".tab [role=alert]"))
    assert opened.acts.orders == []
    page.value("document.querySelector('input[data-name=percent]').select()")
    page.call("Input.insertText", text="50")
    click(page, ".tab button.danger")
    until(page, text(".latest .call"))
    assert [each.typed for each in opened.acts.orders] == ["lab break core-03 --fault loss --set percent=50"]
    opened.feed.update(faults={"f": paper_cluster.fault("core-03", FaultKind.LOSS, "network")})
    there(page, "[data-key=core-03] .cable.bad")


def test_a_journal_is_text_and_says_what_was_cut(page: Page, opened: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [printed(HTML), printed("\x1b[31mred\x07"), printed("x" * 1_000_000), printed("bad", PRIORITY="3")]
    asked: list[list[str]] = []

    def answer(_provider: object, _cluster: object, _node: object, chosen: list[str]) -> list[str]:
        asked.append(list(chosen))
        return [] if any(each.startswith("--after-cursor") for each in chosen) else lines

    monkeypatch.setattr(journals, "printed", answer)
    click(page, '[data-key="helloworld@1.service"] button')
    until(page, "document.querySelectorAll('.journal p').length === 4")
    assert asked[0] == ["--lines=301", "--unit=helloworld@1.service"]
    shown = page.value("[...document.querySelectorAll('.journal p')].map(p => p.querySelector('span').textContent)")
    assert shown[:2] == [HTML, "␛[31mred␇"]
    assert len(shown[2]) == 500
    marks = page.value(
        "[...document.querySelectorAll('.journal p')].map(p => p.querySelector('em')?.textContent ?? '')"
    )
    assert marks == ["", "", "cut", ""]
    assert page.value("document.querySelectorAll('.journal script').length") == 0
    assert page.errors == []


@pytest.mark.skipif(run.which("setsid") is None, reason="needs setsid(1) of util-linux")
def test_a_terminal_takes_keys_and_goes_on_behind_another_tab(
    page: Page, opened: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PROGRAM", (sys.executable, "-c", SHELL))
    screen = "document.querySelector('.xterm-rows')?.textContent ?? ''"
    click(page, '[data-open="core-03"]')
    click(page, "#tab-terminal")
    until(page, f"({screen}).includes('core-03')")
    for line in ("x=kept", "echo first''line"):
        page.call("Input.insertText", text=line)
        enter(page)
    until(page, f"({screen}).includes('firstline')")
    click(page, "#tab-machine")
    until(page, "document.querySelector('.terminal').hidden")
    click(page, "#tab-terminal")
    page.call("Input.insertText", text="echo $x; exit 7")
    enter(page)
    until(page, f"({screen}).includes('kept') && ({screen}).includes('exit code 7')")
    enter(page)
    until(page, "document.querySelector('.terminal') === null")
    assert page.errors == []


def test_it_is_used_with_the_keyboard_alone(page: Page, opened: Shown) -> None:
    del opened
    page.value("document.querySelector('[data-open=core-01]').focus()")
    enter(page)
    until(page, "document.activeElement.id === 'panel-name'")
    page.value("document.getElementById('tab-machine').focus()")
    for tab in ("break", "journal", "terminal", "machine"):
        press(page, "ArrowRight", 39)
        until(page, f"document.activeElement.id === 'tab-{tab}'")
        assert page.value(f"document.getElementById('tab-{tab}').ariaSelected") == "true"
    press(page, "Escape", 27)
    until(page, "document.activeElement.dataset.open === 'core-01'")


def test_a_cluster_that_was_destroyed_is_said(page: Page, opened: Shown) -> None:
    opened.feed.update(gone="core: was destroyed, so its console has ended")
    until(page, "!document.getElementById('banner').hidden")
    assert "was destroyed" in page.value(text("#banner"))


def test_who_may_only_look_sees_no_button_that_changes_anything(page: Page, opened: Shown) -> None:
    page.open("about:blank")
    page.open(opened.console.link(opened.console.look))
    until(page, "document.querySelectorAll('.card').length === 3 && !document.getElementById('role').hidden")
    opened.feed.update(faults={"f": paper_cluster.fault("core-03", FaultKind.LOSS, "network")})
    there(page, "[data-key=core-03].broken")
    assert page.value("document.getElementById('heal').hidden")
    click(page, '[data-open="core-03"]')
    tabs = until(page, "[...document.querySelectorAll('[role=tab]')].map(e => e.textContent)")
    assert tabs == ["Machine", "Journal"]
    assert page.value("document.querySelectorAll('button.danger:not([hidden])').length") == 0


def test_the_token_leaves_the_address_and_lasts_through_a_reload(page: Page, opened: Shown) -> None:
    assert page.value("location.href") == f"http://127.0.0.1:{opened.port}/"
    page.call("Page.reload")
    until(page, "document.querySelectorAll('.card').length === 3")
    page.value("sessionStorage.clear()")
    page.call("Page.reload")
    assert "needs its whole link" in until(page, "document.querySelector('#link.lost')?.textContent")
    page.open("about:blank")
    page.open(opened.console.link("another"))
    assert "not, or no longer" in until(page, "document.querySelector('#link.lost')?.textContent")
    page.open(opened.link)
    until(page, "document.querySelectorAll('.card').length === 3")


def test_it_comes_back_by_itself_when_the_console_was_restarted(page: Page) -> None:
    with paper_cluster.shown() as first:
        first.feed.update(**paper_cluster.document())
        page.open(first.link)
        until(page, "document.querySelectorAll('.card').length === 3")
    assert "trying again" in until(page, text("#link.lost"))
    with paper_cluster.shown(port=first.port) as second:
        second.feed.update(**{**paper_cluster.document(), "leader": "core-02"})
        until(page, "document.querySelector('#pills').textContent.includes('core-02 leads')")
        assert page.value(text("#link.live")) == "live"
        page.open("about:blank")
    page.errors.clear()


DIFFERING = """(async (...pictures) => {
  const [one, two] = await Promise.all(pictures.map(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
    const drawing = canvas.getContext("2d");
    drawing.drawImage(image, 0, 0);
    return drawing.getImageData(0, 0, image.width, image.height).data;
  }));
  return one.reduce((count, value, at) => count + (Math.abs(value - two[at]) > 8), 0);
})"""


def test_what_was_broken_and_healed_looks_as_before(page: Page, opened: Shown) -> None:
    def picture() -> str:
        time.sleep(0.8)  # colours change within 0.3 s
        return str(page.call("Page.captureScreenshot", format="png")["data"])

    def differing(one: str, two: str) -> int:
        """How many values of colours differ visibly: edges are not drawn quite the same each time."""
        expression = f"{DIFFERING}({one!r}, {two!r})"
        answer = page.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return int(answer["result"]["value"])

    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)
    whole = dict(opened.feed.document)
    before = picture()
    opened.feed.update(**paper_cluster.broken(whole))
    there(page, "[data-key=core-02].broken")
    assert differing(before, picture()) > 10_000
    opened.feed.update(**whole)
    until(page, "document.querySelectorAll('.slot.well').length === 3")
    end = time.monotonic() + 20
    while (left := differing(before, picture())) >= 50:
        assert time.monotonic() < end, f"{left} values of colours differ"


@pytest.mark.parametrize("nodes", [3, 50])
@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_window(page: Page, nodes: int, size: str) -> None:
    width, height = SIZES[size]
    page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    with paper_cluster.shown(nodes) as made:
        made.feed.update(**paper_cluster.broken(paper_cluster.document(nodes)), labs=paper_cluster.labs(nodes))
        page.open(made.link)
        until(page, f"document.querySelectorAll('.card').length === {nodes}")
        assert page.value("document.documentElement.scrollWidth") <= width
        page.open("about:blank")


def test_fifty_nodes_do_not_stutter(page: Page) -> None:
    page.call("Emulation.setDeviceMetricsOverride", width=1440, height=900, deviceScaleFactor=1, mobile=False)
    page.call("Performance.enable", timeDomain="threadTicks")  # processor time: the machine may be busy

    def spent() -> float:
        metrics = {each["name"]: each["value"] for each in page.call("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"])

    with paper_cluster.shown(50) as made:
        whole = paper_cluster.document(50)
        made.feed.update(**whole, labs=paper_cluster.labs(50))
        page.open(made.link)
        until(page, "document.querySelectorAll('.card').length === 50")
        states, before = [whole, paper_cluster.broken(whole)], spent()
        for number in range(10):
            made.feed.update(**{**states[number % 2], "seen": round(time.time(), 1)})
            time.sleep(0.5)
        until(page, "document.querySelectorAll('.broken').length === 1")
        took = spent() - before
        assert took / 10 < 1, "seconds of a core for one change"
        assert page.errors == []
        page.open("about:blank")
    page.call("Performance.disable")


def test_a_walk_is_shown_beside_with_what_is_done_and_what_is_next(page: Page, opened: Shown) -> None:
    assert page.value(text(".walk summary")) == "The walk: step 4 of 8 is next"
    assert page.value("document.querySelector('.walk').open")
    assert page.value(text(".now .prose")).strip() == "Look at all of them."
    assert page.value(text(".now .command")) == "lab status 4"
    assert page.value("document.querySelectorAll('.walk li.done').length") == 3
    lab = opened.feed.document["labs"]["ch3"]
    opened.feed.update(labs={"ch3": {**lab, "step": 5, "now": {"text": "", "task": "Mend it", "about": "<p>Now.</p>"}}})
    until(page, "document.querySelector('.walk summary').textContent.includes('step 5 of 8')")
    assert page.value(text(".now .task")) == "Task: Mend itNow."
    assert page.value(text('[aria-current="step"] span')) == "lab status 5"
    assert page.errors == []


def test_every_picture_has_its_table(page: Page, opened: Shown) -> None:
    for seconds in range(4):
        opened.feed.sampled(paper_cluster.sample(seconds))
    for table, says in (
        ("#machines-table", "172.17.8.102"),
        ("#labs .lab details", "helloworld-nginx: active on core-02"),
    ):
        page.value(f"document.querySelector({table!r}).open = true")
        until(page, f"document.querySelector({table!r}).textContent.includes({says!r})")
    until(page, "!document.getElementById('probes').hidden")
    page.value("document.getElementById('probes-table').open = true")
    until(page, "document.querySelector('#probes-table').textContent.includes('ch3/front')")
    named = "e.ariaLabel || e.textContent.trim() || e.closest('label')"
    unnamed = f"[...document.querySelectorAll('[role=img], button, select, input')].filter(e => !({named}))"
    assert page.value(f"{unnamed}.map(e => e.outerHTML)") == []


def test_the_first_paint_comes_at_once(page: Page, opened: Shown) -> None:
    page.open("about:blank")
    page.open(opened.link)
    until(page, "document.querySelectorAll('.card').length === 3")
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    assert until(page, paint) < 5000, "milliseconds; 500 on a machine that does nothing else"
