"""Whatever is typed or written: one clear line, exit code 2 or 4, nothing touched, and never a bug of ours.

Machines, programs and networks are out of reach here: who gets as far as asking for one has made sense of its input.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from coreos_lab import cli, events, run
from coreos_lab.cluster import cloud_config, transpiling
from coreos_lab.errors import Exit, LabError, UsageError
from coreos_lab.model import NodeState
from coreos_lab.plan import Request, plan
from coreos_lab.providers.nspawn.provider import NspawnProvider
from coreos_lab.providers.vagrant.provider import VagrantProvider
from coreos_lab.records import store
from coreos_lab.user_data import document
from coreos_lab.user_data import given as given_options

ORDERLY = {Exit.DONE, Exit.FAILED, Exit.USAGE, Exit.UNKNOWN, Exit.ENVIRONMENT}
some = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
# How many inputs in all. `make test-unit` tries 2,000, which takes most of a minute; else every tenth of them.
INPUTS = int(os.environ.get("LAB_TEST_INPUTS", "200"))


def share(of_2000: int) -> int:
    """So many of 2,000 inputs, or that share of fewer."""
    return max(1, of_2000 * INPUTS // 2000)


# What people type, and what nobody would: other scripts, controls, bytes that are no UTF-8 (as Python has them).
words = st.one_of(
    st.sampled_from(
        [
            "",
            "0",
            "-1",
            "3",
            "99",
            "100",
            "1e9",
            "nan",
            "inf",
            "1G",
            "0B",
            "9" * 40,
            "30s",
            "1h2m",
            "core",
            "core-01",
            "unit:web.service",
            "unit:",
            ":",
            "ch1",
            "ch3",
            "ch4",
            "nspawn",
            "10.88.8.0/24",
            "::/0",
            "~nobody/x",
            "../x",
            "a=b",
            "=",
            "--",
            "-",
            "--name",
            "é",
            "\u202e",
            "�",
            "a b",
            "'",
            '"',
            "$(id)",
            "%i",
            "\\",
            "kill",
            ".",
        ]
    ),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), max_size=12),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | words.filter(lambda w: "\udcff" not in w),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words.filter(lambda w: "\udcff" not in w), inner, max_size=3)
    ),
    max_leaves=6,
)


@dataclass(frozen=True)
class Said:
    """What a call came to."""

    code: int
    out: str
    err: str


def lab(*argv: str) -> Said:
    """A call of the command in this process. It must end as it should."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.called(list(argv))
    said = Said(code, out.getvalue(), err.getvalue())
    assert code in ORDERLY, f"lab {argv}: {code}\n{said.err}"
    if code in (Exit.USAGE, Exit.ENVIRONMENT):
        lines = [line for line in said.err.splitlines() if line.startswith("lab: ")]
        assert len(lines) == 1, said.err
        assert len(lines[0]) > len("lab: ")
    assert not events._sinks, "somebody still listens"
    return said


