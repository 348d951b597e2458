"""Who needs whom: read from units and programs, and written as a map."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.definition import catalog, etcd_keys, graph, lab_map, lab_settings
from coreos_lab.definition.lab_map import Need
from coreos_lab.units import docker_line
from coreos_lab.units.option import Option


def needs(name: str) -> set[tuple[str, str]]:
    return {(need.service, need.needed) for need in lab_map.needs(lab_map.parts(catalog.load(name)))}


def test_the_web_stack() -> None:
    """What ch6 is about."""
    found = needs("ch6")
    assert {("web@", "couchbase@"), ("web@", "memcached@"), ("web@", "etcd")} <= found
    assert {("worker", "feed"), ("worker", "couchbase@"), ("balancer", "web@")} <= found
    assert {("couchbase-sidekick@", "couchbase@"), ("memcached-sidekick@", "memcached@")} <= found
    assert ("couchbase@", "web@") not in found


def test_programs_are_found_in_folders_beside_their_dockerfile(tmp_path: Path) -> None:
    """Tests of the programs, and what npm has installed, are no programs of the container image."""
    for name in ("Dockerfile", "lib/keys.sh", "node_modules/a/index.js", "test/web.js", "web.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [str(path.relative_to(tmp_path)) for path in etcd_keys.programs(tmp_path)]
    assert found == ["Dockerfile", "lib/keys.sh", "web.js"]


def test_hello_world_is_found_by_its_sidekick() -> None:
    assert ("helloworld-nginx", "helloworld@") in needs("ch3")
    assert ("ceph-osd@", "ceph-disk@") in needs("ch4-ceph")


@pytest.mark.parametrize(
    ("command", "image"),
    [
        ("/usr/bin/docker run --rm --name x --hostname y -p 80:80 nginx", "nginx"),
        ("/usr/bin/docker run --rm -v /a:/b:ro -e A=1 -e B=$$(date) web node web.mjs", "web"),
        ("/bin/sh -c 'exec docker run --rm --name x-%i --ulimit nofile=$$(ulimit -n) store'", "store"),
        ("/usr/bin/docker stop x", ""),
    ],
)
def test_the_container_image_of_a_command(command: str, image: str) -> None:
    found = docker_line.containers([Option("Service", "ExecStart", command, 1)], "x.service")
    assert "".join(container.image for container in found) == image


@pytest.mark.parametrize(
    ("key", "folder"),
    [
        ("/services/web/%i", "/services/web"),
        ("/services/x/${ADDRESS}", "/services/x"),
        ("/feed/record", "/feed/record"),
    ],
)
def test_what_keys_of_instances_have_in_common(key: str, folder: str) -> None:
    assert etcd_keys.folder_of(key) == folder


@pytest.mark.parametrize(
    ("read", "written", "sees"),
    [
        ("/services/web", "/services/web", True),
        ("/services", "/services/web", True),
        ("/", "/services/web", True),
        ("/services/web/1", "/services/web", True),
        ("/services/we", "/services/web", False),
        ("/services/web", "/services/webs", False),
        ("/services/web", "/", False),
    ],
)
def test_who_sees_what_is_written(read: str, written: str, sees: bool) -> None:
    assert etcd_keys.covers(read, written) is sees


def test_as_mermaid_and_as_dot() -> None:
    parts = lab_map.parts(catalog.load("ch3"))
    found = [Need("helloworld-nginx", "helloworld@", "/services/helloworld"), Need("helloworld-nginx", "etcd", "/x")]
    text = graph.mermaid("ch3", parts, found)
    assert '  helloworld_["helloworld@ ×3<br>port 3000"]' in text
    assert '  helloworld_nginx -->|"/services/helloworld"| helloworld_' in text
    assert '  helloworld_nginx -. "/x" .-> etcd' in text
    text = graph.dot("ch3", parts, found, {"helloworld-nginx": ["core-02"]})
    assert '"helloworld-nginx" -> "helloworld@" [style=solid, label="/services/helloworld"];' in text
    assert '"helloworld-nginx" [label="helloworld-nginx\\nport 80\\ncore-02"];' in text
    assert 'not running", fillcolor="#fbe3e3"' in text


def test_a_template_without_instances_is_not_on_the_map() -> None:
    lab = catalog.load("ch3")
    assert "helloworld-nginx@" not in [part.name for part in lab_map.parts(lab)]
    assert "helloworld-nginx@" in [part.name for part in lab_map.parts(lab_settings.in_full(lab))]
