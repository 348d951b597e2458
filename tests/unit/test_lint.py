"""Rules: each finds what was planted, and nothing in a lab that is clean."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab import catalog, lint

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


def found(folder: Path) -> list[lint.Finding]:
    return lint.judge(catalog.load(str(folder)))


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


def found_without_beside(sample: Path) -> lint.Finding:
    """A sidekick that is bound and not beside is no lab at all; one that is neither is."""
    path = sample / "units" / "web-sidekick@.service"
    path.write_text(path.read_text().replace("BindsTo=web@%i.service\n", ""))
    unbound, elsewhere = found(sample)
    assert "does not stop" in unbound.why
    return elsewhere


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
def test_our_own_labs_are_clean_or_say_why_not(name: str) -> None:
    assert [finding for finding in lint.judge(catalog.load(name)) if not finding.explained] == []
