"""What becomes of Container Linux Configs and Ignition configs, which the real ct reads."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from coreos_lab.cluster import cloud_config
from coreos_lab.errors import UsageError
from coreos_lab.model import CloudConfig, Cluster
from coreos_lab.user_data import document, of_node, reading, writing

ByCt = Callable[..., CloudConfig]


@pytest.fixture
def translated(by_ct: ByCt) -> Callable[..., dict[str, Any]]:
    """The cloud-config that comes of a text, as coreos-cloudinit reads what is written."""

    def read(text: str, node: str = "") -> dict[str, Any]:
        data = reading.read(by_ct(text, node)).data
        return document.read(writing.write(data, "a test"), "written").data

    return read


Translated = Callable[..., dict[str, Any]]


def ignition(**parts: object) -> str:
    """An Ignition config with these parts."""
    return json.dumps({"ignition": {"version": "2.2.0"}, **parts}, indent=1)


def unit(data: dict[str, Any], name: str) -> dict[str, Any]:
    """A unit of a cloud-config."""
    return next(each for each in data["coreos"]["units"] if each["name"] == name)


def script(data: dict[str, Any]) -> list[str]:
    """The commands of our own unit."""
    text: str = data["write_files"][-1]["content"]
    head, *lines = text.splitlines()
    assert head.startswith("#")
    assert lines[0] == "set -eu"
    return lines[1:]


def test_users_have_their_keys_and_groups(translated: Translated) -> None:
    data = translated(
        "passwd:\n"
        "  groups:\n"
        "    - {name: web, gid: 1500}\n"
        "    - {name: own, system: true}\n"
        "  users:\n"
        "    - name: core\n"
        "      ssh_authorized_keys: [ssh-ed25519 AAAA me]\n"
        "      groups: [web]\n"
        "    - name: reader\n"
        "      password_hash: $6$x\n"
        "      gecos: A reader\n"
        "      home_dir: /srv/reader\n"
        "      shell: /bin/sh\n"
        "      system: true\n"
        "      groups: [docker, web]\n"
    )
    assert data["users"] == [
        {"name": "core", "ssh_authorized_keys": ["ssh-ed25519 AAAA me"]},
        {
            "name": "reader",
            "gecos": "A reader",
            "homedir": "/srv/reader",
            "shell": "/bin/sh",
            "system": True,
            "groups": ["docker"],
            "passwd": "$6$x",
        },
    ]
    assert script(data) == [
        "getent group web >/dev/null || groupadd --gid 1500 web",
        "getent group own >/dev/null || groupadd --system own",
        "usermod --append --groups web core",
        "usermod --append --groups web reader",
    ]
    assert unit(data, "lab-ignition.service")["content"].endswith("ExecStart=/bin/sh /etc/lab-ignition.sh\n")


def test_ignition_2_0_has_a_users_fields_below_create(translated: Translated) -> None:
    users = [{"name": "a", "create": {"shell": "/bin/sh", "groups": ["docker"], "noCreateHome": True}}]
    text = ignition(passwd={"users": users}).replace("2.2.0", "2.0.0")
    assert translated(text)["users"] == [
        {"name": "a", "no_create_home": True, "shell": "/bin/sh", "groups": ["docker"]}
    ]


def test_files_have_their_content_mode_and_owner(translated: Translated) -> None:
    data = translated(
        "storage:\n"
        "  files:\n"
        "    - path: /etc/a\n"
        "      filesystem: root\n"
        "      mode: 0640\n"
        "      user: {name: core}\n"
        "      group: {id: 7}\n"
        "      contents:\n"
        "        inline: |\n"
        "          100 % of\ttext, é\n"
        "    - {path: /etc/b, filesystem: root}\n"
        "    - {path: /etc/c, filesystem: root, user: {id: 500}, contents: {inline: '$private_ipv4'}}\n"
        "    - {path: /etc/d, filesystem: root, group: {name: core}, contents: {inline: a}}\n"
    )
    assert data["write_files"] == [
        {"path": "/etc/a", "permissions": "0640", "content": "100 % of\ttext, é\n", "owner": "core:7"},
        {"path": "/etc/b", "permissions": "0644", "content": ""},
        {
            "path": "/etc/c",
            "permissions": "0644",
            "encoding": "base64",  # so that it stays as it is
            "content": base64.b64encode(b"$private_ipv4").decode(),
            "owner": "500",
        },
        {"path": "/etc/d", "permissions": "0644", "content": "a", "owner": ":core"},
    ]


def data_url(data: bytes) -> str:
    return "data:;base64," + base64.b64encode(data).decode()


def test_data_urls_are_decoded_and_checked(translated: Translated) -> None:
    packed = gzip.compress(b"hello\n")
    digest = hashlib.sha512(b"hello\n").hexdigest()
    verified: dict[str, Any] = {"verification": {"hash": f"sha512-{digest}"}}
    files: list[dict[str, Any]] = [
        {"path": "/a", "contents": {"source": "data:,one%20two%0A"}},
        {"path": "/b", "contents": {"source": data_url(b"\x00\xff")}, "mode": 0o755},
        {"path": "/c", "contents": {"source": data_url(packed), "compression": "gzip", **verified}},
        {"path": "/d", "contents": {"source": "data:,hello%0A", **verified}},
    ]
    data = translated(ignition(storage={"files": [{"filesystem": "root", **file} for file in files]}))
    assert data["write_files"] == [
        {"path": "/a", "permissions": "0644", "content": "one two\n"},
        {"path": "/b", "permissions": "0755", "encoding": "base64", "content": "AP8="},
        {"path": "/c", "permissions": "0644", "encoding": "gzip+base64", "content": base64.b64encode(packed).decode()},
        {"path": "/d", "permissions": "0644", "content": "hello\n"},
    ]


def test_directories_and_links_are_made_by_a_script(translated: Translated) -> None:
    data = translated(
        "passwd: {groups: [{name: web}]}\n"
        "storage:\n"
        "  directories:\n"
        "    - {path: /srv/a b, filesystem: root, mode: 0750, user: {id: 500}, group: {name: web}}\n"
        "    - {path: /srv/100%, filesystem: root}\n"
        "  files:\n"
        "    - {path: /srv/f, filesystem: root, mode: 0640, user: {name: core}, group: {name: web}}\n"
        "  links:\n"
        "    - {path: /srv/l, filesystem: root, target: ../a b%}\n"
        "    - {path: /srv/m, filesystem: root, target: /x, overwrite: true}\n",
        "core-02",
    )
    (file, ours) = data["write_files"]
    assert file == {"path": "/srv/f", "permissions": "0640", "content": ""}  # its group comes later
    assert ours["path"] == "/etc/lab-ignition-core-02.sh"
    assert script(data)[1:] == [
        "install --directory --mode=0750 '/srv/a b'",
        "chown -- 500:web '/srv/a b'",
        "install --directory --mode=0755 /srv/100%",
        "chown -- 0:0 /srv/100%",
        "chown -- core:web /srv/f",
        "mkdir --parents /srv",
        "[ -L /srv/l ] || [ ! -e /srv/l ] || { echo '/srv/l: there already, and no link' >&2; exit 1; }",
        "ln --symbolic --force --no-target-directory -- '../a b%' /srv/l",
        "mkdir --parents /srv",
        "ln --symbolic --force --no-target-directory -- /x /srv/m",
    ]
    assert unit(data, "lab-ignition-core-02.service")["command"] == "start"


def of_units(*units: dict[str, object]) -> str:
    return ignition(systemd={"units": list(units)})


INSTALL = "[Service]\nExecStart=/bin/sleep inf\n[Install]\nWantedBy={}\n"


def test_units_are_written_enabled_and_started_last(translated: Translated) -> None:
    data = translated(
        of_units(
            {"name": "a.service", "enabled": True, "contents": INSTALL.format("multi-user.target")},
            {"name": "b.timer", "enable": True, "contents": INSTALL.format("timers.target")},
            {"name": "c.service", "enabled": True, "contents": INSTALL.format("a.service")},
            {"name": "d.service", "enabled": True, "contents": INSTALL.format("d.target")},
            {"name": "e.service", "contents": INSTALL.format("multi-user.target")},
            {"name": "f.service", "mask": True},
            {"name": "g@.service", "contents": INSTALL.format("multi-user.target")},
            {"name": "g@1.service", "enabled": True},
            {"name": "h.service", "enabled": False, "contents": "[Service]\nExecStart=/bin/true\n"},
            {"name": "docker.service", "enabled": True, "dropins": [{"name": "1.conf", "contents": "[Unit]"}]},
        )
    )
    units = data["coreos"]["units"]
    assert units[0] == {"name": "a.service", "content": INSTALL.format("multi-user.target"), "enable": True}
    assert [each["name"] for each in units if each.get("enable")] == [
        *("a.service", "b.timer", "c.service", "d.service", "g@1.service", "docker.service")
    ]
    assert unit(data, "f.service") == {"name": "f.service", "mask": True}
    assert unit(data, "docker.service")["drop_ins"] == [{"name": "1.conf", "content": "[Unit]"}]
    assert [each["name"] for each in units if "command" in each] == ["lab-ignition.service"]
    assert units[-1]["name"] == "lab-ignition.service"
    assert script(data)[0] == "for unit in b.timer a.service c.service g@1.service docker.service; do"


def test_the_services_of_a_container_linux_config_have_their_own_sections(translated: Translated) -> None:
    data = translated(
        "etcd:\n"
        "  version: 3.3.0\n"
        '  name: "{HOSTNAME}"\n'
        '  advertise_client_urls: "http://{PRIVATE_IPV4}:2379"\n'
        "  heartbeat_interval: 600\n"
        "  strict_reconfig_check: false\n"
        "  quota_backend_bytes: 1000\n"
        "  enable_v2: true\n"
        "flannel:\n"
        '  interface: "{PUBLIC_IPV4}"\n'
        """  network_config: '{"Network": "10.1.0.0/16", "Name": "100%$"}'\n"""
        "locksmith:\n"
        '  reboot_strategy: "OFF"\n'
        "  window_start: Thu 04:00\n"
        "  window_length: 1h\n"
        "  etcd_endpoints: http://127.0.0.1:2379\n"
        "update: {group: beta, server: 'https://example.org'}\n"
        "docker: {flags: ['--debug', '--label a=\"b\"']}\n"
    )
    coreos = data["coreos"]
    assert coreos["etcd2"] == {
        "advertise_client_urls": "http://$private_ipv4:2379",
        "heartbeat_interval": 600,
        "strict_reconfig_check": False,
    }
    assert coreos["flannel"] == {"interface": "$public_ipv4"}
    assert coreos["locksmith"] == {
        "endpoint": "http://127.0.0.1:2379",
        "window_length": "1h",
        "window_start": "Thu 04:00",
    }
    assert coreos["update"] == {"reboot_strategy": "off", "group": "beta", "server": "https://example.org"}
    drop_ins = {each["name"]: each["drop_ins"][0]["content"].splitlines()[1] for each in coreos["units"]}
    assert drop_ins == {
        "etcd2.service": 'Environment="ETCD_QUOTA_BACKEND_BYTES=1000"',
        "flanneld.service": "ExecStartPre=/usr/bin/etcdctl set /coreos.com/network/config "
        '"{\\"Network\\": \\"10.1.0.0/16\\", \\"Name\\": \\"100%%$$\\"}"',
        "docker.service": 'Environment="DOCKER_OPTS=--debug --label a=\\"b\\""',
    }


YAML_FILE = "storage:\n  files:\n    - path: /a\n      filesystem: root\n"
YAML_UNIT = "systemd:\n  units:\n    - name: {}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("storage:\n  disks: [{device: /dev/sdb}]\n", ":2: storage: disks: a node's disks are the plan's"),
        ("storage:\n  raid: [{name: a, level: raid0, devices: [/dev/a]}]\n", ":2: storage: raid: a node has no RAID"),
        (
            "storage:\n  filesystems: [{name: a, mount: {device: /dev/a, format: ext4}}]\n",
            ":2: storage: filesystems: a node makes",
        ),
        ("networkd:\n  units: [{name: a.network, contents: '[Match]'}]\n", ":2: networkd: units: nodes' networks"),
        ("ignition:\n  timeouts: {http_total: 3}\n", ":2: ignition: timeouts: a node fetches nothing"),
        ("ignition:\n  config:\n    append: [{source: 'http://a/'}]\n", ":3: ignition: config: append: a node"),
        (
            YAML_FILE + "      contents: {remote: {url: 'http://a/'}}\n",
            ":5: storage: files: entry 1: contents: remote: url: a node fetches nothing",
        ),
        (YAML_FILE + "      contents:\n        local: x\n", ":6: contents: local: lab reads this one file"),
        (YAML_FILE.replace("root", "data"), ":4: storage: files: entry 1: filesystem: data: a node has one"),
        (YAML_FILE + "      append: true\n", ":5: storage: files: entry 1: append: a node writes it again"),
        (YAML_FILE + "      overwrite: false\n", ":5: storage: files: entry 1: overwrite: a node writes"),
        (YAML_FILE + "      mode: 644\n", ":5: storage: files: entry 1: mode: 1204 in octal digits"),
        (YAML_FILE + "      moed: 0644\n", ":5: moed: no key of a Container Linux Config at this place"),
        (YAML_FILE + YAML_FILE.partition("files:\n")[2], ":5: storage: files: /a is there twice"),
        (
            "storage:\n  directories: [{path: /a, filesystem: root, overwrite: true}]\n",
            ":2: storage: directories: entry 1: overwrite: what is in the directory",
        ),
        (
            "storage:\n  links: [{path: /a, filesystem: root, target: /b, hard: true}]\n",
            ":2: storage: links: entry 1: hard: a node makes symbolic links alone",
        ),
        ("passwd:\n  users: [{name: a, uid: 7}]\n", ":2: passwd: users: entry 1: uid: a node gives out"),
        ("passwd:\n  users: [{name: core, shell: /bin/sh}]\n", ":2: passwd: users: entry 1: shell: core is there"),
        ("passwd:\n  users:\n    - name: A b\n", ":3: passwd: users: entry 1: name: 'A b': no name of a user"),
        (
            "passwd:\n  groups:\n    - name: g\n  users: [{name: a, primary_group: g}]\n",
            ":4: passwd: users: entry 1: primary_group: users are made before these groups",
        ),
        (
            "passwd:\n  groups: [{name: g, password_hash: x}]\n",
            ":2: passwd: groups: entry 1: password_hash: a node's groups have no passwords",
        ),
        (YAML_UNIT.format("etcd-member.service"), ":3: systemd: units: entry 1: etcd-member.service: it is run by rkt"),
        (
            YAML_UNIT.format("kubelet.service") + "      enabled: true\n",
            ":4: systemd: units: entry 1: enabled: kubelet.service has no contents",
        ),
        (
            YAML_UNIT.format("docker.service") + "      enabled: false\n",
            ":4: systemd: units: entry 1: enabled: a node cannot disable",
        ),
        (
            YAML_UNIT.format("a@.service") + "      enabled: true\n      contents: '[Unit]'\n",
            ":4: systemd: units: entry 1: enabled: a@.service is a template",
        ),
        (
            YAML_UNIT.format("a.service")
            + "      contents: |\n        [Service]\n        Environment=A=$private_ipv4\n",
            ":4: systemd: units: entry 1: contents: $private_ipv4 is a cloud-config's",
        ),
        (YAML_UNIT.format("lab-ignition.service"), ":3: systemd: units: entry 1: lab-ignition.service: the lab has"),
        (YAML_UNIT.format("a.service") + "    - name: a.service\n", ":4: systemd: units: entry 2: a.service is there"),
        (YAML_UNIT.format("a"), ":3: ct 0.9.0: invalid systemd unit extension"),
        ("etcd:\n  version: 2.3.0\n", ":2: etcd: version: 2.3.0: a node's etcd is of version 3"),
        ("etcd:\n  auto_tls: true\n", ":2: etcd: auto_tls: a node has no way to set it"),
        ('etcd:\n  name: "{PRIVATE_IPV6}"\n', ":2: etcd: name: {PRIVATE_IPV6}: a node does not know it"),
        ("etcd:\n  version: 3.2.0\n  enable_v2: false\n", ":3: etcd: enable_v2: fleet, flannel and locksmith"),
        ("flannel:\n  version: 0.7.0\n  kube_subnet_mgr: true\n", ":3: flannel: kube_subnet_mgr: a node has no way"),
        ("locksmith:\n  reboot_strategy: never\n", ":2: ct 0.9.0: unknown reboot strategy"),
        ("update:\n  {group: beta, server: https://a}\n", ":2: ct 0.9.0: found unexpected ':'"),
        ("systemd: x\n", ":1: ct 0.9.0: cannot unmarshal"),
        ("systemd: {}\nsystems: {}\n", ":2: systems: no key of a Container Linux Config"),
        (ignition(ignition={"version": "3.0.0"}), ":1: no version that nodes take"),
        (
            ignition(systemd={"units": [{"name": "a.service", "content": "x"}]}),
            ":9: content: no key of an Ignition",
        ),
        (
            ignition(storage={"files": [{"path": "/a", "filesystem": "root", "contents": {"source": "http://a/"}}]}),
            ":11: storage: files: entry 1: contents: source: a node fetches nothing",
        ),
        (
            ignition(
                storage={
                    "files": [
                        {
                            "path": "/a",
                            "filesystem": "root",
                            "contents": {"source": "data:,a", "verification": {"hash": "sha512-" + "0" * 128}},
                        }
                    ]
                }
            ),
            ":13: storage: files: entry 1: contents: verification: hash: it is not the hash",
        ),
        (
            ignition(
                storage={
                    "files": [
                        {"path": "/a", "filesystem": "root", "contents": {"source": "data:,a", "compression": "gzip"}}
                    ]
                }
            ),
            ":12: storage: files: entry 1: contents: compression: not gzip",
        ),
        (
            ignition(
                systemd={
                    "units": [
                        {
                            "name": "flanneld.service",
                            "dropins": [{"name": "20-clct-flannel.conf", "contents": "[Service]"}],
                        }
                    ]
                }
            ),
            ":10: systemd: units: entry 1: dropins: entry 1: 20-clct-flannel.conf: made by ct",
        ),
    ],
)
def test_what_a_node_cannot_do_is_refused_by_name(by_ct: ByCt, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        by_ct(text)
    assert caught.value.message.startswith(f"mine.yml{message}")
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_what_ct_itself_writes_as_defaults_is_taken(translated: Translated) -> None:
    empty: dict[str, object] = {"config": {}, "security": {"tls": {}}, "timeouts": {}, "version": "2.2.0"}
    assert translated(ignition(ignition=empty, networkd={}, passwd={}, storage={}, systemd={})) == {}


def test_what_would_be_too_big_on_a_node_is_refused(by_ct: ByCt) -> None:
    def with_files(size: int) -> str:
        source = "data:," + "a" * 100_000
        files = [{"path": "/a", "filesystem": "root", "contents": {"source": source}}]
        packed = {"source": "data:," + "%01" * size}  # three bytes here, one and a third there
        return ignition(storage={"files": [*files, {"path": "/b", "filesystem": "root", "contents": packed}]})

    by_ct(with_files(50_000))
    expanded = of_units({"name": "a.service", "contents": "[Unit]\n" + "#-\n" * 20_000}).replace("#-", "#\xad")
    with pytest.raises(UsageError, match="mine.yml:1: more than 262144 bytes are too much for a cloud-config"):
        by_ct(expanded)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("storage:\n  directories:\n    - {path: /etc, filesystem: root, mode: 0700}\n", ":3: /etc: nodes depend"),
        ("storage:\n  directories:\n    - {path: /, filesystem: root}\n", ":3: /: nodes depend"),
        ("storage:\n  links: [{path: /home/core/.ssh, filesystem: root, target: /a}]\n", ":2: /home/core/.ssh: nodes"),
        ("storage:\n  files: [{path: /etc/passwd, filesystem: root}]\n", ":2: /etc/passwd: nodes depend"),
        ("etcd:\n  name: web\n", ":2: etcd: name: web: nodes have the names"),
        ("locksmith:\n  etcd_cafile: /a\n", ":2: locksmith: etcd_cafile: each node uses its own etcd"),
        ("systemd:\n  units:\n    - name: sshd.socket\n      mask: true\n", ":4: sshd.socket: mask: without this"),
        ("docker: {}\nsystemd:\n  units: [{name: dbus.service, contents: '[Unit]'}]\n", ":3: dbus.service: content"),
    ],
)
def test_what_would_cut_off_a_node_is_refused_as_of_a_cloud_config(
    by_ct: ByCt, planned: Callable[..., Cluster], text: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        cloud_config.check(planned(cloud_configs=(by_ct(text),)))
    assert caught.value.message.startswith(f"mine.yml{message}")


def test_what_may_cut_off_a_node_is_asked_about_as_of_a_cloud_config(
    by_ct: ByCt, planned: Callable[..., Cluster]
) -> None:
    config = by_ct(
        "storage:\n"
        "  links: [{path: /etc/resolv.conf, filesystem: root, target: /a}]\n"
        "  directories: [{path: /srv/a, filesystem: root}]\n"
        "systemd:\n"
        "  units:\n"
        "    - name: docker.service\n"
        "      contents: '[Unit]'\n"
    )
    cloud_config.check(planned(cloud_configs=(config,)))
    assert [str(risk).partition(": replaces")[0] for risk in of_node.risky([config])] == [
        "mine.yml:7: docker.service: content",
        "mine.yml:2: /etc/resolv.conf",
    ]


def test_what_is_ours_is_no_readers(by_ct: ByCt, planned: Callable[..., Cluster]) -> None:
    """What a translation adds for itself is not refused; what a reader's config has under that name is."""
    enabled = (
        'systemd: {units: [{name: a.service, enabled: true, contents: "[Install]\\nWantedBy=multi-user.target"}]}\n'
    )
    assert script(reading.read(by_ct(enabled)).data), "there is something that we add"
    cloud_config.check(planned(cloud_configs=(by_ct(enabled), by_ct(enabled, "core-02"))))
    taken = "systemd: {units: [{name: lab-start.service, contents: '[Service]'}]}\n"
    with pytest.raises(UsageError, match=r"mine\.yml:1: lab-start\.service: the lab has a unit of that name"):
        cloud_config.check(planned(cloud_configs=(by_ct(taken),)))


def test_what_another_lab_has_kept_is_given_again(by_ct: ByCt) -> None:
    kept = by_ct("passwd: {users: [{name: a}]}\n")
    read = json.loads(kept.transpiled)
    first = replace(kept, transpiled=json.dumps({key: read[key] for key in read if key != "version"}))
    assert reading.read(first).data == reading.read(kept).data
    newer = replace(kept, transpiled=json.dumps({**read, "version": 2}))
    with pytest.raises(UsageError, match=r"mine\.yml: kept as another lab has read it") as caught:
        reading.read(newer)
    assert "--cloud-config mine.yml" in caught.value.hint
