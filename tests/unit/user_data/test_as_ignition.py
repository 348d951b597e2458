"""What a node has by a translated config is what Ignition itself would have put on its disk.

Both sides are trees of files: Ignition's by its documentation, from the config that its own parser read; the node's as
coreos-cloudinit writes files and units, from the cloud-config as it is written, and our script makes the rest.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coreos_lab.model import CloudConfig
from coreos_lab.user_data import document, reading, writing

ByCt = Callable[..., CloudConfig]


@dataclass(frozen=True)
class Entry:
    """What is at a path: a file's content, a directory (None) or a link (its target)."""

    content: bytes | str | None
    mode: int
    user: str = "0"
    group: str = "0"


Tree = dict[str, Entry]
SYSTEM = "/etc/systemd/system"


def by_ignition(found: dict[str, Any]) -> Tree:
    """The files of an Ignition config, with the contents that its parser decoded."""
    config, tree = found["config"], {}

    def owners(node: dict[str, Any]) -> tuple[str, str]:
        both = [node.get(key) or {} for key in ("user", "group")]
        user, group = (str(who.get("id", who.get("name", "0"))) for who in both)
        return user, group

    for each in config["storage"].get("directories", []):
        tree[each["path"]] = Entry(None, each.get("mode", 0o755), *owners(each))
    for each, content in zip(config["storage"].get("files", []), found["contents"], strict=True):
        data = base64.b64decode(content)
        data = gzip.decompress(data) if each["contents"].get("compression") else data
        tree[each["path"]] = Entry(data, each.get("mode", 0o644), *owners(each))
    for each in config["storage"].get("links", []):
        tree[each["path"]] = Entry(each["target"], 0o777)
    for each in config["systemd"].get("units", []):
        if each.get("contents"):
            tree[f"{SYSTEM}/{each['name']}"] = Entry(each["contents"].encode(), 0o644)
        if each.get("mask"):
            tree[f"{SYSTEM}/{each['name']}"] = Entry("/dev/null", 0o777)
        for drop_in in each.get("dropins", []):
            if drop_in.get("contents"):
                tree[f"{SYSTEM}/{each['name']}.d/{drop_in['name']}"] = Entry(drop_in["contents"].encode(), 0o644)
    return tree


def by_cloud_config(data: dict[str, Any]) -> tuple[Tree, str]:
    """The files of a cloud-config, and the script of the lab's own unit."""
    tree: Tree = {}
    script = ""
    for file in data.get("write_files", []):
        content = file["content"].encode()
        if file.get("encoding"):
            content = base64.b64decode(content)
            content = gzip.decompress(content) if file["encoding"].startswith("gzip") else content
        if "lab-ignition" in file["path"]:
            script = content.decode()
            continue
        user, _, group = file.get("owner", "").partition(":")
        tree[file["path"]] = Entry(content, int(file["permissions"], 8), user or "0", group or "0")
    for unit in data.get("coreos", {}).get("units", []):
        if unit["name"].startswith("lab-ignition"):
            continue
        if unit.get("content"):
            tree[f"{SYSTEM}/{unit['name']}"] = Entry(unit["content"].encode(), 0o644)
        if unit.get("mask"):
            tree[f"{SYSTEM}/{unit['name']}"] = Entry("/dev/null", 0o777)
        for drop_in in unit.get("drop_ins", []):
            tree[f"{SYSTEM}/{unit['name']}.d/{drop_in['name']}"] = Entry(drop_in["content"].encode(), 0o644)
    return tree, script


def carried_out(script: str, folder: Path) -> Tree:
    """What the script makes in a folder, twice as at two boots."""
    assert not any(program in script for program in ("groupadd", "usermod", "systemctl")), "these are the machine's"
    for _boot in range(2):
        subprocess.run(["/bin/sh", "-c", script], check=True, capture_output=True)
    tree: Tree = {}
    for path in folder.iterdir():
        status = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else None
        tree[str(path)] = Entry(content, stat.S_IMODE(status.st_mode), str(status.st_uid), str(status.st_gid))
    return tree


words = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="/"), min_size=1, max_size=8)
text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
odd = st.sampled_from([b"$private_ipv4\n", b"\\$a\n", b""])
contents = st.one_of(st.binary(max_size=40), text.map(str.encode), odd)
owner = st.fixed_dictionaries({}, optional={"id": st.integers(0, 9999)})
named = owner | st.fixed_dictionaries({"name": st.sampled_from(["core", "me", "web"])})
names = words.map(lambda word: word.strip() or "x").filter(lambda name: name.strip("."))


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    content = draw(contents)
    form = draw(st.sampled_from(["base64", "percent", "gzip"]))
    if form == "percent":
        about: dict[str, Any] = {"source": "data:," + "".join(f"%{byte:02x}" for byte in content)}
    else:
        data = gzip.compress(content) if form == "gzip" else content
        about = {"source": "data:;base64," + base64.b64encode(data).decode()}
        about |= {"compression": "gzip"} if form == "gzip" else {}
    more = draw(st.fixed_dictionaries({}, optional={"mode": st.integers(0, 0o777), "user": named, "group": named}))
    return {"filesystem": "root", "contents": about, **more}


unit_text = st.lists(
    st.sampled_from(
        ["[Unit]", "Description=a b: #c", "[Service]", "ExecStart=/bin/sh -c 'echo \"$HOME\" %i'", "# é", "\tA=b", ""]
    ),
    max_size=6,
).map(lambda lines: "\n".join(["[Unit]", *lines, ""]))


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    def some(what: st.SearchStrategy[dict[str, Any]]) -> list[dict[str, Any]]:
        return draw(st.lists(what, max_size=3))

    places = iter(draw(st.lists(names, min_size=9, max_size=9, unique=True)))
    directory = st.fixed_dictionaries({}, optional={"mode": st.integers(0, 0o7777), "user": owner, "group": owner})
    target = {"target": words.map(lambda word: f"../{word}")}
    link = st.fixed_dictionaries(target, optional={"overwrite": st.booleans()})
    unit = st.fixed_dictionaries(
        {},
        optional={
            "contents": unit_text,
            "dropins": st.lists(st.fixed_dictionaries({"contents": unit_text}), max_size=2),
            "mask": st.booleans(),
        },
    )
    units = [{"name": f"u{number}.service", **each} for number, each in enumerate(some(unit))]
    for each in units:
        each["dropins"] = [{"name": f"{n}.conf", **drop_in} for n, drop_in in enumerate(each.get("dropins", []))]
    return {
        "ignition": {"version": draw(st.sampled_from(["2.2.0", "2.3.0", "2.4.0"]))},
        "storage": {
            "directories": [{**each, "filesystem": "root", "path": next(places)} for each in some(directory)],
            "files": [{**each, "path": f"/srv/{next(places)}"} for each in some(files())],
            "links": [{**each, "filesystem": "root", "path": next(places)} for each in some(link)],
        },
        "systemd": {"units": units},
    }


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
@settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(config=configs())
def test_a_node_has_what_ignition_would_write(config: dict[str, Any], by_ct: ByCt, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    try:
        for each in (*config["storage"]["directories"], *config["storage"]["links"]):
            each["path"] = f"{folder}/{each['path']}"
        read = by_ct(json.dumps(config))
        written = writing.write(reading.read(read).data, "a test")
        tree, script = by_cloud_config(document.read(written, "written").data)
        assert tree | carried_out(script, folder) == by_ignition(json.loads(read.transpiled))
    finally:
        shutil.rmtree(folder)
