"""The userland: Container Linux's own programs, built from pinned Go modules into one archive.

The modules under `userland/` fix every version by go.sum. The archive can be unpacked at the root of any machine that a
provider makes; it holds opt/coreos-lab/bin.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from coreos_lab import disk, events, run, settings
from coreos_lab.errors import LabError
from coreos_lab.machine_image.go_toolchain import find_go

PREFIX = "opt/coreos-lab/bin"
FLEET_VERSION = "-X github.com/coreos/fleet/version.Version=1.0.0"  # without it fleet panics at its first step


@dataclass(frozen=True)
class Program:
    """One program: built in `folder` of userland/ from the Go `package`, also installed under the names `links`."""

    name: str
    folder: str
    package: str
    version: str
    ldflags: str = ""
    cgo: bool = False
    links: tuple[str, ...] = ()


PROGRAMS = (
    Program("etcd", "etcd", "go.etcd.io/etcd/server/v3", "3.5.35"),
    Program("etcdctl", "etcd", "go.etcd.io/etcd/etcdctl/v3", "3.5.35"),
    Program("fleetd", "fleet", "github.com/coreos/fleet", "1.0.0", FLEET_VERSION),
    Program("fleetctl", "fleet", "github.com/coreos/fleet/fleetctl", "1.0.0", FLEET_VERSION),
    # cgo: the udp backend's packet loop is C.
    Program("flanneld", "flannel", "github.com/flannel-io/flannel", "0.15.1", cgo=True),
    Program("coreos-cloudinit", "cloudinit", "github.com/coreos/coreos-cloudinit", "1.14.0"),
    Program(
        "locksmithctl",
        "locksmith",
        "github.com/coreos/locksmith/locksmithctl",
        "0.6.2",
        cgo=True,
        links=("locksmithd",),
    ),
    Program("update-engine", "update-engine", ".", "1", links=("update_engine_client",)),
)


def userland_hash() -> str:
    """The content hash of sources and build flags. Reads files only; takes milliseconds and needs no Go."""
    return disk.content_hash([settings.data("userland"), repr(PROGRAMS)])


def userland_folder() -> Path:
    """Where the userland of these sources lies, or would lie."""
    return settings.state_dir() / "userland" / userland_hash()


def build_command(go: Path, program: Program, output: Path) -> list[str]:
    """The go call that builds a program: reproducible (no paths, no version control) and stripped."""
    flags = f"-s -w {program.ldflags}".strip()
    common = ["-mod=readonly", "-trimpath", "-buildvcs=false", f"-ldflags={flags}"]
    return [str(go), "build", *common, "-o", str(output), program.package]


def build_environment(program: Program) -> dict[str, str]:
    """What go is told by environment: nothing of the user's settings may change what is built."""
    environment = {"GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "1" if program.cgo else "0"}
    if not os.environ.get("HOME"):  # go finds its caches by it; a service has none
        environment["GOPATH"] = str(settings.state_dir() / "go")
        environment["GOCACHE"] = str(settings.state_dir() / "go-cache")
    return environment


def ensure_userland() -> Path:
    """The folder with `bin/`, `userland.tar.gz` and `manifest.json`; built if it is not there, some minutes, once.

    Raises CommandError with the compiler's last lines, LabError where there is no Go or C compiler.
    """
    return disk.cached_folder(userland_folder(), "building the userland", _build)


def _build(draft: Path) -> None:
    go = find_go()
    if run.which("cc") is None:
        raise LabError("cc: no C compiler, which flannel needs", "apt-get install gcc libc6-dev")
    (draft / "bin").mkdir()

    def build(program: Program) -> None:
        with events.step("userland", program.name, program.version):
            run.stream(
                build_command(go, program, draft / "bin" / program.name),
                log_file=settings.state_dir() / "logs" / f"userland-{program.name}.log",
                env=build_environment(program),
                cwd=settings.data("userland") / program.folder,
            )
        for link in program.links:
            (draft / "bin" / link).symlink_to(program.name)

    with ThreadPoolExecutor(max_workers=2) as pool:  # go itself uses every core; two hide each other's downloads
        for job in [pool.submit(build, program) for program in PROGRAMS]:
            job.result()
    (draft / "manifest.json").write_text(json.dumps(manifest(draft / "bin"), indent=2) + "\n", encoding="utf-8")
    write_archive(draft / "bin", draft / "userland.tar.gz")


def manifest(folder: Path) -> list[dict[str, object]]:
    """What was built: each program with its version, size and SHA-256."""
    described = []
    for program in PROGRAMS:
        payload = (folder / program.name).read_bytes()
        described.append({**asdict(program), "size": len(payload), "sha256": hashlib.sha256(payload).hexdigest()})
    return described


def write_archive(folder: Path, archive: Path) -> None:
    """Packs a folder's files as opt/coreos-lab/bin, the same bytes for the same files."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for path in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(f"{PREFIX}/{path.name}")
            if path.is_symlink():
                entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
                tar.addfile(entry)
            else:
                payload = path.read_bytes()
                entry.size, entry.mode = len(payload), 0o755
                tar.addfile(entry, io.BytesIO(payload))
