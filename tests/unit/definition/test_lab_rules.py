"""Mistakes between a lab's files: each names file, line and remedy."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from coreos_lab.definition import catalog
from coreos_lab.definition.lint import judge
from coreos_lab.deploy import submitted
from coreos_lab.errors import UsageError
from coreos_lab.model import Lab, LabUnit
from tests.unit.definition.mylab import LAB, Folder


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "message", "remedy"),
    [
        ("web@.service", "Conflicts", "Conflict", 4, "Conflict: fleet has no such option", "did you mean Conflicts?"),
        (
            "web@.service",
            "[X-Fleet]\nConflicts=web@*.service\n",
            "",
            2,
            "web@two.service and web@1.service would both take",
            "Conflicts=",
        ),
        (
            "web@.service",
            "-p 80:80",
            "-p 81:80",
            2,
            "publishes port 81, which lab.yaml does not list",
            "add 81 to ports:",
        ),
        (
            "web-sidekick@.service",
            "MachineOf=web@%i",
            "MachineOf=wbe@%i",
            6,
            "MachineOf=wbe@1.service: the lab starts no such",
            "web@1",
        ),
        (
            "web-sidekick@.service",
            "MachineOf=web@%i.service",
            "",
            2,
            "BindsTo=web@1.service: fleet may put the two",
            "add MachineOf=",
        ),
        ("watch.service", "[Service]", "[Sevice]", 1, "[Sevice]: no such section", "did you mean Service?"),
    ],
)
def test_a_mistake_in_a_unit_names_its_line(
    folder: Folder, file: str, old: str, new: str, line: int, message: str, remedy: str
) -> None:
    folder.change(f"units/{file}", old, new)
    error = folder.refused()
    assert error.message.startswith(f"mylab/units/{file}:{line}: ")
    assert message in error.message
    assert remedy in error.hint


ONE_MACHINE = "MachineOf=web@%i.service\n"


@pytest.mark.parametrize(
    ("sidekick", "web", "refused"),
    [
        ("Global=true\n", "Global=true\n", ""),
        ("", "Global=true\n", ""),
        ("Global=true\n", "Conflicts=web@*.service\n", "runs on every machine, and web@1.service on one"),
        ('MachineOf="web@%i.service"\n', "Conflicts=web@*.service\n", ""),
        (
            "X-ConditionMachineOf=%p@1.service\n",
            "",
            "X-ConditionMachineOf=web-sidekick@1.service: that unit is started",
        ),
        (f"{ONE_MACHINE}Conflicts=w?b@*.service\n", "", "Conflicts=w?b@*.service excludes web@%i.service"),
        (f"{ONE_MACHINE}X-Conflicts=web@%i.*\n", "", "Conflicts=web@%i.* excludes web@%i.service"),
        (f"{ONE_MACHINE}Conflicts=web@1*.service\n", "", "Conflicts=web@1*.service excludes web@1.service"),
    ],
)
def test_what_is_bound_must_be_able_to_stay_beside(folder: Folder, sidekick: str, web: str, refused: str) -> None:
    folder.change("units/web-sidekick@.service", ONE_MACHINE, sidekick)
    folder.change("units/web@.service", "Conflicts=web@*.service\n", web)
    folder.change("units/web@.service", "-p 80:80 ", "")
    if refused:
        assert refused in folder.refused().message
    else:
        folder.load()


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        ("-p ${COREOS_PRIVATE_IPV4}:8080:80", "publishes port 8080, which lab.yaml does not list"),
        ('"-p" "81:80"', "publishes port 81"),
        ("-itp 81:80", "publishes port 81"),
        ("-p [::1]:81:80", "publishes port 81"),
        ("-p 80-81:80-81", "publishes port 81"),
        ("--net=host", "publishes port 8053, which"),
        ("-p 80:80/udp", ""),
    ],
)
def test_every_way_to_take_a_port_is_seen(folder: Folder, arguments: str, refused: str) -> None:
    folder.write("containers/web/Dockerfile", "FROM debian\nEXPOSE 80 8053/udp\n")
    folder.change("units/web@.service", "-p 80:80", arguments)
    if refused:
        assert refused in folder.refused().message
    else:
        folder.load()


def test_ports_of_other_instances_or_protocols_do_not_clash(folder: Folder) -> None:
    folder.change("lab.yaml", "[1, two]", "[1, 2]")
    folder.change("lab.yaml", "ports: [80]", "ports: [80, 53, 801, 802]")
    folder.change("units/web@.service", "Conflicts=web@*.service\n", "Conflicts=watch.service\n")
    folder.change("units/web@.service", "-p 80:80", "-p 80%i:80")
    folder.load()
    folder.write("units/watch.service", "[Service]\nExecStart=/usr/bin/docker run -p 53:53/udp -p 53:53 web\n")
    folder.load()
    folder.change("units/web@.service", "-p 80%i:80", "-p 53:53/tcp")
    assert "web@2.service and web@1.service would both take port 53" in folder.refused().message


def test_a_unit_in_another_encoding_is_refused_with_its_line(folder: Folder) -> None:
    (folder.path / "units" / "watch.service").write_bytes(b"[Unit]\nDescription=\xe9\n")
    assert "watch.service:2: not UTF-8" in folder.refused().message


def test_a_dockerfile_in_another_encoding_is_refused_with_its_line(folder: Folder) -> None:
    (folder.path / "containers" / "web" / "Dockerfile").write_bytes(b"FROM debian\n# caf\xe9\n")
    assert "Dockerfile:2: not UTF-8" in folder.refused().message


def test_a_sidekick_that_is_listed_before_its_unit(folder: Folder) -> None:
    folder.change("lab.yaml", "units/web@.service", "units/SWAP")
    folder.change("lab.yaml", "units/web-sidekick@.service", "units/web@.service")
    folder.change("lab.yaml", "units/SWAP", "units/web-sidekick@.service")
    assert "MachineOf=web@1.service: that unit is started after web-sidekick@1.service" in folder.refused().message


def test_a_setting_that_no_unit_has(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "mine")
    folder.write("lab.yaml", LAB + "settings:\n  window: how long\n")
    with pytest.raises(UsageError, match=r"lab\.yaml:20: window: no unit has WINDOW in an Environment= line"):
        catalog.load(str(folder.path))
    folder.write("units/watch.service", "[Service]\nEnvironment=WINDOW=5s\nExecStart=/bin/true\n")
    assert catalog.load(str(folder.path)).settings == {"window": "how long"}
    assert "| `--set window=` | 5s | how long |" in catalog.page(catalog.load(str(folder.path)))


def test_instances_by_a_setting(folder: Folder) -> None:
    """What two of them must not do is found, although the default starts none."""
    folder.write("units/more@.service", "[Service]\nExecStart=/usr/bin/docker run -p 80:80 web\n")
    folder.write("units/watch.service", "[Service]\nEnvironment=COUNT=none\nExecStart=/bin/true\n")
    folder.change("lab.yaml", "keys:", "  - {file: units/more@.service, instances: {from: 2, to: count}}\nkeys:")
    assert "lab.yaml:13: count: no such setting" in folder.refused().message
    folder.change("lab.yaml", "keys:", "settings: {count: how many}\nkeys:")
    assert "count: counts the instances of more@.service, and its default is none" in folder.refused().message
    folder.change("units/watch.service", "COUNT=none", "COUNT=1")
    assert "more@2.service and web@1.service would both take port 80" in folder.refused().message
    folder.change("units/more@.service", "web\n", "web\n[X-Fleet]\nConflicts=web@*.service\n")
    assert "more@3.service and more@2.service would both take port 80" in folder.refused().message
    folder.change("units/more@.service", "Conflicts=", "Conflicts=more@*.service ")
    assert not any(name.startswith("more@") for name in folder.load().unit_names)
    folder.change("units/watch.service", "COUNT=1", "COUNT=3")
    assert folder.load().unit_names[-2:] == ("more@2.service", "more@3.service")
    folder.change("lab.yaml", "from: 2, ", "")
    assert "from: missing in instances" in folder.refused().message


def test_a_secret_belongs_to_the_labs_keys(folder: Folder) -> None:
    folder.change("lab.yaml", "keys:", "secrets: {account: {about: yours, key: /config/web/auth}}\nkeys:")
    assert "/config/web/auth: not one of the lab's keys" in folder.refused().message
    folder.change("lab.yaml", "keys: [", "keys: [/config/web, ")
    assert folder.load().secrets["account"].key == "/config/web/auth"
    assert "| `--secret account=` | | yours" in catalog.page(folder.load())


PIECES = (
    *(
        "/usr/bin/docker run ",
        "docker pull ",
        "sh -c '",
        "'",
        '"',
        "$(",
        ")",
        "`",
        "${",
        "}",
        "$",
        "%i",
        "%",
        "\\",
        ";",
    ),
    *(
        "-p",
        "80:80",
        "[::1]:1:1",
        "--name",
        "--name=",
        "-",
        "--",
        " ",
        "\t",
        "[",
        "]",
        "=",
        "&&",
        "|",
        "<",
        ">",
        "#",
        "é",
    ),
    *("Environment=", "\nExecStartPre=", "\nEnvironment=A", "\n[X-Fleet]\n", "Conflicts=", "MachineOf=", "Global=true"),
    *(
        "99999-1:5",
        "env ",
        "sudo ",
        "timeout ",
        "exec ",
        "\x00",
        "\r",
        "\n# lint: state: ",
        "\nBindsTo=",
        "@",
        "web@1.service",
    ),
)


@pytest.mark.parametrize("seed", range(100))
def test_no_unit_is_too_odd(folder: Folder, seed: int) -> None:
    source = random.Random(seed)  # noqa: S311
    text = "[Service]\nExecStart=" + "".join(source.choices(PIECES, k=source.randint(0, 30)))
    folder.change("lab.yaml", "keys:", "settings: {a: what}\nkeys:")
    folder.write("units/web@.service", text)
    with contextlib.suppress(UsageError):
        lab = folder.load()
        judge.findings(lab)
        submitted.units(lab, {"a": "1"}, {"web": "sha256:aa"}, folder.path / "out")
    # The same without the checks, which refuse most of these.
    units = (LabUnit("web@.service", folder.path / "units" / "web@.service", ("1",)),)
    lab = Lab("mylab", "T", "S", folder.path, units, {"web": folder.path / "containers" / "web"})
    judge.findings(lab)
    submitted.units(lab, {"a": "1"}, {"web": "sha256:aa"}, folder.path / "out")
