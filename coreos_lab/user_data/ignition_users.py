"""Users and groups of an Ignition config."""

from __future__ import annotations

import re
from typing import Any

from coreos_lab.user_data.draft import Draft
from coreos_lab.user_data.parsed import Path

THERE = ("core", "root")  # users that each node has
NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
NO_NAME = "no name of a user or group: small letters, digits, _ and -"
# Ignition's key -> that of a cloud-config, which means the same to useradd.
CREATION = {
    "gecos": "gecos",
    "homeDir": "homedir",
    "noCreateHome": "no_create_home",
    "primaryGroup": "primary_group",
    "noUserGroup": "no_user_group",
    "noLogInit": "no_log_init",
    "shell": "shell",
    "system": "system",
}


def translate(draft: Draft, passwd: dict[str, Any]) -> None:
    """Users as coreos-cloudinit makes them; groups, and who is in these, by the script."""
    for number, group in enumerate(passwd.get("groups", [])):
        here: Path = ("passwd", "groups", number)
        name = group.get("name", "")
        if not NAME.fullmatch(name):
            draft.refuse((*here, "name"), f"{name[:40]!r}: {NO_NAME}", "write another name")
            continue
        if group.get("passwordHash"):
            draft.refuse((*here, "passwordHash"), "a node's groups have no passwords")
        draft.groups.append(name)
        options = [f"--gid {group['gid']}"] if group.get("gid") is not None else []
        options += ["--system"] if group.get("system") else []
        draft.script.append(" ".join([f"getent group {name} >/dev/null || groupadd", *options, name]))
    for number, user in enumerate(passwd.get("users", [])):
        _user(draft, user, ("passwd", "users", number))


def _user(draft: Draft, user: dict[str, Any], here: Path) -> None:
    name = user.get("name", "")
    if not NAME.fullmatch(name):
        draft.refuse((*here, "name"), f"{name[:40]!r}: {NO_NAME}", "write another name")
        return
    create = user.get("create")
    inner: Path = (*here, "create") if create is not None else here
    made = create if create is not None else user  # Ignition 2.0's way to write the same
    if made.get("uid") is not None:
        draft.refuse((*inner, "uid"), "a node gives out the numbers of users by itself")
    entry: dict[str, Any] = {"name": name}
    for key, ours in CREATION.items():
        if made.get(key) and name in THERE:
            draft.refuse((*inner, key), f"{name} is there already: only its keys, password and groups can be set")
        elif made.get(key):
            entry[ours] = made[key]
    if made.get("primaryGroup") in draft.groups:
        draft.refuse((*inner, "primaryGroup"), "users are made before these groups", "write it into groups:")
    if early := _groups(draft, name, made.get("groups", []), (*inner, "groups")):
        entry["groups"] = early
    if user.get("passwordHash"):  # an empty one is no password, as without the key
        entry["passwd"] = user["passwordHash"]
    if user.get("sshAuthorizedKeys"):
        entry["ssh_authorized_keys"] = user["sshAuthorizedKeys"]
    draft.append("users", entry, here)


def _groups(draft: Draft, user: str, groups: list[str], here: Path) -> list[str]:
    """The groups that a user is made with. Those that are not there yet, and those of a user who is, come later."""
    early = []
    for number, group in enumerate(groups):
        if not NAME.fullmatch(group):
            draft.refuse((*here, number), f"{group[:40]!r}: {NO_NAME}", "write another name")
        elif group in draft.groups or user in THERE:
            draft.script.append(f"usermod --append --groups {group} {user}")
        else:
            early.append(group)
    return early