def files(folder: Path) -> set[str]:
    """All files below a folder but locks."""
    return {str(path) for path in folder.rglob("*") if path.is_file() and path.suffix not in (".lock", ".log")}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to stand in, a planned cluster whose machines all run, and nothing else within reach."""

    def refuse(*_args: object, **_kwargs: object) -> NoReturn:
        raise LabError("out of reach")

    for name in ("run", "stream", "spawn", "replace"):
        monkeypatch.setattr(run, name, refuse)
    for provider in (NspawnProvider, VagrantProvider):
        for name in [name for name, member in vars(provider).items() if callable(member) and not name.startswith("_")]:
            monkeypatch.setattr(provider, name, refuse)
        monkeypatch.setattr(provider, "state", lambda *_args: NodeState.RUNNING)
    for name in ("connect", "listen"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.delenv("LAB_NAME", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    store.save(plan(Request(), None, set()))
    yield tmp_path / "here"


def verbs() -> list[tuple[list[str], Any]]:
    """Every command, as one types it."""
    found: list[tuple[list[str], Any]] = []
    for name in cli.VERBS:
        found += leaves([name], cli.Verb(name).load())
    return found


def leaves(words: list[str], command: Any) -> list[tuple[list[str], Any]]:
    """A command, or those of a group."""
    parts = getattr(command, "commands", {})
    return [each for word, part in parts.items() for each in leaves([*words, word], part)] or [(words, command)]


@st.composite
def calls(draw: st.DrawFn) -> list[str]:
    verb, command = draw(st.sampled_from(verbs()))
    argv = list(verb)
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            argv += draw(st.lists(words, max_size=2))
        elif draw(st.booleans()) and not set(parameter.opts) & {"--help", "-h", "--watch"}:
            argv.append(draw(st.sampled_from(parameter.opts)))
            if not parameter.is_flag:
                argv.append(draw(words))
    return argv


@settings(some, max_examples=share(600))
@given(argv=calls())
def test_any_options(argv: list[str], state: Path) -> None:
    before = files(state)
    if lab(*argv).code == Exit.USAGE:
        assert files(state) == before


UNIT = """[Unit]
Description=Web
[Service]
ExecStart=/usr/bin/docker run --rm --name web-%i -p 80:80 nginx
[X-Fleet]
Conflicts=web@*.service
"""
LAB = {"title": "Trial", "summary": "A trial.", "units": [{"file": "units/web@.service", "instances": [1, 2]}]}
FULL: dict[str, Any] = {
    **LAB,
    "containers": {"web": "containers/web"},
    "ports": [80],
    "nodes": 3,
    "disks": 1,
    "keys": ["/web"],
    "folders": ["/var/lib/web"],
    "probes": {"front": {"unit": "web@1.service", "port": 80, "path": "/", "expect": "x"}},
    "objectives": {"front": {"down-at-most": "5s"}},
    "break": "core-02",
    "settings": {"RATE": "How often."},
}
DOCKERFILE = "FROM debian AS one\nRUN true\nCOPY --from=one /a /a\n"


def write_lab(
    here: Path, *, lab_yaml: bytes = b"", unit: bytes = b"", dockerfile: bytes = b"", page: bytes = b""
) -> str:
    """A lab's folder anew; returns how one names it."""
    folder = here / "trial"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("units", "containers/web"):
        (folder / name).mkdir(parents=True)
    (folder / "lab.yaml").write_bytes(lab_yaml or as_yaml(FULL))
    (folder / "units/web@.service").write_bytes(unit or UNIT.encode())
    (folder / "containers/web/Dockerfile").write_bytes(dockerfile or DOCKERFILE.encode())
    if page:
        (folder / "page.md").write_bytes(page)
    return "./trial"


def as_yaml(value: object) -> bytes:
    """YAML of a value."""
    out = io.BytesIO()
    YAML(typ="safe", pure=True).dump(value, out)
    return out.getvalue()


def all_that_reads(name: str, state: Path) -> None:
    """The commands that read a lab's folder and change nothing, and one that would go on from there."""
    before = files(state)
    lab("lint", name)
    lab("checklist", name)
    lab("graph", name)
    lab("deploy", name, "--dry-run")
    assert files(state) == before
    lab("deploy", name)


@settings(some, max_examples=share(220))
@given(key=st.sampled_from([*FULL, "name", "x"]), value=values, data=st.data())
def test_any_lab_file(key: str, value: object, data: st.DataObject, here: Path, state: Path) -> None:
    changed = {**FULL, key: value}
    if isinstance(FULL.get(key), dict) and data.draw(st.booleans()):
        inner = data.draw(st.sampled_from(sorted(FULL[key])))
        changed[key] = {**FULL[key], inner: value}
    try:
        written = as_yaml(changed)
    except Exception:  # what ruamel does not write is no file
        return
    all_that_reads(write_lab(here, lab_yaml=written), state)


JUNK = st.binary(min_size=1, max_size=8) | st.sampled_from(
    [b"\xe9", b"\t", b"- ", b"{", b"&a", b"*a", b"!!x ", b"\0"],
)


