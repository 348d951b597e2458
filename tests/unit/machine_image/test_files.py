"""The programs of a node that are this project's own, each with files of the test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import containers
from coreos_lab.machine_image import image

Call = Callable[..., subprocess.CompletedProcess[str]]


def call(
    program: Path, *words: str | Path, path: Path | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs a program; `path` has others that it calls."""
    environment = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"} if path else dict(os.environ)
    return subprocess.run(
        [str(program), *map(str, words)], input=stdin, capture_output=True, text=True, env=environment, check=False
    )


def stand_in(folder: Path, name: str, script: str) -> None:
    """A program that the tested one calls."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of the user who runs the tests, as getent says."""
    (tmp_path / "home").mkdir()
    (tmp_path / "bin").mkdir()
    stand_in(tmp_path / "bin", "getent", f'echo "$2:x:0:0::{tmp_path}/home:/bin/sh"')
    return tmp_path / "home"


@pytest.fixture
def keys(home: Path) -> Call:
    """update-ssh-keys for that user."""
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    program = image.FILES / "usr/bin/update-ssh-keys"
    return lambda *words, stdin="": call(program, "-u", user, *words, path=home.parent / "bin", stdin=stdin)


@pytest.fixture
def key(tmp_path: Path) -> Callable[[str], str]:
    """Makes a key with a comment; returns its public half."""

    def make(comment: str) -> str:
        at = tmp_path / f"key-{comment}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", at], check=True)
        return at.with_suffix(".pub").read_text()

    return make


def authorized(home: Path) -> list[str]:
    lines = (home / ".ssh/authorized_keys").read_text().splitlines()
    return [line.split()[-1] for line in lines if not line.startswith("#")]


def test_sets_of_keys(keys: Call, key: Callable[[str], str], home: Path) -> None:
    one, two, three = key("one"), key("two"), key("three")
    assert "one (ED25519)" in keys("-a", "first", stdin=one).stdout
    keys("-a", "second", stdin=two.rstrip("\n"))
    assert authorized(home) == ["one", "two"]
    assert (home / ".ssh/authorized_keys").stat().st_mode & 0o777 == 0o600
    listed = keys("-l").stdout
    assert (
        listed.index("first:") < listed.index("one (ED25519)") < listed.index("second:") < listed.index("two (ED25519)")
    )
    assert "already exists" in keys("-n", "-a", "first", stdin=three).stdout
    assert authorized(home) == ["one", "two"]
    keys("-a", "first", stdin=three)
    assert authorized(home) == ["three", "two"], "without -n a set is replaced"
    assert keys("-d", "first").returncode == 0
    assert authorized(home) == ["two"]
    gone = keys("-d", "first")
    assert (gone.returncode, gone.stderr) == (1, f"update-ssh-keys: no key set named first found for {user_of(gone)}\n")


def user_of(done: subprocess.CompletedProcess[str]) -> str:
    return str(done.args[2])


def test_a_disabled_set_is_added_by_force_only(keys: Call, key: Callable[[str], str], home: Path) -> None:
    one, two = key("one"), key("two")
    keys("-a", "cloud", stdin=one)
    keys("-a", "mine", stdin=two)
    assert "Disabling cloud" in keys("-D", "cloud").stdout
    assert "disabled" in keys("-a", "cloud", stdin=one).stdout
    assert authorized(home) == ["two"]
    keys("-A", "cloud", stdin=one)
    assert authorized(home) == ["one", "two"]


def test_keys_from_files_and_from_before(keys: Call, key: Callable[[str], str], home: Path, tmp_path: Path) -> None:
    (home / ".ssh").mkdir()
    (home / ".ssh/authorized_keys").write_text(key("old"))
    key("one")
    key("two")
    assert keys("-a", "files", tmp_path / "key-one.pub", tmp_path / "key-two.pub").returncode == 0
    assert authorized(home) == ["one", "two", "old"], "the file is made of what was there, too"
    (home / ".ssh/authorized_keys").unlink()
    assert "Updated" in keys().stdout, "without options the file is made again"
    assert authorized(home) == ["one", "two", "old"]


def test_the_last_key_lets_in_until_there_is_another(keys: Call, key: Callable[[str], str], home: Path) -> None:
    keys("-a", "only", stdin=key("one"))
    done = keys("-d", "only")
    assert done.returncode == 1
    assert "no keys found" in done.stderr
    assert authorized(home) == ["one"]


@pytest.mark.parametrize("words", [["-x"], ["-a", "../up"], ["-a", ""], ["-a", "one", "-d", "two"], ["file"]])
def test_wrong_usage_of_update_ssh_keys(keys: Call, home: Path, words: list[str]) -> None:
    assert keys(*words).returncode == 2
    assert not (home / ".ssh/authorized_keys").exists()


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq, which a node has")
@pytest.mark.parametrize(
    ("file", "left", "flags"),
    [
        (None, "{}", ""),
        ('{"log-level": "warn"}', '{"log-level":"warn"}', "DOCKER_OPT_LISTS="),
        (
            '{"registry-mirrors": ["http://m"], "insecure-registries": ["a:1", "10.0.0.0/8"], "bip": "10.2.0.1/16"}',
            '{"bip":"10.2.0.1/16"}',
            "DOCKER_OPT_LISTS=--registry-mirror=http://m --insecure-registry=a:1 --insecure-registry=10.0.0.0/8",
        ),
        ('{"bip": ', '{"bip":', ""),
        ("[]", "[]", ""),
    ],
)
def test_docker_gets_no_directive_twice(tmp_path: Path, file: str | None, left: str, flags: str) -> None:
    if file is not None:
        (tmp_path / "daemon.json").write_text(file)
    assert call(image.FILES / "usr/lib/coreos/docker-options", tmp_path / "daemon.json", tmp_path / "run").stderr == ""
    assert "".join((tmp_path / "run/daemon.json").read_text().split()) == left
    assert (tmp_path / "run/lists.env").read_text().strip() == flags


