"""The checklist answers from a lab's files, names the lines, and says what no file shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coreos_lab import cli
from coreos_lab.definition import catalog, node_units
from coreos_lab.definition.checklist import answers, questions, text
from coreos_lab.definition.checklist.answers import Answered
from coreos_lab.definition.lint import judge

LAB = """\
title: A shop
summary: A front, a store, and a sidekick.
nodes: 3
disks: 1
ports: [80, 8080, 9000]
containers: {front: front, store: store}
units:
  - {file: units/store@.service, instances: [1]}
  - {file: units/store-sidekick@.service, instances: [1]}
  - {file: units/front@.service, instances: [1, 2, 3]}
  - units/clean.service
keys: [/services/store, /config/unused]
folders: [/var/lib/store]
settings: {colour: what the page looks like}
probes: {page: {unit: front@1.service, port: 80}}
objectives: {page: {down-at-most: 5s}}
"""
STORE = """[Unit]
After=docker.service
Wants=store-sidekick@%i.service
[Service]
TimeoutStartSec=0
Restart=on-failure
RestartSec=3
ExecStartPre=-/usr/bin/docker rm store-%i
ExecStartPre=-/usr/bin/docker pull store
ExecStart=/usr/bin/docker run --name store-%i --net=host -v /var/lib/store:/data store
"""
SIDEKICK = """[Unit]
BindsTo=store@%i.service
[Service]
EnvironmentFile=/etc/environment
Restart=always
ExecStart=/bin/sh -c 'while :; do \\
    etcdctl set --ttl 60 /services/store/%i up; \\
    sleep 45; \\
  done'
