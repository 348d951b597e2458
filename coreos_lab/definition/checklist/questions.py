"""The questions: what each asks, what the platform contributes, which lint rules judge it, and what no file shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """One subject of the checklist. `rules` are those of `lab lint` that judge it. `unseen` is what no file shows."""

    name: str
    text: str
    platform: str
    rules: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


QUESTIONS = (
    Question(
        "infrastructure",
        "What must the machines offer, and how many may be lost?",
        "machines that are all alike; fleet places units by their rules",
        ("docker-option", "old-name", "ignored-value"),
        ("whether the machines' memory, processors and disks are enough for all of it",),
    ),
    Question(
        "codebase",
        "Where is the code, and which units run it?",
        "nothing",
        (),
        ("whether all of it is committed, and the same for every deployment",),
    ),
    Question(
        "dependencies",
        "Is everything that a program needs written down, with a version?",
        "containers keep them apart",
        ("latest", "moving-base", "no-such-unit"),
        ("container images that a unit takes from a file or a script on the machine",),
    ),
    Question(
        "config",
        "Where does the configuration come from? Who sets each key in etcd, who reads it, how long does it live?",
        "etcd on each machine; /etc/environment with the machine's addresses",
        ("address", "secret", "ttl", "withdrawn", "watch"),
        ("keys and names of services that a program puts together while it runs",),
    ),
    Question(
        "backing services",
        "Which services does each one need, and of which is there only one?",
        "etcd, in which they find each other",
        ("sidekick", "many-needs"),
        ("services that a program reaches without etcd",),
    ),
    Question(
        "build, release, run",
        "How does a new version get to the machines?",
        "a registry for the container images that the lab builds",
        (),
        ("how container images get their versions, and how to go back to an earlier one",),
    ),
    Question(
        "processes",
        "Which services keep data, and where?",
        "nothing: a machine's disk is lost with the machine",
        ("state",),
        ("what a program keeps in memory that a second copy of it would lack, and what it writes in its container",),
    ),
    Question(
        "port binding",
        "Which ports are open at the machines' edge, and which only inside?",
        "addresses for containers, and an overlay network between them (flannel)",
        (),
        ("ports that a unit takes from a file or a script on the machine",),
    ),
    Question(
        "concurrency",
        "How many of each are there, and what supervises them?",
        "fleet places them, systemd supervises them",
        ("detached", "supervisor", "second-scheduler"),
        ("whether a program starts others within its container",),
    ),
    Question(
        "disposability",
        "What happens when a service ends, with 0 or with an error, and when it is stopped?",
        "systemd starts it again; fleet moves it when its machine is lost",
        ("restart", "leftover", "patience", "pull"),
        ("how long a program takes to start, and whether it ends when it is asked to (SIGTERM)",),
    ),
    Question(
        "parity",
        "How do deployments differ?",
        "the same container images everywhere",
        (),
        ("how far development is from production",),
    ),
    Question(
        "logs",
        "Where do logs go?",
        "the journal of each machine",
        ("logs",),
        ("what a program logs elsewhere than to its output",),
    ),
    Question(
        "admin processes",
        "Which one-off tasks are there?",
        "oneshot units",
        (),
        ("whether one-off tasks run in the environment of the service that they work on",),
    ),
    Question(
        "edge",
        "What do users reach first, and on how many machines is it?",
        "nothing: what stands at the edge fails by itself",
        (),
        ("names in DNS, alerts and backups: where they are, and what they fail with",),
    ),
)
# Asked of the machine image, which may not have been built here.
UNSEEN_UNITS = "whether machines have the units that this lab needs: no machine image has been built here yet"


def unseen(*, units_are_known: bool) -> list[str]:
    """What no file of a lab shows, each with its question's name in front."""
    result = [f"{question.name}: {text}" for question in QUESTIONS for text in question.unseen]
    return result if units_are_known else [*result, f"dependencies: {UNSEEN_UNITS}"]