@settings(some, max_examples=share(200))
@given(at=st.integers(0, 400), junk=JUNK)
def test_any_bytes_in_a_lab_file(at: int, junk: bytes, here: Path, state: Path) -> None:
    whole = as_yaml(FULL)
    all_that_reads(write_lab(here, lab_yaml=whole[:at] + junk + whole[at:]), state)


CLOUD_CONFIG: dict[str, Any] = {
    "hostname": "core-01",
    "ssh_authorized_keys": ["ssh-ed25519 AAAA me"],
    "users": [{"name": "me", "groups": ["sudo"], "system": True}],
    "write_files": [{"path": "/etc/mine", "content": "a\n", "permissions": "0600"}],
    "coreos": {
        "update": {"reboot-strategy": "off"},
        "fleet": {"metadata": "disk=ssd", "token_limit": 5},
        "units": [{"name": "a.service", "command": "start", "drop-ins": [{"name": "a.conf", "content": "[Unit]"}]}],
    },
}


def plan_with(here: Path, state: Path, payload: bytes) -> None:
    """Plans a cluster with a cloud-config, which changes nothing, and merges it for a node."""
    (here / "mine.yml").write_bytes(payload)
    before = files(state)
    options = ["mine.yml", "core-01:mine.yml"]
    said = lab("up", "--dry-run", *(word for option in options for word in ("--cloud-config", option)))
    assert files(state) == before
    if said.code == Exit.USAGE:
        return
    with contextlib.suppress(UsageError):
        configs = transpiling.transpiled(given_options.cloud_configs(options))
        cluster = plan(Request(cloud_configs=configs), None, set())
        cloud_config.check(cluster)
        text = cloud_config.text(cluster, cluster.nodes[0], *cloud_config.NOT_MADE_YET)
        assert document.read(text, "merged").data["hostname"] == "core-01"


@settings(some, max_examples=share(200))
@given(
    path=st.sampled_from(
        ["users", "write_files", "coreos", "hostname", "x", "coreos.fleet", "users.0", "coreos.units.0"]
    ),
    key=st.sampled_from(["name", "path", "units", "metadata", "drop-ins", "content", "x", "mask"]),
    value=values,
)
def test_any_cloud_config(path: str, key: str, value: object, here: Path, state: Path) -> None:
    changed = json.loads(json.dumps(CLOUD_CONFIG))
    at: Any = changed
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in way:
        at = at[part]
    if way:
        at[last] = {**at[last], key: value}
    else:
        at[last] = value
    try:
        written = as_yaml(changed)
    except Exception:  # what ruamel does not write is no file
        return
    plan_with(here, state, b"#cloud-config\n" + written)


@settings(some, max_examples=share(200))
@given(at=st.integers(0, 500), junk=JUNK)
def test_any_bytes_in_a_cloud_config(at: int, junk: bytes, here: Path, state: Path) -> None:
    whole = b"#cloud-config\n" + as_yaml(CLOUD_CONFIG)
    plan_with(here, state, whole[:at] + junk + whole[at:])


