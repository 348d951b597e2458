"""What Vagrant says of a rendered Vagrantfile, and what `lab up` says where no machine can be made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import STATE, command, environment, lab

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("vagrant") is None, reason="needs root, Vagrant and libvirt"
)
NAME = "vmless"


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    yield
    lab("destroy", "--name", NAME)


def refused(path: Path | None = None, *options: str, code: int = 4) -> str:
    """What `lab up` says, with the programs of `path` if need be; it must not take a machine's time."""
    env = {**environment(), **({"PATH": str(path)} if path else {})}
    call = command("up", "--provider", "vagrant", "--name", NAME, "--nodes", "1", *options)
    done = subprocess.run(call, capture_output=True, text=True, env=env, timeout=300, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture
def programs(tmp_path: Path) -> Callable[..., Path]:
    """Makes a PATH with all programs of /usr/bin, but without one, or with a script in its place."""

    def make(name: str, script: str = "") -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        for program in Path("/usr/bin").iterdir():
            if program.name != name:
                (folder / program.name).symlink_to(program)
        if script:
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        return folder

    return make


@pytest.mark.parametrize(
    ("hypervisor", "options"),
    [("libvirt", ()), ("libvirt", ("--nodes", "5")), ("virtualbox", ()), ("virtualbox", ("--channel", "beta"))],
)
def test_vagrant_finds_no_fault_in_it(tmp_path: Path, hypervisor: str, options: tuple[str, ...]) -> None:
    """Without VirtualBox only what is VirtualBox's own is left out of it."""
    env = {**environment(), "VAGRANT_DEFAULT_PROVIDER": hypervisor}
    call = command("render", "vagrantfile", "--name", NAME, *options)
    text = subprocess.run(call, capture_output=True, text=True, env=env, check=True).stdout
    # What `lab up` makes before it calls Vagrant.
    (tmp_path / "key").touch()
    text = text.replace(str(STATE / "clusters" / NAME / "id_ed25519"), str(tmp_path / "key"))
    (tmp_path / "Vagrantfile").write_text(text)
    (tmp_path / "user-data").mkdir()
    for node in re.findall(r'name: "(core-\d+)"', text):
        (tmp_path / "user-data" / node).write_text("#cloud-config\n")
    validate = ["vagrant", "validate", *(["--ignore-provider"] if hypervisor == "virtualbox" else [])]
    done = subprocess.run(validate, capture_output=True, text=True, env=env, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "Vagrantfile").write_text(text.replace("box_check_update", "box_chek_update"))
    done = subprocess.run(validate, capture_output=True, text=True, env=env, cwd=tmp_path, check=False)
    assert done.returncode != 0, "a word that Vagrant does not know would not be noticed"


def test_no_vagrant(programs: Callable[..., Path]) -> None:
    said = refused(programs("vagrant"))
    assert "vagrant: program not found" in said
    assert "apt-get install vagrant" in said


def test_a_vagrant_that_is_too_old(programs: Callable[..., Path]) -> None:
    said = refused(
        programs("vagrant", 'case $1 in --version) echo Vagrant 1.9.8 ;; *) exec /usr/bin/vagrant "$@" ;; esac')
    )
    assert "Vagrant 1.9.8" in said
    assert "2.2 or later" in said


def test_no_plugin(programs: Callable[..., Path]) -> None:
    said = refused(programs("vagrant", 'case $1 in plugin) ;; *) exec /usr/bin/vagrant "$@" ;; esac'))
    assert "vagrant-libvirt: plugin not installed" in said
    assert "apt-get install vagrant-libvirt" in said


def test_no_hypervisor(programs: Callable[..., Path]) -> None:
    """virsh is asked for a libvirt that is not there."""
    elsewhere = 'exec /usr/bin/virsh --quiet --connect "qemu+unix:///system?socket=/nonexistent" version --daemon'
    said = refused(programs("virsh", elsewhere))
    assert "libvirt: does not answer" in said
    assert "systemctl start libvirtd" in said


def test_a_box_that_is_not_there(tmp_path: Path) -> None:
    said = refused(None, "--box", str(tmp_path / "none.box"))
    assert f"Couldn't open file {tmp_path}/none.box" in said
    assert "\x1b" not in said


def test_an_address_that_is_in_use() -> None:
    subprocess.run(["ip", "link", "add", "labtest1", "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", "10.99.9.5/24", "dev", "labtest1"], check=True)
        subprocess.run(["ip", "link", "set", "labtest1", "up"], check=True)
        said = refused(None, "--subnet", "10.99.9.0/24")
    finally:
        subprocess.run(["ip", "link", "delete", "labtest1"], check=True)
    assert "10.99.9.0/24: in use on this machine" in said
    assert "labtest1" in said


def test_a_full_disk() -> None:
    small = Path("/srv/coreos-lab-small")  # QEMU must get there: pytest's folders are closed to others
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", small], check=True)
    try:
        call = command("up", "--provider", "vagrant", "--name", NAME, "--nodes", "1")
        env = {**environment(), "LAB_STATE_DIR": str(small)}
        done = subprocess.run(call, capture_output=True, text=True, env=env, timeout=300, check=False)
        assert done.returncode == 4, done.stderr
        assert "GiB are needed" in done.stderr
        subprocess.run(command("destroy", "--name", NAME), env=env, check=True, capture_output=True)
    finally:
        subprocess.run(["umount", small], check=True)
        small.rmdir()