def test_hosts_has_our_lines_whoever_writes_it(tmp_path: Path) -> None:
    hosts, ours = tmp_path / "hosts", tmp_path / "ours"
    ours.write_text("172.17.8.1 registry.lab\n")
    hosts.write_text("127.0.0.1 core-01")  # without an end of line
    for _ in range(2):
        call(image.FILES / "usr/lib/coreos/hosts", hosts, image.FILES / "usr/share/coreos/hosts", ours, tmp_path / "no")
    assert hosts.read_text().splitlines() == [
        "127.0.0.1 core-01",
        "192.0.2.1 docker.io",
        "172.17.8.1 registry.lab",
    ]


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("journal -f web", "journal --f web"),
        ("list-units -l -no-legend", "list-units --l -no-legend"),
        ("ssh -A web -- ls -l", "ssh --A web -- ls -l"),
        ("list-machines", "list-machines"),
    ],
)
def test_short_options_of_fleetctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, given: str) -> None:
    stand_in(tmp_path, "fleetctl", 'printf "%s|" "$@"; exit 3')
    monkeypatch.setenv("LAB_FLEETCTL", str(tmp_path / "fleetctl"))
    done = call(image.FILES / "usr/lib/coreos/fleetctl", *words.split(), "two words", "")
    assert (done.returncode, done.stdout) == (3, "|".join([*given.split(), "two words", "", ""]))


@pytest.mark.parametrize("value", ["false", "0", "F", "False", "FALSE"])
@pytest.mark.parametrize("by", ["option", "variable"])
def test_fleetctl_without_strict_host_keys_connects_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, by: str
) -> None:
    """Its SSH library would refuse every connection: "must specify HostKeyCallback"."""
    stand_in(tmp_path, "fleetctl", 'printf "%s|" "$@" "${FLEETCTL_STRICT_HOST_KEY_CHECKING-}"')
    monkeypatch.setenv("LAB_FLEETCTL", str(tmp_path / "fleetctl"))
    option = f"--strict-host-key-checking={value}"
    if by == "variable":
        monkeypatch.setenv("FLEETCTL_STRICT_HOST_KEY_CHECKING", value)
    words = [option] if by == "option" else []
    done = call(image.FILES / "usr/lib/coreos/fleetctl", *words, "ssh", "web", "--", option)
    assert done.stdout == f"ssh|web|--|{option}|true|", "what the machine runs stays as it is"
    assert "host keys are checked all the same" in done.stderr


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A Debian that has vim, and an apt that says how it is called."""
    stand_in(tmp_path, "dpkg-query", "case $3 in vim) echo installed ;; old) echo config-files ;; *) exit 1 ;; esac")
    for name in ("apt-get", "apt-cache"):
        stand_in(tmp_path, name, f'echo "{name} $*"')
    return tmp_path


def dnf(packages: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return call(Path(containers.__file__).parent / "toolbox/dnf", *words, path=packages)


def test_dnf_in_the_toolbox(packages: Path) -> None:
    there = dnf(packages, "-y", "install", "vim-enhanced")
    assert (there.returncode, there.stdout) == (0, "vim is installed already.\n"), "without a network"
    done = dnf(packages, "install", "bind-utils", "vim", "old", "-y")
    assert done.stdout.splitlines() == [
        "vim is installed already.",
        "apt-get update --quiet",
        "apt-get install --yes --no-install-recommends bind9-dnsutils old",
    ]
    assert dnf(packages, "search", "tcp").stdout.splitlines()[-1] == "apt-cache search tcp"


@pytest.mark.parametrize("words", [[], ["history"], ["install", "--enablerepo=x", "vim"]])
def test_what_dnf_does_not_translate_is_refused(packages: Path, words: list[str]) -> None:
    done = dnf(packages, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "apt" in done.stderr


@pytest.mark.parametrize(
    ("networks", "is_new_boot", "stays"),
    [
        (("bridge", "host", "none"), True, False),
        (("bridge", "host", "none"), False, True),
        (("bridge", "host", "none", "mine"), True, True),
        (("bridge", "none-of-yours"), True, True),
    ],
)
def test_dockerd_takes_no_port_back_at_a_boot_and_keeps_a_user_s_networks(
    tmp_path: Path, networks: tuple[str, ...], is_new_boot: bool, stays: bool
) -> None:
    store, stamp = tmp_path / "local-kv.db", tmp_path / "endpoints"
    known = [f'{{"ingress":false,"name":"{each}","networkType":"bridge"}}' for each in networks]
    store.write_bytes(b"\x00\xed".join([b"\xff", *map(str.encode, known), b'{"name":"web-1","sandbox":""}']))
    if not is_new_boot:
        stamp.touch()
    assert call(image.FILES / "usr/lib/coreos/docker-endpoints", store, stamp).returncode == 0
    assert (store.exists(), stamp.exists()) == (stays, True)


def test_the_first_boot_has_no_store_of_docker_s(tmp_path: Path) -> None:
    done = call(image.FILES / "usr/lib/coreos/docker-endpoints", tmp_path / "none", tmp_path / "endpoints")
    assert (done.returncode, done.stderr) == (0, "")
