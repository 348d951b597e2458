"""The lab on a host of the users' kind, with systemd as PID 1 and version 2 cgroups alone.

On such a machine every other test is one of this; elsewhere, as in a CI container, such a host is made here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from coreos_lab import disk, run, settings, wait
from coreos_lab.machine_image import debian
from tests.e2e.calls import ROOT, Result, until

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or run.systemd_is_init(), reason="needs root, and is for hosts whose PID 1 is not systemd"
)
PACKAGES = (
    "systemd,systemd-sysv,dbus,systemd-container,python3,iproute2,nftables,openssh-client,procps,buildah,docker-registry,"
    "nodejs,npm,graphviz,kmod,ca-certificates,mmdebstrap,fdisk,e2fsprogs"
)
NAME = "coreos-lab-test-host"
PATIENCE = 600.0  # seconds for one command


class Host:
    """A host that can be switched off and on again."""

    def __init__(self, tree: Path, folder: Path) -> None:
        self._call = [Path(__file__).with_name("host.sh"), tree, folder, settings.state_dir(), ROOT]
        self._console = folder / "console.log"
        self._power: subprocess.Popen[bytes] | None = None

    def boot(self) -> None:
        with self._console.open("ab") as out:
            self._power = subprocess.Popen(
                ["unshare", "--mount", *map(str, self._call)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        up = ("running", "degraded")
        until(lambda: self.run("systemctl", "is-system-running", code=None).out.strip() in up, deadline=60)

    def power_off(self) -> None:
        if self._power is not None:
            self.run("systemctl", "poweroff", code=None)
            try:
                self._power.wait(60)
            except subprocess.TimeoutExpired:
                self._power.kill()
            self._power = None

    def run(self, *argv: str, code: int | None = 0) -> Result:
        """A command in there, by a service that ends with it: what is to outlive it must see to that."""
        assert self._power is not None
        asked = ["pgrep", "--parent", str(self._power.pid)]
        children = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
        if not children:
            return Result(1, "", "it has not begun to boot")
        inside = ["nsenter", "--target", children[0], "--all", "--wdns=/"]
        service = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--setenv=PATH={os.defpath}:/usr/sbin"]
        libraries = f"--setenv=PYTHONPATH={ROOT}:{sysconfig.get_paths()['purelib']}"
        call = [*inside, *service, libraries, "--setenv=HOME=/root", "--", *argv]
        done = subprocess.run(call, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if code is not None:
            assert done.returncode == code, f"{' '.join(argv)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return Result(done.returncode, done.stdout, done.stderr)

    def lab(self, *argv: str, code: int | None = 0) -> Result:
        entry = "from coreos_lab.cli import main; main()"
        return self.run("python3", "-c", entry, *argv, code=code)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    options = [f"--include={PACKAGES}"]
    cached = settings.state_dir() / "test-host" / disk.content_hash([*debian.inputs(), *options])

    def build(draft: Path) -> None:
        debian.make_tree(draft / "rootfs", options, log_file=settings.state_dir() / "logs" / "test-host.log")

    folder = tmp_path / NAME
    folder.mkdir()
    made = Host(disk.cached_folder(cached, "building the test host", build) / "rootfs", folder)
    made.boot()
    made.run("systemctl", "disable", "--quiet", "--now", "docker-registry.service")  # as our bootstrap does
    yield made
    if "core" in made.lab("list", code=None).out:
        made.lab("destroy", "--yes", code=None)
    made.power_off()
    for group in sorted(Path("/sys/fs/cgroup").glob(f"**/{NAME}/**/"), reverse=True):
        group.rmdir()


def checks_pass(host: Host) -> bool:
    return host.lab("check", code=None).code == 0


def test_the_path_through_it_all(host: Host) -> None:
    host.lab("doctor")
    host.lab("up", "--nodes", "3")
    units = host.run("systemctl", "--plain", "--no-legend", "list-units", "coreos-lab-*").out
    assert [line.split()[0] for line in units.splitlines()] == [f"coreos-lab-core-core-0{n}.service" for n in (1, 2, 3)]
    host.lab("deploy", "ch3")
    assert host.run("pgrep", "--exact", "--count", "docker-registry").out == "1\n", "it has ended with its command"
    for fault in ("kill", "pause", "halt"):
        verdict = json.loads(host.lab("break", "core-02", "--fault", fault, "--for", "3s", "--verify", "--json").out)
        assert verdict["outcome"] == "pass", verdict

    host.lab("break", "core-03", "--fault", "isolate")
    host.power_off()
    host.boot()
    assert [node["state"] for node in json.loads(host.lab("status", "--json").out)["nodes"]] == ["stopped"] * 3
    host.lab("heal")
    wait.until(lambda: checks_pass(host), deadline=180, missing="the checks do not pass again", interval=1)

    host.lab("destroy", "--yes")
    assert host.run("systemctl", "--plain", "--no-legend", "--all", "list-units", "coreos-lab*").out == ""
    assert host.run("nft", "list", "tables").out == ""
    assert [line.split()[0] for line in host.run("ip", "--brief", "link").out.splitlines()] == ["lo"]