CONTAINER_LINUX: dict[str, Any] = {
    "passwd": {"users": [{"name": "me", "groups": ["web"]}], "groups": [{"name": "web", "gid": 1500}]},
    "storage": {
        "files": [{"path": "/etc/mine", "filesystem": "root", "mode": 420, "contents": {"inline": "a"}}],
        "directories": [{"path": "/srv/a", "filesystem": "root"}],
        "links": [{"path": "/srv/b", "filesystem": "root", "target": "a"}],
    },
    "systemd": {"units": [{"name": "a.service", "enabled": True, "contents": "[Install]\nWantedBy=multi-user.target"}]},
    "etcd": {"version": "3.3.0", "name": "{HOSTNAME}", "heartbeat_interval": 500},
    "flannel": {"version": "0.7.0", "network_config": "{}", "interface": "{PRIVATE_IPV4}"},
    "locksmith": {"reboot_strategy": "etcd-lock"},
    "update": {"group": "stable"},
    "docker": {"flags": ["--debug"]},
}
IGNITION: dict[str, Any] = {
    "ignition": {"version": "2.2.0"},
    "passwd": {"users": [{"name": "me", "create": {"groups": ["web"]}}]},
    "storage": {
        "files": [{"path": "/etc/mine", "filesystem": "root", "mode": 420, "contents": {"source": "data:,a"}}],
        "links": [{"path": "/srv/b", "filesystem": "root", "target": "a"}],
    },
    "systemd": {
        "units": [{"name": "a.service", "enable": True, "dropins": [{"name": "a.conf", "contents": "[Unit]"}]}]
    },
}
PARTS = [
    *("passwd", "passwd.users", "passwd.users.0", "storage", "storage.files", "storage.files.0", "storage.links.0"),
    *(
        "systemd",
        "systemd.units",
        "systemd.units.0",
        "etcd",
        "flannel",
        "locksmith",
        "update",
        "docker",
        "ignition",
        "x",
    ),
]
KEYS = [
    *("name", "path", "mode", "contents", "version", "files", "units", "user", "enabled", "dropins", "network_config"),
    *("source", "target", "groups", "create", "reboot_strategy", "flags", "disks", "config", "x"),
]


