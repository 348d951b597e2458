"""Units that wait for the cloud-config's end are started without waiting for them."""

from __future__ import annotations

from typing import Any

from coreos_lab.user_data.starting import NAME, without_waiting


def after(*names: str) -> str:
    return f"[Unit]\nAfter={' '.join(names)}\n[Service]\nExecStart=/bin/true\n"


def test_a_unit_after_docker_is_started_without_waiting() -> None:
    units: list[dict[str, Any]] = [
        {"name": "etcd2.service", "command": "start"},
        {"name": "a.service", "command": "start", "content": after("network.target", "docker.service")},
        {"name": "b.service", "command": "restart", "drop_ins": [{"name": "1.conf", "content": after("a.service")}]},
        {"name": "c.service", "command": "start", "content": after("etcd2.service")},
        {"name": "d.service", "content": after("docker.service")},
        {"name": "f\\x2dg.service", "command": "start", "content": after("docker.service")},
        {"name": "e.service", "command": "stop", "content": after("docker.service")},
        {"name": "docker.service", "command": "restart"},
    ]
    *left, ours = without_waiting(units)
    assert [unit["name"] for unit in left] == [unit["name"] for unit in units]
    assert [unit["name"] for unit in left if "command" in unit] == ["etcd2.service", "c.service", "e.service"]
    assert (ours["name"], ours["command"]) == (NAME, "start")
    assert [line for line in ours["content"].splitlines() if line.startswith("ExecStart")] == [
        "ExecStart=/usr/bin/systemctl --no-block start a.service",
        "ExecStart=/usr/bin/systemctl --no-block restart b.service",
        "ExecStart=/usr/bin/systemctl --no-block start f\\\\x2dg.service",
        "ExecStart=/usr/bin/systemctl --no-block restart docker.service",
    ]


def test_nothing_changes_where_none_waits() -> None:
    units = [{"name": "etcd2.service", "command": "start"}, {"name": "docker.service"}]
    assert without_waiting(units) is units
