"""The userland: Container Linux's own programs, built from pinned Go modules into one archive.

The modules under `userland/` fix every version by go.sum. The archive can be unpacked at the root of any machine that a
provider makes; it holds opt/coreos-lab/bin.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event

from coreos_lab import disk, events, namespaces, run, settings
from coreos_lab.errors import LabError
from coreos_lab.machine_image import corrections
from coreos_lab.machine_image.corrections import LEASES, Correction
from coreos_lab.machine_image.go_toolchain import find_go

PREFIX = "opt/coreos-lab/bin"


@dataclass(frozen=True)
class Program:
    """One program: built in `folder` of userland/ from the Go `package`, also installed under the names `links`.

    `stamp` is the Go variable that holds its version, where the program does not know it by itself. `cgo` says that it
    has parts in C. `corrections` are made in the modules that it is built from. `constants` are more Go variables that
    the linker sets, as NAME=VALUE.
    """

    name: str
    folder: str
    package: str
    version: str
    stamp: str = ""
    cgo: bool = False
    links: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    constants: tuple[str, ...] = field(default=(), repr=False)  # hashes have them, too: from the call of go


# By folder, and the folder that takes longest first: see _build.
PROGRAMS = (
    Program("etcd", "etcd", "go.etcd.io/etcd/server/v3", "3.5.35"),
    Program("etcdctl", "etcd", "go.etcd.io/etcd/etcdctl/v3", "3.5.35"),
    # C: the packet loop of the udp backend.
    Program(
        "flanneld",
        "flannel",
        "github.com/flannel-io/flannel",
        "0.15.1",
        stamp="github.com/flannel-io/flannel/version.Version",
        cgo=True,
        corrections=(LEASES,),
    ),
    # fleet panics at its first step where its version is no version.
    Program("fleetd", "fleet", "github.com/coreos/fleet", "1.0.0", stamp="github.com/coreos/fleet/version.Version"),
    Program(
        "fleetctl",
        "fleet",
        "github.com/coreos/fleet/fleetctl",
        "1.0.0",
        stamp="github.com/coreos/fleet/version.Version",
    ),
    # C: reading utmp, for whom to warn of a reboot.
    Program(
        "locksmithctl",
        "locksmith",
        "github.com/coreos/locksmith/locksmithctl",
        "0.6.2",
        cgo=True,
        links=("locksmithd",),
    ),
    Program("coreos-cloudinit", "cloudinit", "github.com/coreos/coreos-cloudinit", "1.14.0", stamp="main.version"),
    Program("update-engine", "update-engine", ".", "1", links=("update_engine_client",)),
)


def userland_hash() -> str:
    """The content hash of sources and build flags. Reads files only; takes milliseconds and needs no Go."""
    commands = [build_command(Path("go"), program, Path(program.name)) for program in PROGRAMS]
    return disk.content_hash([*sources(PROGRAMS), repr((PREFIX, PROGRAMS, commands))])


def sources(programs: Iterable[Program]) -> Iterator[str]:
    """What a build of the programs reads, wherever the checkout lies and whatever its modes: no tests, no README."""
    root = settings.data("userland")
    folders = {program.folder for program in programs}
    for path in sorted(root.rglob("*")):
        inner = path.relative_to(root)
        source = path.suffix == ".go" and not path.name.endswith("_test.go") and "testdata" not in inner.parts
        if inner.parts[0] in folders and (source or path.name in {"go.mod", "go.sum"}):
            yield f"{inner}\n{path.read_text(encoding='utf-8')}"


def userland_folder() -> Path:
    """Where the userland of these sources lies, or would lie."""
    return settings.state_dir() / "userland" / userland_hash()


def build_command(go: Path, program: Program, output: Path) -> list[str]:
    """The go call that builds a program: reproducible (no paths, no version control), stripped and static.

    Static also where there is C: the node's C library may be older than that of the machine which builds.
    """
    flags = ["-s", "-w"]
    if program.stamp:
        flags += ["-X", f"{program.stamp}={program.version}"]
    for constant in program.constants:
        flags += ["-X", constant]
    tags = []
    if program.cgo:
        flags += ["-linkmode=external", "-extldflags=-static"]
        tags = ["-tags=netgo,osusergo"]  # Go's own resolvers: the C library's cannot be linked statically
    corrected = ["-mod=vendor"] if program.corrections else []
    common = ["-v", "-trimpath", "-buildvcs=false", *corrected, *tags, f"-ldflags={' '.join(flags)}"]
    return [str(go), "build", *common, "-o", str(output), program.package]


def build_environment(program: Program) -> dict[str, str]:
    """What go is told by environment, so that the user's own settings do not change what is built.

    Where modules come from and where go keeps them stays the user's choice.
    """
    environment = {
        "GOFLAGS": "-mod=readonly",  # not empty: then the user's own of `go env -w` would count
        "GOOS": "linux",
        "GOROOT": "",  # empty: go then finds its own
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "CGO_ENABLED": "1" if program.cgo else "0",
    }
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
    """Builds two folders at a time: go itself uses every core, but not while it downloads or links.

    Programs of one folder share most of their packages, so that they are built one after the other.
    """
    go = find_go()
    find_compiler(PROGRAMS)
    (draft / "bin").mkdir()
    (draft / "work").mkdir()  # in the draft, since a go that is killed leaves hundreds of megabytes
    stop = Event()
    with ThreadPoolExecutor(max_workers=2) as pool:
        folders = dict.fromkeys(program.folder for program in PROGRAMS)
        jobs = [pool.submit(_build_folder, folder, go, draft, stop) for folder in folders]
        try:
            for job in as_completed(jobs):
                job.result()
        except BaseException:  # one failed, or Ctrl-C: nobody wants to wait for all the others
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    disk.remove_tree(draft / "work")
    (draft / "manifest.json").write_text(json.dumps(manifest(draft / "bin"), indent=2) + "\n", encoding="utf-8")
    write_archive(draft / "bin", draft / "userland.tar.gz")


def find_compiler(programs: Iterable[Program]) -> None:
    """LabError where one of the programs has parts in C, and there is no compiler for them."""
    parts = ", ".join(program.name for program in programs if program.cgo)
    compiler = (os.environ.get("CC") or "gcc").split()[0]  # where go looks for it, too
    if parts and run.which(compiler) is None:
        raise LabError(f"{compiler}: no C compiler, which {parts} need", "apt-get install gcc libc6-dev")


def _build_folder(folder: str, go: Path, draft: Path, stop: Event) -> None:
    target = draft / "bin"
    for program in PROGRAMS:
        if program.folder == folder and not stop.is_set():
            build_program(program, go, target / program.name, draft / "work", stop)
            for link in program.links:
                (target / link).symlink_to(program.name)


def build_program(program: Program, go: Path, output: Path, work: Path, stop: Event | None = None) -> None:
    """Builds one program, with `work` for what is half done. Raises CommandError with the compiler's last lines."""
    log_file = settings.state_dir() / "logs" / f"userland-{program.name}.log"
    cwd = settings.data("userland") / program.folder
    env = {**build_environment(program), "GOTMPDIR": str(work)}
    with events.step("userland", program.name, program.version):
        if program.corrections:
            source, cwd = cwd, work / f"{program.name}-corrected"
            corrections.correct(program.corrections, go, source, cwd, log_file=log_file, env=env, stop=stop)
        run.stream(
            namespaces.contained(build_command(go, program, output)),
            log_file=log_file,
            env=env,
            cwd=cwd,
            stop=stop,
            outside=True,
        )


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
        gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed,  # twice as fast as the default, a tenth larger
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for parent in reversed(Path(PREFIX, "x").parents[:-2]):  # without /opt itself, which the machine has
            entry = tarfile.TarInfo(str(parent))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for path in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(f"{PREFIX}/{path.name}")
            entry.mode = 0o755
            if path.is_symlink():
                entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
                tar.addfile(entry)
            else:
                entry.size = path.stat().st_size
                with path.open("rb") as payload:
                    tar.addfile(entry, payload)
