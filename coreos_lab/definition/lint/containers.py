"""Rules about the containers that a unit runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coreos_lab import disk
from coreos_lab.definition.lint.subject import Remark, Subject
from coreos_lab.units import docker_line
from coreos_lab.units.docker_line import Container

# Programs that keep data, by their names in a Dockerfile or in the name of a container image.
STORES = r"redis|mysql|mariadb|postgres|mongo|couch|cassandra|elasticsearch|rethinkdb|influx|rabbitmq|kafka|zookeeper"


def state(subject: Subject) -> Iterator[Remark]:
    """Backing services: data in a container is lost with it."""
    image = subject.part.image
    searched = image
    if folder := subject.lab.containers.get(image):
        lines = disk.text(folder / "Dockerfile").splitlines()
        searched = " ".join([image, *(line for line in lines if not line.startswith("#"))])
    store = re.search(rf"\b({STORES})", searched, re.IGNORECASE)
    for container in subject.containers():
        if store and not container.volumes and not container.command.value("volumes-from"):
            yield Remark(
                container.command.option.line,
                f"{store[1]} keeps data, and this container has no volume: the data is lost with the container",
                "mount a folder of the machine with -v, or keep copies on other machines",
            )


def latest(subject: Subject) -> Iterator[Remark]:
    """Dependencies: without a version, an image changes. What the lab builds itself is what its files say."""
    for container in subject.containers():
        image = container.image
        name = docker_line.image_name(image)
        versioned = ":" in name.rpartition("/")[2] or "@" in image
        if docker_line.is_known(image) and name not in subject.lab.containers and not versioned:
            yield Remark(
                container.command.option.line,
                f"{image}: without a version, so that machines may run different ones",
                f"add a version: {image.removesuffix(':latest')}:1.2.3",
            )


def detached(subject: Subject) -> Iterator[Remark]:
    """Disposability: only what systemd supervises is seen to end."""
    for container in subject.containers():
        if container.detached or container.command.value("restart") not in ("", "no"):
            yield Remark(
                container.command.option.line,
                "Docker supervises this container: systemd, and so fleet, does not see it end",
                "remove -d and --restart, and set Restart= in [Service]",
            )


def leftover(subject: Subject) -> Iterator[Remark]:
    """Disposability: a container that a power cut left behind keeps its name."""
    removed = {word for command in subject.docker("ExecStartPre") if command.verb == "rm" for word in command.words}
    for container in subject.containers():
        if container.name and container.name not in removed:
            name = _as_written(container)
            yield Remark(
                container.command.option.line,
                f"after a power cut the container {name} is still there, and its name is taken",
                f"add ExecStartPre=-/usr/bin/docker rm --force {name}",
            )


def pull(subject: Subject) -> Iterator[Remark]:
    """Disposability: a service starts without the registry, where its machine has the container image."""
    why = "when no registry answers, the start fails, though the machine may have the container image"
    reported = set()
    for command in subject.docker("ExecStartPre", "ExecStart"):
        option = command.option
        stops = command.verb == "pull" and not re.match(r"[@:+!]*-", option.value) and _decides(option.value)
        always = command.verb == "run" and command.value("pull") == "always"
        if (stops or always) and option.line not in reported:
            reported.add(option.line)
            remedy = "write ExecStartPre=-/usr/bin/docker pull: the minus ignores the failure, and docker run pulls too"
            yield Remark(option.line, why, remedy)


def _decides(value: str) -> bool:
    """Whether a failed `docker pull` makes its command fail: as its last part, or because others depend on it."""
    shell = r"\b(?:ba|da|a|k|z)?sh\b"
    if not re.search(rf"{shell}\s", value.partition("pull")[0]):
        return True
    exits = re.search(rf"\bset -\w*e|{shell}\s+-\w*e", value)
    for pull in re.finditer(r"\bpull\b[^;&|]*(\|\||&&|;|\||&|$)", value):
        is_last = not re.sub(r"[;\s\"'}]|\b(?:fi|done|esac|else)\b", "", value[pull.end() :])
        if pull[1] == "&&" or (pull[1] in (";", "") and (is_last or exits)):
            return True
    return False


def _as_written(container: Container) -> str:
    """A container's name as its unit has it, with specifiers such as %i."""
    option = re.search(r"--name[ =][\"']?([^\s\"']+)", container.command.option.value)
    return option[1] if option else container.name


def logs(subject: Subject) -> Iterator[Remark]:
    """Logs are a stream on stdout, which the journal keeps."""
    lines = {
        container.command.option.line
        for container in subject.containers()
        if container.command.value("log-driver") == "none"
        or any(re.search(r":/var/log(?:[:/]|$)", volume) for volume in container.volumes)
    }
    starts = subject.options("Service", "ExecStart")
    lines |= {option.line for option in starts if re.search(r">>?\s*/var/log/", option.value)}
    for line in sorted(lines):
        yield Remark(line, "the log does not go to the journal, where everybody looks for it", "write it to stdout")


def docker_option(subject: Subject) -> Iterator[Remark]:
    """An option that docker refuses."""
    for command in subject.docker():
        for option in command.unknown:
            yield Remark(
                command.option.line,
                f"docker {command.verb}: the nodes' Docker (20.10) has no option {option}, and ends with an error",
                f"see 'docker {command.verb} --help' on a node",
            )
