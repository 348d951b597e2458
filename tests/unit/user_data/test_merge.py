"""Whose value wins, what is appended, and by which key entries are matched."""

from __future__ import annotations

from typing import Any

from coreos_lab.user_data.merge import merged

LAB: dict[str, Any] = {
    "hostname": "core-01",
    "ssh_authorized_keys": ["lab"],
    "coreos": {
        "etcd2": {"name": "core-01", "initial_cluster": "core-01=x", "initial_cluster_state": "new", "debug": False},
        "fleet": {"public_ip": "$private_ipv4"},
        "units": [
            {"name": "etcd2.service", "command": "start"},
            {"name": "docker.service", "drop_ins": [{"name": "50.conf", "content": "lab"}]},
            {"name": "locksmithd.service", "command": "start"},
        ],
    },
    "write_files": [{"path": "/etc/a", "content": "lab", "permissions": "0600"}],
}


def merge(*readers: dict[str, Any], pairs: dict[str, str] | None = None, joins: bool = False) -> dict[str, Any]:
    return merged(LAB, *readers, pairs=pairs or {}, joins=joins)


def test_nothing_changes_nothing() -> None:
    assert merge() == LAB
    assert merge({}) == LAB


def test_single_values_are_the_last_ones() -> None:
    every, own = {"coreos": {"update": {"group": "a", "server": "s"}}}, {"coreos": {"update": {"group": "b"}}}
    assert merge(every, own)["coreos"]["update"] == {"group": "b", "server": "s"}
    assert merge({"coreos": {"etcd2": {"debug": True}}})["coreos"]["etcd2"]["debug"] is True


def test_units_are_matched_by_name_and_so_are_their_drop_ins() -> None:
    units = [
        {"name": "mine.service", "command": "start"},
        {
            "name": "docker.service",
            "drop_ins": [{"name": "60.conf", "content": "x"}, {"name": "50.conf", "content": "y"}],
        },
    ]
    found = merge({"coreos": {"units": units}})["coreos"]["units"]
    assert [unit["name"] for unit in found] == ["etcd2.service", "docker.service", "locksmithd.service", "mine.service"]
    assert found[1]["drop_ins"] == [{"name": "50.conf", "content": "y"}, {"name": "60.conf", "content": "x"}]
    assert "command" not in found[1]


def test_files_are_matched_by_path() -> None:
    found = merge({"write_files": [{"path": "/etc//a", "content": "mine"}, {"path": "/b", "content": ""}]})
    assert found["write_files"] == [
        {"path": "/etc//a", "content": "mine", "permissions": "0600"},
        {"path": "/b", "content": ""},
    ]


def test_users_are_matched_by_name_and_their_lists_are_appended() -> None:
    every = {"users": [{"name": "me", "groups": ["sudo"], "gecos": "A"}]}
    own = {"users": [{"name": "me", "groups": ["docker", "sudo"], "gecos": "B"}, {"name": "you"}]}
    assert merge(every, own)["users"] == [{"name": "me", "groups": ["sudo", "docker"], "gecos": "B"}, {"name": "you"}]


def test_keys_are_appended_once() -> None:
    assert merge({"ssh_authorized_keys": ["mine", "lab"]})["ssh_authorized_keys"] == ["lab", "mine"]


def test_cores_own_keys_stand_with_the_labs() -> None:
    """Else coreos-cloudinit would write core's key set twice, and keep the last one only."""
    found = merge({"users": [{"name": "core", "passwd": "x", "ssh_authorized_keys": ["mine"]}, {"name": "me"}]})
    assert found["ssh_authorized_keys"] == ["lab", "mine"]
    assert found["users"] == [{"name": "core", "passwd": "x"}, {"name": "me"}]


def test_metadata_beside_the_cloud_config_wins_pair_by_pair() -> None:
    reader = {"coreos": {"fleet": {"metadata": "disk=hdd, region=eu"}}}
    assert merge(reader, pairs={"disk": "ssd", "role": "db"})["coreos"]["fleet"]["metadata"] == (
        "disk=ssd,region=eu,role=db"
    )
    assert merge(pairs={"a": "b"})["coreos"]["fleet"]["metadata"] == "a=b"


def test_discovery_replaces_the_list_of_first_members() -> None:
    reader = {"coreos": {"etcd2": {"discovery": "http://172.17.8.1:5809/t"}}}
    etcd = merge(reader)["coreos"]["etcd2"]
    assert etcd == {"name": "core-01", "debug": False, "discovery": "http://172.17.8.1:5809/t"}
    joined = merge(reader, joins=True)["coreos"]["etcd2"]
    assert "discovery" not in joined
    assert joined["initial_cluster"] == "core-01=x"


def test_a_proxy_is_told_the_members_also_with_discovery() -> None:
    lab = {**LAB, "coreos": {**LAB["coreos"], "etcd2": {"proxy": "on", "initial_cluster": "core-01=x"}}}
    found = merged(lab, {"coreos": {"etcd2": {"discovery": "u"}}}, pairs={})
    assert found["coreos"]["etcd2"] == {"proxy": "on", "initial_cluster": "core-01=x"}


def test_locksmith_is_not_started_where_it_is_masked() -> None:
    off = {"coreos": {"update": {"reboot_strategy": "off"}}}
    assert "locksmithd.service" not in [unit["name"] for unit in merge(off)["coreos"]["units"]]
    other = {"coreos": {"update": {"reboot_strategy": "reboot"}}}
    assert "locksmithd.service" in [unit["name"] for unit in merge(other)["coreos"]["units"]]


def test_what_is_masked_is_not_started() -> None:
    masked = {"coreos": {"units": [{"name": "locksmithd.service", "mask": True}]}}
    (found,) = [unit for unit in merge(masked)["coreos"]["units"] if unit["name"] == "locksmithd.service"]
    assert found == {"name": "locksmithd.service", "mask": True}


def test_a_files_content_comes_with_its_own_encoding() -> None:
    every = {"write_files": [{"path": "/x", "content": "YQ==", "encoding": "base64", "permissions": "0600"}]}
    own = {"write_files": [{"path": "/x", "content": "plain"}]}
    assert {"path": "/x", "content": "plain", "permissions": "0600"} in merge(every, own)["write_files"]
    mode = {"write_files": [{"path": "/x", "permissions": "0644"}]}
    assert merge(every, mode)["write_files"][-1]["encoding"] == "base64"
