"""Files, directories and links of an Ignition config."""

from __future__ import annotations

import base64
import hashlib
import posixpath
import re
import shlex
import zlib
from typing import Any

from coreos_lab.user_data.draft import Draft
from coreos_lab.user_data.parsed import Path

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
WRITTEN_AGAIN = "a node writes it again at each boot"
MODE_MAX = 0o777  # coreos-cloudinit sets no other bits
UNPACKED_MAX = 16 * 2**20  # bytes of a compressed file


def translate(draft: Draft, storage: dict[str, Any], contents: list[str | None]) -> None:
    """Files as coreos-cloudinit writes them; directories and links by the script.

    `contents` are the files' own, in base64: None for those that would have to be fetched.
    """
    for number, directory in enumerate(storage.get("directories", [])):
        here: Path = ("storage", "directories", number)
        if _place(draft, directory, here):
            if directory.get("overwrite"):
                draft.refuse((*here, "overwrite"), "what is in the directory would be lost at each boot")
            mode, path = directory.get("mode"), shlex.quote(directory["path"])
            draft.script += [f"install --directory --mode={0o755 if mode is None else mode:04o} {path}"]
            draft.script += [f"chown -- {_names(directory)} {path}"]
            draft.makes(directory["path"], (*here, "path"))
    for number, file in enumerate(storage.get("files", [])):
        where: Path = ("storage", "files", number)
        if _place(draft, file, where):
            _file(draft, file, where, contents[number])
    for number, link in enumerate(storage.get("links", [])):
        here = ("storage", "links", number)
        if _place(draft, link, here):
            _link(draft, link, here)


def _place(draft: Draft, node: dict[str, Any], here: Path) -> bool:
    if node.get("filesystem") != "root":
        name = str(node.get("filesystem"))[:40]
        draft.refuse((*here, "filesystem"), f"{name}: a node has one file system", "write filesystem: root")
        return False
    if CONTROL.search(node["path"]):
        draft.refuse((*here, "path"), "a path with control characters", "write another path")
        return False
    return True


def _owner(node: dict[str, Any]) -> tuple[str, str]:
    """User and group by number or name, "" for root."""
    found = []
    for key in ("user", "group"):
        who = node.get(key) or {}
        found.append(str(who["id"]) if who.get("id") is not None else str(who.get("name", "")))
    return found[0], found[1]


def _names(node: dict[str, Any]) -> str:
    """The owners as chown wants them: by number or name, where none is given root."""
    user, group = _owner(node)
    return shlex.quote(f"{user or 0}:{group or 0}")


def _file(draft: Draft, file: dict[str, Any], here: Path, content: str | None) -> None:
    if file.get("append"):
        draft.refuse((*here, "append"), f"{WRITTEN_AGAIN}, and would append at each", "write the whole file")
    if file.get("overwrite") is False:
        draft.refuse((*here, "overwrite"), WRITTEN_AGAIN)
    mode = file.get("mode")
    mode = 0o644 if mode is None else mode
    if mode > MODE_MAX:
        why = f"{mode:o} in octal digits, and a node sets 777 at most"
        draft.refuse((*here, "mode"), why, "write octal as 0644 in YAML, decimal as 420 in JSON")
    about = file.get("contents") or {}
    if content is None:
        if draft.snake:
            draft.refuse((*here, "contents", "remote", "url"), "a node fetches nothing when it boots", "use inline:")
        else:
            draft.refuse((*here, "contents", "source"), "a node fetches nothing when it boots", "use a data: URL")
        return
    entry: dict[str, Any] = {"path": file["path"], "permissions": f"{mode:04o}"}
    data = base64.b64decode(content)
    plain = _checked(draft, about, (*here, "contents"), data)
    if about.get("compression"):
        entry |= {"encoding": "gzip+base64", "content": content}
    elif _is_text(plain):
        entry["content"] = plain.decode()
    else:
        entry |= {"encoding": "base64", "content": content}
    user, group = _owner(file)
    if group in draft.groups:  # which come after the files
        draft.script.append(f"chown -- {_names(file)} {shlex.quote(file['path'])}")
    elif user or group:
        entry["owner"] = f"{user}:{group}" if group else user
    draft.append("write_files", entry, here)


def _checked(draft: Draft, about: dict[str, Any], here: Path, data: bytes) -> bytes:
    """A file's content as Ignition would write it, which its hash is of."""
    if about.get("compression"):
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            data = unpacker.decompress(data, UNPACKED_MAX)
        except zlib.error:
            data = b""
        if not unpacker.eof or unpacker.unused_data:
            draft.refuse((*here, "compression"), f"not gzip, or more than {UNPACKED_MAX} bytes", "compress it again")
            return data
    if wanted := (about.get("verification") or {}).get("hash"):
        kind, _, digest = wanted.partition("-")
        if hashlib.new(kind, data).hexdigest() != digest.lower():
            draft.refuse((*here, "verification", "hash"), "it is not the hash of this content", "correct one of them")
    return data


def _is_text(data: bytes) -> bool:
    """Whether a content can be written as it is: text in which coreos-cloudinit finds nothing to replace."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    return not any(f"${name}_ipv" in text for name in ("private", "public")) and all(
        char.isprintable() or char in "\n\t" for char in text
    )


def _link(draft: Draft, link: dict[str, Any], here: Path) -> None:
    if link.get("hard"):
        draft.refuse((*here, "hard"), "a node makes symbolic links alone")
    if any(_owner(link)):
        draft.refuse((*here, "user" if link.get("user") else "group"), "the links of a node are root's")
    target = link.get("target", "")
    if not target or CONTROL.search(target):
        draft.refuse((*here, "target"), "no target, or one with control characters", "name the file that it leads to")
        return
    path, target = shlex.quote(link["path"]), shlex.quote(target)
    draft.script.append(f"mkdir --parents {shlex.quote(posixpath.dirname(link['path']))}")
    if not link.get("overwrite"):
        said = shlex.quote(f"{link['path']}: there already, and no link")
        draft.script.append(f"[ -L {path} ] || [ ! -e {path} ] || {{ echo {said} >&2; exit 1; }}")
    draft.script.append(f"ln --symbolic --force --no-target-directory -- {target} {path}")
    draft.makes(link["path"], (*here, "path"))
