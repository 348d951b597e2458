"""The userland: calls of go that give the same bytes anywhere, what its hash covers, and its archive."""

from __future__ import annotations

import gzip
import json
import re
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import run, settings
from coreos_lab.errors import LabError
from coreos_lab.machine_image import userland
from coreos_lab.machine_image.corrections import Correction
from coreos_lab.machine_image.program_sets import SETS
from coreos_lab.machine_image.userland import PROGRAMS, Program, build_command, build_environment, ensure_userland

REPOSITORY_USERLAND = settings.data("userland")


ALL = [*PROGRAMS, *(program for programs in SETS.values() for program in programs)]


@pytest.mark.parametrize("program", ALL, ids=lambda program: program.name)
def test_the_table_says_what_go_mod_pins(program: Program) -> None:
    text = (REPOSITORY_USERLAND / program.folder / "go.mod").read_text()
    if program.package == ".":
        assert (REPOSITORY_USERLAND / program.folder / "main.go").is_file()
        return
    pins = dict(re.findall(r"^\t(\S+) v(\S+)", text, re.MULTILINE))
    module = max((name for name in pins if program.package.startswith(name)), key=len)
    assert pins[module] == program.version


def test_programs_of_a_folder_stand_together() -> None:
    folders = [program.folder for program in PROGRAMS]
    assert folders == sorted(folders, key=folders.index)


def test_a_build_is_reproducible_and_stripped() -> None:
    command = build_command(Path("/go"), Program("a", "f", "example.org/a", "1"), Path("/out/a"))
    assert command[:2] == ["/go", "build"]
    assert {"-trimpath", "-buildvcs=false", "-ldflags=-s -w"} < set(command)
    assert command[-3:] == ["-o", "/out/a", "example.org/a"]


def test_a_program_is_told_its_version() -> None:
    command = build_command(Path("go"), Program("a", "f", ".", "1.2", stamp="main.version"), Path("a"))
    assert "-ldflags=-s -w -X main.version=1.2" in command


def test_the_linker_sets_constants_which_are_in_no_hash_but_by_the_call() -> None:
    with_constant = Program("a", "f", ".", "1", constants=("main.place=/opt/a",))
    assert "-ldflags=-s -w -X main.place=/opt/a" in build_command(Path("go"), with_constant, Path("a"))
    assert repr(with_constant) == repr(Program("a", "f", ".", "1"))


def test_c_is_linked_statically() -> None:
    program = Program("a", "f", ".", "1", cgo=True)
    assert any("-extldflags=-static" in argument for argument in build_command(Path("go"), program, Path("a")))
    assert build_environment(program)["CGO_ENABLED"] == "1"


def test_a_corrected_program_is_built_from_the_copies_beside_it() -> None:
    corrected = Program("a", "f", ".", "1", corrections=(Correction("example.org/a", "a.go", "x", "y"),))
    assert "-mod=vendor" in build_command(Path("go"), corrected, Path("a"))
    assert "-mod=vendor" not in build_command(Path("go"), Program("a", "f", ".", "1"), Path("a"))


def test_nothing_of_the_users_changes_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    environment = build_environment(Program("a", "f", ".", "1"))
    assert environment["GOFLAGS"] == "-mod=readonly"
    assert (environment["GOTOOLCHAIN"], environment["GOWORK"], environment["CGO_ENABLED"]) == ("local", "off", "0")
    assert not {"GOMODCACHE", "GOCACHE", "GOPATH", "GOPROXY"} & set(environment)


