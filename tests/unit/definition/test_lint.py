"""Each rule finds the mistake that a lab was given, and nothing in a lab without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.definition import catalog, node_units
from coreos_lab.definition.checklist import questions
from coreos_lab.definition.lint import judge
from coreos_lab.definition.lint.judge import Finding

CLEAN = """[Unit]
After=docker.service

[Service]
EnvironmentFile=/etc/environment
TimeoutStartSec=0
Restart=always
ExecStartPre=-/usr/bin/docker rm --force web-%i
ExecStartPre=-/usr/bin/docker pull web
ExecStart=/usr/bin/docker run --rm --name web-%i -p 80:80 -e AT=${COREOS_PRIVATE_IPV4} web

[X-Fleet]
Conflicts=web@*.service
"""
SIDEKICK = """[Unit]
BindsTo=web@%i.service
After=web@%i.service

[Service]
Restart=always
ExecStart=/bin/sh -c 'while :; do etcdctl set --ttl 60 /services/web/%i up; sleep 45; done'

[X-Fleet]
MachineOf=web@%i.service
"""
DOCKERFILE = 'FROM debian\nRUN apt-get install --yes nginx\nCMD ["nginx"]\n'


@pytest.fixture(autouse=True)
def machine_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine image with a few units."""
    units = frozenset({"docker.service", "etcd2.service", "getty@.service"})
    monkeypatch.setattr(node_units, "known", lambda: units)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A clean lab."""
    folder = tmp_path / "sample"
    (folder / "units").mkdir(parents=True)
    (folder / "web").mkdir()
    (folder / "units" / "web@.service").write_text(CLEAN)
    (folder / "units" / "web-sidekick@.service").write_text(SIDEKICK)
    (folder / "web" / "Dockerfile").write_text(DOCKERFILE)
    (folder / "lab.yaml").write_text(
        "title: A sample\nsummary: Nothing to find.\nports: [80]\ncontainers: {web: web}\nunits:\n"
        "  - {file: units/web@.service, instances: [1, 2]}\n"
        "  - {file: units/web-sidekick@.service, instances: [1, 2]}\n"
    )
    return folder


def found(folder: Path) -> list[Finding]:
    return judge.findings(catalog.load(str(folder)))


def test_nothing_is_found_in_a_clean_lab(sample: Path) -> None:
    assert found(sample) == []


@pytest.mark.parametrize(
    ("rule", "file", "old", "new", "line"),
    [
        ("address", "units/web@.service", "${COREOS_PRIVATE_IPV4}", "10.0.0.7", 10),
        ("ttl", "units/web-sidekick@.service", "--ttl 60", "--ttl 45", 7),
        ("sidekick", "units/web-sidekick@.service", "BindsTo=web@%i.service\n", "", 1),
        ("sidekick", "units/web-sidekick@.service", "\n[X-Fleet]\nMachineOf=web@%i.service\n", "", 1),
        ("latest", "units/web@.service", " web\n\n", " elsewhere:latest\n\n", 10),
        ("detached", "units/web@.service", "run --rm", "run -d", 10),
        ("leftover", "units/web@.service", "rm --force web-%i", "info", 10),
        ("patience", "units/web@.service", "TimeoutStartSec=0\n", "", 8),
        ("logs", "units/web@.service", "run --rm", "run --rm --log-driver none", 10),
        ("secret", "units/web@.service", "-e AT=", "-e DB_PASSWORD=hunter2 -e AT=", 10),
        ("restart", "units/web@.service", "Restart=always\n", "", 9),
        ("state", "web/Dockerfile", "nginx", "redis-server", 10),
        ("detached", "units/web@.service", "run --rm", "run -tid --rm", 10),
        ("logs", "units/web@.service", "run --rm", "run --log-driver=none --rm", 10),
        ("latest", "units/web@.service", " web\n\n", " --dns ${DNS} host:5000/web\n\n", 10),
        ("latest", "units/web@.service", "--name web-%i", "--name web-%i --dns-opt x elsewhere", 10),
        ("docker-option", "units/web@.service", "run --rm", "run --rm --detatch", 10),
        ("no-such-unit", "units/web@.service", "After=docker.service", "Requires=etcd.service", 2),
        ("no-such-unit", "units/web@.service", "After=docker.service", "After=docker.service fleetd.service", 2),
        ("old-name", "units/web@.service", "Conflicts=", "X-Conflicts=", 13),
        ("ignored-value", "units/web@.service", "Restart=always\n", "Restart=always\nType=nosuch\n", 8),
        ("supervisor", "web/Dockerfile", "yes nginx", "yes supervisor", 2),
        ("moving-base", "web/Dockerfile", "FROM debian", "FROM node", 1),
    ],
)
def test_what_was_planted_is_found(sample: Path, rule: str, file: str, old: str, new: str, line: int) -> None:
    path = sample / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    if rule == "sidekick" and "BindsTo" in old:
        assert "BindsTo=web@%i.service" in found(sample)[0].remedy
    (finding,) = found(sample) if rule != "sidekick" or "BindsTo" in old else [found_without_beside(sample)]
    assert (finding.rule, finding.line) == (rule, line)
    assert finding.why
    assert finding.remedy


STOP = "ExecStopPost=-/usr/bin/etcdctl --no-sync rm {}\n"
WATCH = "[Unit]\nDescription=x\n{}[Service]\n{}\n"


@pytest.mark.parametrize(
    ("removal", "why"),
    [
        ("/services/web/%i", ""),
        ("--recursive /services/web", ""),
        ("services/web/%i", ""),
        ("$$key", ""),
        ("/services/web/web@%i", "removes /services/web/web@%i, which nothing in the lab sets; what this unit sets,"),
        ("/services/%i", "/services/web/%i, stays until it expires, up to 60 s later"),
    ],
)
def test_a_key_that_is_removed_under_another_name(sample: Path, removal: str, why: str) -> None:
    path = sample / "units" / "web-sidekick@.service"
    path.write_text(path.read_text().replace("\n[X-Fleet]", f"{STOP.format(removal)}\n[X-Fleet]"))
    findings = found(sample)
    assert [(finding.rule, finding.line) for finding in findings] == ([("withdrawn", 8)] if why else [])
    assert all(why in finding.why for finding in findings)


@pytest.mark.parametrize(
    ("removal", "is_found"),
    [
        ("ExecStop=/usr/bin/etcdctl rm /services/web/$AT", True),  # systemd leaves it as it is
        ("ExecStop=/usr/bin/etcdctl rm /services/web/${AT}", False),
        ("ExecStop=/usr/bin/etcdctl rm /services/web/${IT}", True),
        ("ExecStop=/bin/sh -c 'etcdctl rm /services/web/$AT'", False),
    ],
)
def test_a_variable_in_a_key_that_systemd_does_not_replace(sample: Path, removal: str, is_found: bool) -> None:
    path = sample / "units" / "web-sidekick@.service"
    text = path.read_text().replace("/services/web/%i", "/services/web/$AT")
    path.write_text(text.replace("\n[X-Fleet]", f"{removal}\n\n[X-Fleet]"))
    assert [finding.rule for finding in found(sample)] == (["withdrawn"] if is_found else [])


def test_a_key_without_a_ttl_that_is_removed_under_another_name_stays_for_ever(sample: Path) -> None:
    path = sample / "units" / "web-sidekick@.service"
    text = path.read_text().replace("--ttl 60 ", "").replace("\n[X-Fleet]", f"{STOP.format('/services/w')}\n[X-Fleet]")
    path.write_text(text)
    (finding,) = found(sample)
    assert finding.why.endswith("stays for ever")
    path.write_text(text.replace("set /services/web/%i up", "set $$key up"))  # only the machine knows what it sets
    assert found(sample) == []
    path.write_text(text.replace("/services/w\n", "/services/clock/%i\n"))
    (sample / "web" / "announce.sh").write_text("set /services/clock/$(hostname) up\n")  # a program sets it
    assert found(sample) == []


@pytest.mark.parametrize(
    ("unit", "service", "why"),
    [
        ("", "ExecStart=/usr/bin/etcdctl exec-watch --recursive /x -- /bin/true", "nothing starts it again"),
        ("", "Restart=on-failure\nExecStart=/bin/sh -c 'etcdctl watch /x; true'", "Restart=on-failure not every end"),
        ("", "ExecStart=/usr/bin/curl http://127.0.0.1:2379/v2/keys/x?wait=true", "nothing starts it again"),
        ("", "Restart=always\nExecStart=/usr/bin/etcdctl watch /x", "after 5 starts in 10 s systemd gives up"),
        ("", "Restart=always\nRestartSec=1\nExecStart=/usr/bin/etcdctl watch /x", "after 5 starts in 10 s systemd"),
        ("", "Restart=always\nRestartSec=2500ms\nExecStart=/usr/bin/etcdctl watch /x", ""),
        ("StartLimitIntervalSec=0\n", "Restart=always\nExecStart=/usr/bin/etcdctl watch /x", ""),
        ("", "ExecStart=/bin/sh -c 'while :; do etcdctl watch /x; sleep 1; done'", ""),
        ("", "Type=oneshot\nExecStart=/usr/bin/etcdctl watch /x", ""),
        ("", "ExecStartPre=/usr/bin/etcdctl watch /x\nExecStart=/bin/sleep 9", ""),
        ("", "ExecStart=/usr/bin/etcdctl get /watch", ""),
    ],
)
def test_a_watch_that_ends_for_good(sample: Path, unit: str, service: str, why: str) -> None:
    (sample / "units" / "watch.service").write_text(WATCH.format(unit, service))
    (sample / "lab.yaml").write_text((sample / "lab.yaml").read_text() + "  - units/watch.service\n")
    findings = found(sample)
    assert [finding.rule for finding in findings] == (["watch"] if why else [])
    assert all(why in finding.why for finding in findings)


@pytest.mark.parametrize(
    ("pull", "is_found"),
    [
        ("ExecStartPre=/usr/bin/docker pull web", True),
        ("ExecStartPre=+/usr/bin/docker pull web", True),
        ("ExecStartPre=-/usr/bin/docker pull web", False),
        ("ExecStartPre=+-/usr/bin/docker pull web", False),
        ("ExecStartPre=/bin/sh -c 'docker pull web'", True),
        ("ExecStartPre=/bin/sh -c 'if true; then docker pull web; fi'", True),
        ("ExecStartPre=/bin/sh -c 'docker pull web && true'", True),
        ("ExecStartPre=/bin/sh -ec 'docker pull web; true'", True),
        ("ExecStartPre=/bin/bash -c 'docker pull web || true'", False),
        ("ExecStartPre=/bin/sh -c 'docker pull web; docker pull other || true'", False),
        ("ExecStop=/usr/bin/docker pull web", False),
    ],
)
def test_a_pull_that_stops_the_start(sample: Path, pull: str, is_found: bool) -> None:
    path = sample / "units" / "web@.service"
    path.write_text(path.read_text().replace("ExecStartPre=-/usr/bin/docker pull web", pull))
    assert [(finding.rule, finding.line) for finding in found(sample)] == ([("pull", 9)] if is_found else [])


def test_a_run_that_always_pulls_stops_the_start_too(sample: Path) -> None:
    path = sample / "units" / "web@.service"
    path.write_text(path.read_text().replace("run --rm", "run --pull=always --rm"))
    assert [finding.rule for finding in found(sample)] == ["pull"]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/usr/bin/systemctl restart web@1.service", "systemctl acts on web@1.service of this machine"),
        ("/bin/sh -c 'sudo systemctl --no-block start web-sidekick@2'", "systemctl acts on web-sidekick@2.service"),
        ("/usr/bin/systemctl stop web@*", "systemctl acts on web@*.service"),
        ("/usr/bin/systemctl start elsewhere.service", "systemctl acts on elsewhere.service"),
        ("/usr/bin/systemd-run --unit=job /bin/true", "systemd-run starts a service that fleet does not have"),
        ("/usr/bin/ssh core-02 sudo systemctl start web@1", "a machine that it has chosen itself"),
        ("/usr/bin/fleetctl ssh web@1 docker run web", "a machine that it has chosen itself"),
        ("/usr/bin/docker -H tcp://core-02:2375 run --rm web", "uses the Docker of tcp://core-02:2375"),
        ("/usr/bin/docker restart web-1", "docker restart web-1: that is the container of web@.service"),
        ("/usr/bin/docker-compose up", "Docker starts and restarts these containers"),
        ("/usr/bin/docker stack deploy web", "Docker starts and restarts these containers"),
        ("/usr/sbin/cron -f", "cron starts programs by a clock"),
        # The last word on these is fleet's or systemd's own, or they start nothing.
        ("/usr/bin/fleetctl restart web@1.service", ""),
        ("/bin/sh -c 'fleetctl stop web@1; fleetctl start --no-block web@1'", ""),
        ("/usr/bin/systemctl restart docker.service", ""),
        ("/usr/bin/systemctl restart getty@tty1.service", ""),
        ("/usr/bin/systemctl restart %n", ""),
        ("/usr/bin/systemctl is-active web@1.service", ""),
        ("/usr/bin/systemctl stop $$unit", ""),
        ("/usr/bin/systemd-run --scope /bin/true", ""),
        ("/usr/bin/fleetctl ssh web@1 uptime", ""),
        ("/usr/bin/docker --host unix:///run/docker.sock ps", ""),
        ("/usr/bin/docker kill --signal HUP web-1", ""),
        ("/usr/bin/docker logs web-1", ""),
        ("/usr/bin/docker-compose --file x.yml kill", ""),
        ("/usr/bin/docker service ls", ""),
    ],
)
def test_a_second_scheduler_in_a_unit(sample: Path, command: str, why: str) -> None:
    (sample / "units" / "other.service").write_text(f"[Service]\nExecStart={command}\nRestart=always\n")
    (sample / "lab.yaml").write_text((sample / "lab.yaml").read_text() + "  - units/other.service\n")
    findings = [finding for finding in found(sample) if finding.rule == "second-scheduler"]
    assert [finding.line for finding in findings] == ([2] if why else [])
    assert all(why in finding.why for finding in findings)


def test_an_instance_is_no_scheduler_of_itself_but_of_another_instance(sample: Path) -> None:
    path = sample / "units" / "web-sidekick@.service"
    text = path.read_text()
    path.write_text(
        text.replace("\n[X-Fleet]", "ExecStop=/usr/bin/systemctl kill web-sidekick@%i.service\n\n[X-Fleet]")
    )
    assert found(sample) == []
    path.write_text(text.replace("\n[X-Fleet]", "ExecStop=/usr/bin/systemctl kill web-sidekick@2.service\n\n[X-Fleet]"))
    assert [finding.rule for finding in found(sample)] == ["second-scheduler"]


@pytest.mark.parametrize(
    ("dockerfile", "line"),
    [
        ("FROM debian\nRUN apt-get update \\\n    && apt-get install --yes \\\n        curl cron\n", 4),
        ("FROM debian\nRUN apt-get install --yes at\n", 2),
        ('FROM debian\nCMD ["/usr/sbin/crond", "-f"]\n', 2),
        ("FROM debian\nRUN apt-get install --yes curl && rm -rf /etc/cron.d /etc/cron.daily\n", 0),
        ("FROM debian\n# No cron here.\nRUN apt-get install --yes cronometer\n", 0),
        ('FROM debian\nCMD ["look", "at", "that"]\n', 0),
    ],
)
def test_a_clock_in_a_container(sample: Path, dockerfile: str, line: int) -> None:
    (sample / "web" / "Dockerfile").write_text(dockerfile)
    findings = [(finding.rule, finding.line) for finding in found(sample)]
    assert findings == ([("second-scheduler", line)] if line else [])


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("#!/bin/sh\nset -u\ncrond -b\n", 3),
        ("#!/bin/bash\nif true; then\n    systemctl restart web@2.service\nfi\n", 3),
        ("#!/usr/bin/env bash\n# lint: second-scheduler: by hand.\ndocker-compose up\n", 3),
        ("#!/bin/sh\n# crond -b\necho crond; fleetctl restart web@2.service; systemctl restart docker\n", 0),
        ("#!/usr/bin/python3\ncrond\n", 0),
    ],
)
def test_a_second_scheduler_in_a_script_of_a_container_image(sample: Path, script: str, line: int) -> None:
    (sample / "web" / "start").write_text(script)
    findings = [(each.rule, Path(each.file).name, each.line, each.explained) for each in found(sample)]
    explained = "by hand." if "lint:" in script else ""
    assert findings == ([("second-scheduler", "start", line, explained)] if line else [])


@pytest.mark.parametrize(
    ("main", "sidekick", "why"),
    [
        ("Conflicts=web@*.service", "MachineOf=web@%i.service", ""),
        ("Conflicts=web@*.service", "X-ConditionMachineOf=web@%i.service", ""),
        ("MachineID=abc", "MachineID=abc", ""),
        ("Global=true", "Global=true", ""),
        ("Global=true", "MachineMetadata=disk=ssd", "runs on one machine, and web@.service on every"),
    ],
)
def test_a_sidekick_is_beside_its_unit_in_any_of_fleets_ways(sample: Path, main: str, sidekick: str, why: str) -> None:
    definition = sample / "lab.yaml"
    definition.write_text(definition.read_text().replace("[1, 2]", "[1]"))
    (sample / "units" / "web@.service").write_text(CLEAN.replace("Conflicts=web@*.service", main))
    beside = sample / "units" / "web-sidekick@.service"
    beside.write_text(SIDEKICK.replace("MachineOf=web@%i.service", sidekick))
    assert [each.why for each in found(sample) if each.rule == "sidekick"] == ([why] if why else [])


def found_without_beside(sample: Path) -> Finding:
    """A sidekick that is bound and not beside is no lab at all; one that is neither is."""
    path = sample / "units" / "web-sidekick@.service"
    path.write_text(path.read_text().replace("BindsTo=web@%i.service\n", ""))
    unbound, elsewhere = found(sample)
    assert "does not stop" in unbound.why
    return elsewhere


@pytest.mark.parametrize(
    ("line", "why", "remedy"),
    [
        (
            "Requires=etcd.service",
            "etcd.service: neither the lab nor a machine has such a unit: this one never",
            "etcd2",
        ),
        ("Wants=docker.service nothing.service", "nothing.service: neither the lab nor a machine", "remove it"),
        ("After=getty@tty1.service web@1.service dev-sda.device srv-data.mount docker.service", "", ""),
        ("BindsTo=web@%i.service", "", ""),
    ],
)
def test_units_that_no_machine_has(sample: Path, line: str, why: str, remedy: str) -> None:
    path = sample / "units" / "web-sidekick@.service"
    path.write_text(path.read_text().replace("[Unit]\n", f"[Unit]\n{line}\n"))
    findings = found(sample)
    assert [finding.rule for finding in findings] == (["no-such-unit"] if why else [])
    assert all(finding.why.startswith(why) and remedy in finding.remedy for finding in findings)
    assert all(finding.line == 2 for finding in findings)


def test_without_a_machine_image_no_unit_names_are_judged(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hint = f"dependencies: {questions.UNSEEN_UNITS}"
    assert hint not in judge.unseen()
    monkeypatch.setattr(node_units, "known", lambda: None)
    assert found(sample) == []
    assert hint in judge.unseen()


def test_a_service_that_needs_many_others(sample: Path) -> None:
    names = ["a", "b", "c"]
    announce = "[Service]\nExecStart=/bin/sh -c 'etcdctl set /services/{0} x; sleep infinity'\n"
    units = "title: A sample\nsummary: Many.\nunits:\n"
    for name in names:
        (sample / "units" / f"{name}.service").write_text(announce.format(name))
        units += f"  - units/{name}.service\n"
    asks = "; ".join(f"etcdctl get /services/{name}" for name in names)
    (sample / "units" / "needy.service").write_text(f"[Service]\nExecStart=/bin/sh -c '{asks}'\n")
    (sample / "lab.yaml").write_text(f"{units}  - units/needy.service\n")
    (finding,) = found(sample)
    assert (finding.rule, finding.why.split(":")[0]) == ("many-needs", "needs 3 services directly (a, b, c)")


def test_a_lab_may_explain_itself(sample: Path) -> None:
    path = sample / "units" / "web@.service"
    path.write_text("# lint: restart: on purpose,\n# as one sees.\n" + CLEAN.replace("Restart=always\n", ""))
    (finding,) = found(sample)
    assert finding.explained == "on purpose, as one sees."


@pytest.mark.parametrize("name", catalog.names())
def test_our_own_labs_are_clean_or_say_why_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    units = frozenset({"docker.service", "etcd2.service", "flanneld.service"})
    monkeypatch.setattr(node_units, "known", lambda: units)
    assert [finding for finding in judge.findings(catalog.load(name)) if not finding.explained] == []


def test_the_page_about_labs_lists_every_rule() -> None:
    page = (Path(__file__).parents[3] / "docs/writing-a-lab.md").read_text(encoding="utf-8")
    table = page.partition("| rule | finds |\n|---|---|\n")[2].partition("\n\n")[0]
    listed = [line.split("`")[1] for line in table.splitlines()]
    assert sorted(listed) == sorted({*judge.RULES, *judge.DOCKERFILE_RULES, "page"})