ExecStopPost=-/usr/bin/etcdctl rm /services/store/%i
[X-Fleet]
MachineOf=store@%i.service
"""
FRONT = """[Service]
TimeoutStartSec=0
Environment=COLOUR=red
Restart=always
RestartSec=20
ExecStartPre=-/usr/bin/docker rm front-%i
ExecStartPre=-/usr/bin/docker pull front
ExecStart=/usr/bin/docker run --name front-%i -p 80:8000 front
[X-Fleet]
Conflicts=front@*.service
"""
CLEAN = """[Service]
Type=oneshot
ExecStart=/bin/sh -c 'etcdctl set /tasks/clean done >/run/clean; fleetctl stop front@3.service'
"""


@pytest.fixture(autouse=True)
def machine_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_units, "known", lambda: frozenset({"docker.service", "flanneld.service"}))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files = {"store@": STORE, "store-sidekick@": SIDEKICK, "front@": FRONT, "clean": CLEAN}
    for name, content in files.items():
        path = tmp_path / "shop" / "units" / f"{name}.service"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name, content in {
        "front/Dockerfile": "FROM debian\nRUN apt-get install --yes nginx curl=1\nEXPOSE 8000\n",
        "front/look.sh": "# reads get /services/nothing\nset -u\nget /services/store/1\n",
        "store/Dockerfile": "FROM debian\nRUN true && \\\n    apt-get install --yes store=1.2\nEXPOSE 8080/tcp\n",
        "store/package-lock.json": "{}",
        "lab.yaml": LAB,
    }.items():
        (tmp_path / "shop" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "shop" / name).write_text(content)
    return tmp_path / "shop"


def answered(folder: Path) -> dict[str, Answered]:
    return {each.question.name: each for each in answers.answered(catalog.load(str(folder)))}


def said(folder: Path, question: str) -> dict[str, tuple[str, str]]:
    """Each subject of a question with its last answer and where that is written."""
    found = answered(folder)[question].answers
    return {each.subject: (each.text, text.places(each.places)) for each in found}


def test_who_sets_a_key_who_reads_it_and_how_long_it_lives(shop: Path) -> None:
    keys = said(shop, "config")
    assert keys["/services/store"] == (
        "set by store-sidekick@; read by front@; expires after 60 s, renewed every 45 s, removed on a stop;"
        " goes with the lab",
        "shop/units/store-sidekick@.service:7,10 shop/front/look.sh:3",
    )
    assert keys["/tasks/clean"] == (
        "set by clean; read by nothing that is seen; does not expire;"
        " stays when the lab is removed, since lab.yaml does not list it",
        "shop/units/clean.service:3",
    )
    assert keys["/config/unused"][0] == "listed as the lab's; which unit or program uses it cannot be seen"
    assert "/services/nothing" not in keys  # a comment
    assert keys["COLOUR"] == (
        "a variable, with its value in the unit, of front@; --set colour=... changes it",
        "shop/units/front@.service:3",
    )
    assert keys["store-sidekick@"][0] == "variables from the machine's /etc/environment"


def test_what_others_need_and_what_there_is_only_one_of(shop: Path) -> None:
    found = said(shop, "backing services")
    assert found["front@"] == ("needs store@, which it finds by /services/store/1", "shop/front/look.sh:3")
    assert found["store-sidekick@"] == ("is bound to store@", "shop/units/store-sidekick@.service:2,12")
    assert found["store@"][0] == "there is only one, needed by front@: while fleet moves it, they do without"
    assert found["etcd"][0].startswith("store-sidekick@, front@, clean use it")


def test_ports_inside_and_at_the_edge(shop: Path) -> None:
    found = said(shop, "port binding")
    assert found["front@"] == ("at the edge: 80/tcp of each machine that runs one", "shop/units/front@.service:8")
    assert found["store@"] == (
        "at the edge: each port that it opens is one of its machine's; its Dockerfile exposes 8080/tcp",
        "shop/units/store@.service:10 shop/store/Dockerfile:4",
    )
    assert found["9000"] == ("at the edge, as lab.yaml lists it; which unit opens it cannot be seen", "shop/lab.yaml:5")
    (shop / "lab.yaml").write_text(LAB.replace("port: 80}", "port: 9000}").replace("[80,", "["))
    (shop / "units" / "front@.service").write_text(FRONT.replace("-p 80:8000 ", ""))
    found = said(shop, "port binding")
    assert found["front@"][0] == "inside: 8000 of its container's address"
    (shop / "front" / "Dockerfile").write_text("FROM debian\n")
    assert said(shop, "port binding")["front@"][0].endswith("which it opens cannot be seen")


BY_HAND = "exit 0: stays down until it is started by hand or deployed again"
GIVES_UP = "a service that ends at once reaches 5 starts in 10 s, and systemd gives up"


@pytest.mark.parametrize(
    ("service", "text"),
    [
        (
            "Restart=always\nRestartSec=20",
            "exit 0: started again after 20 s; an error: the same; a stop waits 90 s at most",
        ),
        ("Restart=always", f"exit 0: started again after 0.1 s; an error: the same; {GIVES_UP}"),
        ("Restart=on-failure\nRestartSec=3", f"{BY_HAND}; an error: started again after 3 s; a stop waits"),
        ("Restart=on-success\nRestartSec=3", "exit 0: started again after 3 s; an error: stays failed"),
        ("Restart=on-abnormal", "an error: started again only on what Restart=on-abnormal names"),
        ("TimeoutStopSec=0", f"{BY_HAND}; an error: the same, as failed; a stop waits for as long as it takes"),
        ("Type=oneshot", "exit 0: done; an error: stays failed"),
        ("Type=oneshot\nRemainAfterExit=yes", "exit 0: done, and counts as running"),
    ],
)
def test_what_happens_when_a_service_ends(shop: Path, service: str, text: str) -> None:
    unit = FRONT.replace("Restart=always\nRestartSec=20", service)
    (shop / "units" / "front@.service").write_text(unit)
    found = answered(shop)["disposability"].answers
    (own,) = [each for each in found if "front@" in each.subject.split(", ") and each.text.startswith("exit 0")]
    assert text in own.text
    lines = (shop / "units" / "front@.service").read_text().splitlines()
    written = [lines[place.line - 1] for place in own.places if place.path.name == "front@.service"]
    assert set(service.splitlines()) <= set(written)


def test_what_stops_with_a_service(shop: Path) -> None:
    stops = said(shop, "disposability")["store@"]
    assert stops == (
        "store-sidekick@ stops with it, and starts with it again (Wants=)",
        "shop/units/store-sidekick@.service:2 shop/units/store@.service:3",
    )
    (shop / "units" / "store@.service").write_text(STORE.replace("Wants=store-sidekick@%i.service\n", ""))
    assert said(shop, "disposability")["store@"][0].endswith("and does not start with it again")


def test_machines_data_instances_tasks_and_the_edge(shop: Path) -> None:
    found = said(shop, "infrastructure")
    assert found["machines"][0].endswith("with 1 of them lost at most")
    assert found["front@"][0].endswith("on 3 machines: the instance of a lost machine waits until it is back")
    assert found["docker.service"] == ("a unit of the machine, named by store@", "shop/units/store@.service:2")
    assert "store-sidekick@%i.service" not in found
    found = said(shop, "processes")
    assert found["store@"][0].startswith("uses folders of its machine: /var/lib/store:/data")
    assert found["front@"][0] == "no folder of its machine: what it writes is lost with its container"
    assert found["clean"][0] == "writes /run/clean on its machine (ExecStart)"
    found = said(shop, "concurrency")
    assert found["front@"][0] == "3 instances; systemd supervises its container, in the foreground"
    assert found["clean"][0] == "starts or stops units through fleet, which chooses the machine"
    assert said(shop, "admin processes")["clean"][0] == "a task that ends: Type=oneshot"
    found = said(shop, "edge")
    assert found["page"] == ("port 80 of front@, on 3 machines; may be down for 5 s", "shop/lab.yaml:15,16")
    assert found["8080, 9000"][0] == "a port of the machines; no probe measures it"


def test_a_key_that_is_removed_at_the_start_and_one_that_another_unit_removes(shop: Path) -> None:
    path = shop / "units" / "store-sidekick@.service"
    path.write_text(SIDEKICK.replace("ExecStopPost=", "ExecStartPre="))
    assert "removed by store-sidekick@ at its start; goes" in said(shop, "config")["/services/store"][0]


def test_a_container_that_helps_a_unit_to_start_has_no_ports_and_no_data(shop: Path) -> None:
    before = answered(shop)
    path = shop / "units" / "front@.service"
    path.write_text(
        FRONT.replace("[X-Fleet]", "ExecStartPost=/usr/bin/docker run --rm -v /x:/x -p 81:81 front\n[X-Fleet]")
    )
    (shop / "lab.yaml").write_text(LAB.replace("[80,", "[80, 81,"))
    after = answered(shop)
    assert after["processes"].answers == before["processes"].answers
    assert [each.subject for each in after["port binding"].answers if "81/tcp" in each.text] == []
    assert said(shop, "admin processes")["front@"][0] == "a task after each start: ExecStartPost="


def test_on_how_many_machines_a_service_is_that_runs_beside_another(shop: Path) -> None:
    beside = "[Service]\nRestart=always\nExecStart=/usr/bin/docker run --net=host elsewhere:1\n"
    (shop / "units" / "beside@.service").write_text(f"{beside}[X-Fleet]\nMachineOf=front@%i.service\n")
    more = "  - {file: units/beside@.service, instances: [1, 2, 3]}\n"
    probe = LAB.replace("unit: front@1.service, port: 80", "unit: beside@1.service, port: 9000")
    (shop / "lab.yaml").write_text(probe.replace("keys:", f"{more}keys:"))
    assert said(shop, "edge")["page"][0] == "port 9000 of beside@, on 3 machines; may be down for 5 s"
    (shop / "units" / "beside@.service").write_text(beside)
    assert "on up to 3 machines, which fleet may put on fewer" in said(shop, "edge")["page"][0]


def test_what_container_images_are_made_of(shop: Path) -> None:
    found = [(each.subject, each.text) for each in answered(shop)["dependencies"].answers]
    assert ("front, store", "built on debian") in found
    assert ("front", "packages, without versions: nginx curl=1") in found
    assert ("store", "packages, each with its version: store=1.2") in found
    assert ("store", "packages of its language are pinned by package-lock.json") in found
    unit = FRONT.replace("8000 front", "8000 ${IMAGE}").replace("pull front", "pull elsewhere:2")
    (shop / "units" / "front@.service").write_text(unit)
    assert said(shop, "dependencies")["front@"] == (
        "which container image it runs cannot be seen (${IMAGE}); it pulls elsewhere:2",
        "shop/units/front@.service:7,8",
    )


def test_findings_of_lint_stand_with_the_question_that_they_are_about(shop: Path) -> None:
    unit = FRONT.replace("Restart=always", "# lint: restart: by hand.\nRestart=no").replace(
        "COLOUR=red", "COLOUR=10.1.2.3"
    )
    (shop / "units" / "front@.service").write_text(unit)
    found = answered(shop)
    assert [finding.explained for finding in found["disposability"].findings] == ["by hand."]
    assert [finding.line for finding in found["config"].findings] == [3]
    drawn = text.text("shop", list(found.values()))
    assert "lint: restart               explained: by hand." in drawn
    assert "lint: address               open: 10.1.2.3: a fixed address" in drawn


def test_each_rule_of_lint_judges_one_question() -> None:
    rules = [rule for question in questions.QUESTIONS for rule in question.rules]
    assert sorted(rules) == sorted({*judge.RULES, *judge.DOCKERFILE_RULES})


def test_what_cannot_be_seen_is_listed_once_for_both_commands(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def listed() -> list[str]:
        return [f"{name}: {each}" for name, one in answered(shop).items() for each in one.unseen]

    assert listed() == judge.unseen()
    monkeypatch.setattr(node_units, "known", lambda: None)
    assert sorted(listed()) == sorted(judge.unseen())
    assert f"dependencies: {questions.UNSEEN_UNITS}" in listed()


def test_the_command(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "units" / "front@.service").write_text(FRONT.replace("Restart=always\n", ""))
    assert cli.called(["checklist", "./shop"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("shop: A shop\n\n1. INFRASTRUCTURE: ")
    assert out.endswith("Open findings of 'lab lint " + str(shop) + "': 1.\n")
    assert cli.called(["checklist", "./shop", "--json"]) == 0
    (lab,) = json.loads(capsys.readouterr().out)["labs"]
    config = next(each for each in lab["questions"] if each["name"] == "config")
    key = next(each for each in config["answers"] if each["about"] == "/services/store")
    assert key["evidence"][0] == {"file": "shop/units/store-sidekick@.service", "line": 7}
    assert key["seen"] is True
    assert cli.called(["lint", "./shop"]) == 1
    assert capsys.readouterr().out.endswith("What no rule can check: 'lab checklist ./shop' lists it.\n")
    assert cli.called(["lint", "./shop", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["unseen"] == judge.unseen()
    (shop / "lab.yaml").write_text("title: 1\n")
    assert cli.called(["checklist", "./shop"]) == 2


@pytest.mark.parametrize("name", [lab.name for lab in catalog.all_labs() if lab.units])
def test_our_own_labs_have_answers_with_places_that_exist_within_100_columns(name: str) -> None:
    found = answers.answered(catalog.load(name))
    for each in found:
        for answer in each.answers:
            assert answer.text, answer
            assert answer.places or not answer.seen, answer
            for place in answer.places:
                count = len(place.path.read_text().splitlines()) if place.path.is_file() else 0
                assert place.path.exists(), place
                assert 0 <= place.line <= count, place
    drawn = text.text(name, found)
    assert [line for line in drawn.splitlines() if len(line) > text.WIDTH and " " in line.strip()] == []


def test_the_web_stack() -> None:
    """Each key of ch6 with those who set and read it, as its page says."""
    found = {each.subject: each.text for each in answers.answered(catalog.load("ch6"))[3].answers}
    assert found["/services/couchbase"].startswith(
        "set by couchbase-sidekick@; read by couchbase-sidekick@, worker, web@; expires after 8 s"
    )
    assert found["/services/web"].startswith("set by web@; read by balancer; expires after 8 s")
    assert found["/config/web/secret"].startswith("set by web@; read by web@; does not expire")