def test_without_a_home_the_caches_lie_with_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path))
    environment = build_environment(Program("a", "f", ".", "1"))
    assert environment["GOPATH"].startswith(str(tmp_path))
    assert environment["GOCACHE"].startswith(str(tmp_path))


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small userland of two folders, and state folders of its own."""
    root = tmp_path / "userland"
    for folder in ("one", "two"):
        (root / folder / "shim").mkdir(parents=True)
        (root / folder / "go.mod").write_text(f"module {folder}\n\ngo 1.26.0\n")
        (root / folder / "shim" / "shim.go").write_text("package shim\n")
    programs = (
        Program("first", "one", "example.org/first", "1.0"),
        Program("second", "one", "example.org/second", "1.0"),
        Program("third", "two", ".", "2", links=("thirdd",)),
    )
    monkeypatch.setattr(userland, "PROGRAMS", programs)
    monkeypatch.setattr(settings, "data", lambda _name: root)
    monkeypatch.setattr(userland, "find_go", lambda: Path("/go"))
    monkeypatch.setattr(userland, "find_compiler", lambda _programs: None)
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    return root


def test_the_hash_changes_with_what_is_built(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {userland.userland_hash()}

    def changed() -> bool:
        before = len(seen)
        seen.add(userland.userland_hash())
        return len(seen) > before

    assert not changed()
    (sources / "one" / "go.mod").write_text("module one\n\ngo 1.26.1\n")
    assert changed()
    (sources / "two" / "shim" / "shim.go").write_text("package shim // other\n")
    assert changed()
    (sources / "two" / "shim" / "more.go").write_text("package shim\n")
    assert changed()
    monkeypatch.setattr(userland, "PROGRAMS", userland.PROGRAMS[:2])
    assert changed()


def test_the_hash_stays_with_what_is_not_built(sources: Path) -> None:
    before = userland.userland_hash()
    (sources / "README.md").write_text("words\n")
    (sources / "one" / "shim" / "shim_test.go").write_text("package shim\n")
    (sources / "one" / "go.mod").chmod(0o600)  # somebody's umask
    assert userland.userland_hash() == before


Stream = Callable[..., run.Completed]


def fake_go(built: list[str], failing: str = "") -> Stream:
    """A go that writes a program's name into it."""

    def stream(argv: Sequence[str], **options: Any) -> run.Completed:
        output = Path(argv[argv.index("-o") + 1])
        assert options["cwd"].joinpath("go.mod").is_file()
        Path(options["env"]["GOTMPDIR"], "half-linked").touch()
        if output.name == failing:
            raise run.CommandError(run.Completed(tuple(argv), 1, "x.go:1: no", ""), "see the log")
        output.write_text(output.name)
        built.append(output.name)
        return run.Completed(tuple(argv), 0, "", "")

    return stream


@pytest.mark.usefixtures("sources")
def test_what_is_built_is_there_and_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr(run, "stream", fake_go(built))
    folder = ensure_userland()
    assert ensure_userland() == folder == userland.userland_folder()
    assert sorted(built) == ["first", "second", "third"]
    assert built.index("first") < built.index("second")
    assert {path.name for path in folder.iterdir()} == {"bin", "manifest.json", "userland.tar.gz"}
    assert (folder / "bin" / "thirdd").readlink() == Path("third")
    described = {entry["name"]: entry for entry in json.loads((folder / "manifest.json").read_text())}
    assert described["third"]["version"] == "2"
    assert described["third"]["size"] == len("third")
    assert len(described["third"]["sha256"]) == 64
    with tarfile.open(folder / "userland.tar.gz") as tar:
        members = {member.name: member for member in tar}
    assert list(members) == [
        "opt/coreos-lab",
        "opt/coreos-lab/bin",
        *(f"opt/coreos-lab/bin/{name}" for name in ("first", "second", "third", "thirdd")),
    ]
    assert {member.mode for member in members.values()} == {0o755}
    assert {(member.uid, member.gid, member.mtime) for member in members.values()} == {(0, 0, 0)}
    assert members["opt/coreos-lab/bin/thirdd"].linkname == "third"


def test_the_archive_has_the_same_bytes_for_the_same_programs(tmp_path: Path) -> None:
    archives = []
    for number, mode in enumerate((0o700, 0o755)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a").write_text("program")
        (folder / "a").chmod(mode)
        (folder / "b").symlink_to("a")
        archives.append(tmp_path / f"{number}.tar.gz")
        userland.write_archive(folder, archives[-1])
    assert archives[0].read_bytes() == archives[1].read_bytes()
    assert gzip.decompress(archives[0].read_bytes())


@pytest.mark.usefixtures("sources")
def test_one_that_fails_ends_the_build_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr(run, "stream", fake_go(built, failing="first"))
    with pytest.raises(run.CommandError, match="exit code 1") as caught:
        ensure_userland()
    assert "x.go:1: no" in caught.value.details
    assert "second" not in built
    assert not userland.userland_folder().exists()
    assert not list(userland.userland_folder().parent.glob("*.draft"))


@pytest.mark.usefixtures("sources")
def test_the_others_stop_with_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that is under way when another fails is ended, not waited for."""

    def stream(argv: Sequence[str], **options: Any) -> run.Completed:
        if options["cwd"].name == "one":
            raise KeyboardInterrupt
        assert options["stop"].wait(10), "the other build is not ended"
        raise run.CommandError(run.Completed(tuple(argv), -15, "", ""))

    monkeypatch.setattr(run, "stream", stream)
    with pytest.raises(KeyboardInterrupt):
        ensure_userland()


def test_no_compiler_is_said_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(run, "which", lambda _program: None)
    with pytest.raises(LabError, match="gcc: no C compiler, which flanneld, locksmithctl need") as caught:
        userland.find_compiler(PROGRAMS)
    assert caught.value.hint == "apt-get install gcc libc6-dev"


def test_the_users_own_compiler_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "ccache clang")
    looked_for: list[str] = []

    def which(program: str) -> Path:
        looked_for.append(program)
        return Path("/usr/bin") / program

    monkeypatch.setattr(run, "which", which)
    userland.find_compiler(PROGRAMS)
    assert looked_for == ["ccache"]
