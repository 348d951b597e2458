"""Docker commands, in all the ways in which units write them."""

from __future__ import annotations

import pytest

from coreos_lab.units import docker_line
from coreos_lab.units.docker_line import Container, Port
from coreos_lab.units.option import Option


def options(*lines: str) -> list[Option]:
    """The options of a [Service] section, one a line."""
    pairs = [line.partition("=") for line in lines]
    return [Option("Service", name, value, number) for number, (name, _equals, value) in enumerate(pairs, 1)]


def container(command: str, *more: str, unit: str = "web@1.service") -> Container:
    (found,) = docker_line.containers(options(*more, f"ExecStart={command}"), unit)
    return found


@pytest.mark.parametrize(
    ("arguments", "ports"),
    [
        ("-p 80:80", [Port(80)]),
        ("-p80:80", [Port(80)]),
        ("-p=80:80", [Port(80)]),
        ("-itp 80:80", [Port(80)]),
        ("-dp80:80", [Port(80)]),
        ('"-p" "80:80"', [Port(80)]),
        ("--publish=8080:80 --publish 443:443", [Port(8080), Port(443)]),
        ("-p 127.0.0.1:53:53", [Port(53, "tcp", "127.0.0.1")]),
        ("-p 53:53/udp -p 53:53/tcp", [Port(53, "udp"), Port(53, "tcp")]),
        ("-p [::1]:80:80", [Port(80, "tcp", "::1")]),
        ("-p ${COREOS_PRIVATE_IPV4}:8080:80", [Port(8080, "tcp", "${COREOS_PRIVATE_IPV4}")]),
        ("-p ${PORT}:80", [Port(8000)]),
        ("-p 80%i:80", [Port(801)]),
        ("-p 80-82:80-82", [Port(80), Port(81), Port(82)]),
        ("-p 8000-8010:80", [Port(8000)]),
        ("-p 3000", []),
        ("-p 127.0.0.1::80", []),
        ("-P", []),
        ("--net=host -p 80:80", []),
        ("--name p --env -p=1", []),
    ],
)
def test_published_ports(arguments: str, ports: list[Port]) -> None:
    found = container(f"/usr/bin/docker run --rm {arguments} nginx", "Environment=PORT=8000")
    assert list(found.ports) == ports
    assert found.image == "nginx"
    assert found.removed


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (Port(53, "udp"), Port(53, "tcp"), False),
        (Port(80), Port(80), True),
        (Port(80), Port(80, "tcp", "127.0.0.1"), True),
        (Port(80, "tcp", "0.0.0.0"), Port(80, "tcp", "10.0.0.1"), True),
        (Port(80, "tcp", "127.0.0.1"), Port(80, "tcp", "10.0.0.1"), False),
    ],
)
def test_which_ports_clash(one: Port, other: Port, clash: bool) -> None:
    assert one.clashes(other) is clash
    assert other.clashes(one) is clash


@pytest.mark.parametrize(
    ("command", "image"),
    [
        ("docker run --dns 8.8.8.8 nginx", "nginx"),
        ("-/usr/bin/docker run nginx --dns x", "nginx"),
        ("@/usr/bin/docker dock run nginx", "nginx"),
        ("/usr/bin/docker --debug=true -H unix:///run/docker.sock run --log-opt max-size=1m nginx", "nginx"),
        ("/usr/bin/docker -l debug container run --init -u root -- nginx", "nginx"),
        ("/usr/bin/docker run --rm=true -ti=false --label a=b -e 'X=a b' nginx:1.25 -p 1:1", "nginx:1.25"),
        ("/usr/bin/docker run ${IMAGE}", "web:1"),
        ("/usr/bin/docker run $IMAGE", "web:1"),
        ("/usr/bin/docker run $OPTIONS nginx", "nginx"),
        ("/usr/bin/docker run ${UNKNOWN} x", "${UNKNOWN}"),
        ("/bin/sh -c 'exec docker run $IMAGE'", "web:1"),
        (
            '/bin/sh -c \'A=$$(docker inspect x); [ -n "$$A" ] && exec docker run -e A="$$A" nginx >/dev/null 2>&1\'',
            "nginx",
        ),
        ("/usr/bin/bash -ec 'while ! docker run nginx; do sleep 1; done'", "nginx"),
        ("/bin/sh -c 'x=`docker run --rm nginx`; echo $$x'", "nginx"),
        ("/usr/bin/env A=1 docker run nginx", "nginx"),
        ("/usr/bin/sudo -u core timeout -k 5 60 docker run nginx", "nginx"),
        ("/bin/sh -c \"docker run --name 'a b' nginx # docker run other\"", "nginx"),
        ("/usr/bin/docker create --name x nginx", "nginx"),
        ("/bin/true ; /usr/bin/docker run nginx", "nginx"),
        ("/usr/bin/docker run %p-%i", "web-1"),
    ],
)
def test_the_container_image(command: str, image: str) -> None:
    more = ('Environment=OTHER=x "IMAGE=web:1"', 'Environment="OPTIONS=--name a --env B=\\"c d\\""')
    assert container(command, *more).image == image


def test_what_a_container_is() -> None:
    found = container("/usr/bin/docker run -d --name web-%i --net host -v /srv:/srv:ro --mount type=tmpfs,dst=/x web")
    assert (found.name, found.detached, found.removed, found.host_network) == ("web-1", True, False, True)
    assert found.volumes == ("/srv:/srv:ro", "type=tmpfs,dst=/x")


def test_options_that_docker_has_not_are_kept() -> None:
    (command,) = docker_line.commands(options("ExecStart=/usr/bin/docker run --detatch -Z nginx"), "x.service")
    assert command.unknown == ("--detatch", "-Z")


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("web", "web"),
        ("web:latest", "web"),
        ("docker.io/library/web:latest", "web"),
        ("web:1", "web:1"),
        ("web@sha256:aa", "web"),
        ("host:5000/web", "host:5000/web"),
    ],
)
def test_names_of_container_images(reference: str, name: str) -> None:
    assert docker_line.image_name(reference) == name
