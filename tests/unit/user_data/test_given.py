"""--cloud-config and --metadata as they are typed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coreos_lab.errors import UsageError
from coreos_lab.model import CloudConfig, MachineMetadata
from coreos_lab.user_data import given

BODY = "#cloud-config\ncoreos: {update: {group: beta}}\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.yml").write_text(BODY)
    (tmp_path / "a:b.yml").write_text(BODY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_for_all_nodes_or_for_one(here: Path) -> None:
    found = given.cloud_configs(["mine.yml", f"core-01:{here}/mine.yml"])
    path = str(here / "mine.yml")
    assert found == (CloudConfig("", path, BODY), CloudConfig("core-01", path, BODY))
    assert given.cloud_configs([]) is None
    assert given.cloud_configs(None) is None


def test_a_name_may_have_a_colon() -> None:
    assert [each.node for each in given.cloud_configs(["a:b.yml", "core-01:a:b.yml"]) or ()] == ["", "core-01"]


def test_no_file_takes_it_away() -> None:
    assert given.cloud_configs(["core-01:", ""]) == (CloudConfig("core-01", "", ""), CloudConfig("", "", ""))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["none.yml"], "--cloud-config none.yml: No such file"),
        (["core-01:none.yml"], "--cloud-config none.yml: No such file"),
        (["."], "--cloud-config .: Is a directory"),
        (["mine.yml", "./mine.yml"], "--cloud-config ./mine.yml: a second one for all nodes"),
        (["empty.yml"], "empty.yml:1: the first line must be #cloud-config"),
        (["latin.yml"], "latin.yml:2: not UTF-8"),
        (["binary"], "binary:1: not UTF-8"),
        (["zeros"], "zeros:1: the first line must be #cloud-config: there is '\\x00"),
        (["two.ct"], "two.ct:2: not YAML"),
        (["mine.ign"], "mine.ign:2: not JSON"),
        (["big.yml"], "big.yml: more than 262144 bytes"),
        (["/dev/zero"], "/dev/zero: more than 262144 bytes"),
        (["a\0b"], "--cloud-config a\0b: "),
        (["x" * 5000], "--cloud-config xxx"),
    ],
)
def test_what_cannot_be_read_is_named(options: list[str], message: str, here: Path) -> None:
    (here / "empty.yml").touch()
    (here / "latin.yml").write_bytes(b"#cloud-config\n# caf\xe9\n")
    (here / "binary").write_bytes(b"\x7fELF\x02\x01\xff\0")
    (here / "zeros").write_bytes(b"\0" * 5000)
    (here / "two.ct").write_text("systemd: {}\n---\nsystemd: {}\n")
    (here / "mine.ign").write_text("{\n]")
    (here / "big.yml").write_text("#cloud-config\n" + "#" * 2**20)
    with pytest.raises(UsageError) as caught:
        given.cloud_configs(options)
    assert caught.value.message.startswith(message)


def test_a_pipe_is_read_once(here: Path) -> None:
    out, into = os.pipe()
    os.write(into, BODY.encode())
    os.close(into)
    assert [each.text for each in given.cloud_configs([f"/dev/fd/{out}"]) or ()] == [BODY]
    os.close(out)
    del here


def test_metadata_is_gathered_by_node() -> None:
    found = given.machine_metadata(["core-01:disk=ssd,role=db", "zone=a:1", "core-01:x=y", "core-02:"])
    assert found == (
        MachineMetadata("core-01", "disk=ssd,role=db,x=y"),
        MachineMetadata("", "zone=a:1"),
        MachineMetadata("core-02", ""),
    )


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("disk", "'disk' is no pair KEY=VALUE"),
        ("core-01:disk", "'disk' is no pair KEY=VALUE"),
        ("core-01:a=b,", "'' is no pair KEY=VALUE"),
        ("=b", "'': no key"),
        ("a/b=c", "'a/b': no key"),
        ("a=", "a: '': no value"),
        ("a=b c", "a: 'b c': no value"),
        ('a="b"', "a: '\"b\"': no value"),
        ("a=b=c", "a: 'b=c': no value"),
        ("a=1,a=2", "a is given twice"),
    ],
)
def test_pairs_that_are_none_are_named(option: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        given.machine_metadata([option])
    assert caught.value.message.startswith(f"--metadata {option}: {why}")


def test_the_same_key_in_two_options_is_refused() -> None:
    with pytest.raises(UsageError, match="a is given twice"):
        given.machine_metadata(["core-01:a=1", "core-01:a=2"])