@pytest.fixture
def with_ct(ct: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the real ct be called, and nothing else."""

    def only_ct(argv: list[Path], *, input_text: str = "", **more: Any) -> run.Completed:
        if argv != [ct]:
            raise LabError("out of reach")
        timeout = more["timeout"]
        done = subprocess.run(argv, input=input_text, capture_output=True, text=True, timeout=timeout, check=True)
        return run.Completed((str(ct),), 0, done.stdout, done.stderr)

    monkeypatch.setattr(run, "run", only_ct)
    monkeypatch.setattr(transpiling, "ensure_transpiler", lambda: ct)


@pytest.mark.usefixtures("with_ct")
@settings(some, max_examples=share(300))
@given(
    whole=st.sampled_from([CONTAINER_LINUX, IGNITION]),
    path=st.sampled_from(PARTS),
    key=st.sampled_from(KEYS),
    value=values,
    data=st.data(),
)
def test_any_container_linux_config(
    whole: dict[str, Any], path: str, key: str, value: object, data: st.DataObject, here: Path, state: Path
) -> None:
    changed = json.loads(json.dumps(whole))
    at: Any = changed
    for part in path.split("."):
        at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
    if isinstance(at, dict):
        at[data.draw(st.sampled_from([key, *at]))] = value
    else:
        at.append(value)
    try:
        written = json.dumps(changed).encode() if "ignition" in whole else as_yaml(changed)
    except Exception:  # what ruamel does not write is no file
        return
    plan_with(here, state, written)


@pytest.mark.usefixtures("with_ct")
@settings(some, max_examples=share(300))
@given(whole=st.sampled_from([CONTAINER_LINUX, IGNITION]), at=st.integers(0, 900), junk=JUNK)
def test_any_bytes_in_a_container_linux_config(
    whole: dict[str, Any], at: int, junk: bytes, here: Path, state: Path
) -> None:
    text = json.dumps(whole, indent=1).encode() if "ignition" in whole else as_yaml(whole)
    plan_with(here, state, text[:at] + junk + text[at:])


@pytest.mark.parametrize("text", ["systemd: {}\n", '{"ignition": {"version": "2.2.0"}}'])
def test_what_ct_would_have_to_be_built_for_changes_nothing(text: str, here: Path, state: Path) -> None:
    (here / "mine.yml").write_text(text)
    before = files(state)
    assert lab("up", "--cloud-config", "mine.yml", "--dry-run").code == Exit.ENVIRONMENT
    assert lab("render", "cloud-config", "--cloud-config", "mine.yml").code == Exit.ENVIRONMENT
    assert files(state) == before


UNIT_LINES = st.one_of(
    st.sampled_from(UNIT.splitlines()),
    st.sampled_from(
        [
            "[",
            "[]",
            "[X-Fleet",
            "Global=true",
            "Global=maybe",
            "MachineOf=",
            "ExecStart=",
            "ExecStart='",
            'ExecStart="a',
            "=",
            "\\",
            "# x\\",
            "ExecStart=/usr/bin/docker run -p",
            "ExecStart=/usr/bin/docker run -p x:y:z nginx",
            "MachineMetadata=a",
            "ExecStart=/usr/bin/docker pull",
            "ExecStart=/bin/sh -c 'docker run $'",
            "Environment=RATE",
            'Environment="RATE=5',
            "ExecStart=/usr/bin/docker run --dns 8.8.8.8 -p 99999999:80 -p 1-0:2 nginx",
            "BindsTo=web@%i.service",
            "After=%",
        ]
    ),
    st.text(max_size=20),
)


def texts(lines: st.SearchStrategy[str], most: int) -> st.SearchStrategy[bytes]:
    """Files of so many such lines at most, most of them in UTF-8."""
    return st.builds(
        lambda found, encoding: "\n".join([*found, ""]).encode(encoding, errors="replace"),
        st.lists(lines, max_size=most),
        st.sampled_from(["utf-8", "utf-8", "latin-1", "utf-16"]),
    )


@settings(some, max_examples=share(350))
@given(text=texts(UNIT_LINES, 8))
def test_any_unit(text: bytes, here: Path, state: Path) -> None:
    all_that_reads(write_lab(here, unit=text), state)


DOCKER_LINES = st.one_of(
    st.sampled_from(DOCKERFILE.splitlines()),
    st.sampled_from(
        [
            "# escape=`",
            "FROM",
            "FROM $X",
            "ARG X=",
            "ARG",
            "FROM ${X:-a}",
            "COPY --from= a b",
            "RUN <<EOF",
            "EXPOSE 80/udp x",
            "EXPOSE",
            "FROM a:b:c@d",
            "FROM --platform=x y AS",
            "\\",
            "RUN a \\",
            "HEALTHCHECK NONE",
            "ENTRYPOINT [",
            "USER",
            "FROM web",
            "FROM ../x",
        ]
    ),
    st.text(max_size=20),
)


@settings(some, max_examples=share(300))
@given(text=texts(DOCKER_LINES, 6))
def test_any_dockerfile(text: bytes, here: Path, state: Path) -> None:
    all_that_reads(write_lab(here, dockerfile=text), state)


@settings(some, max_examples=share(60))
@given(page=st.binary(min_size=1, max_size=60))
def test_any_page(page: bytes, here: Path) -> None:
    lab("show", write_lab(here, page=page))


@settings(some, max_examples=share(150))
@given(
    steps=st.lists(
        st.dictionaries(st.sampled_from(["break", "fault", "for", "rest", "set", "x"]), values, max_size=4)
        | st.fixed_dictionaries(
            {"break": st.just("core-01")},
            optional={"fault": words.filter(lambda w: "\udcff" not in w), "for": values, "set": values},
        ),
        max_size=3,
    )
    | values
)
def test_any_schedule(steps: object, here: Path) -> None:
    (here / "steps.yaml").write_text(json.dumps(steps))
    lab("break", "--schedule", "steps.yaml", "--dry-run")
    lab("break", "--schedule", "steps.yaml")


@settings(some, max_examples=share(120))
@given(name=words, value=words)
def test_any_setting(name: str, value: str, here: Path, state: Path) -> None:
    unit = UNIT.replace("[Service]", "[Service]\nEnvironment=RATE=5")
    trial = write_lab(here, unit=unit.encode())
    before = files(state)
    for told in (f"RATE={value}", f"{name}={value}", name):
        lab("deploy", trial, "--set", told, "--dry-run")
        lab("break", "core-01", "--set", told, "--dry-run")
    assert files(state) == before
    lab("deploy", trial, "--set", f"RATE={value}")
