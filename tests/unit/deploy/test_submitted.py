"""Units as they are submitted: with settings, digests and pulls."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.deploy import submitted
from coreos_lab.model import Lab, LabUnit
from tests.unit.definition.settable import UNIT, settable


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return settable(tmp_path)


def written(unit: LabUnit, more: str = "") -> str:
    """A submitted unit's text without its section [X-Lab], which has these lines and the unit's digest."""
    text, header, section = unit.path.read_text().rpartition("\n[X-Lab]\n")
    assert header
    assert section == f"{more}Digest={submitted.digest(unit.path)}\n"
    return text


def test_a_setting_changes_its_word_and_nothing_else(lab: Lab, tmp_path: Path) -> None:
    made = submitted.units(lab, {"feed-rate": "40", "window": "20s"}, {}, tmp_path / "units")
    text = written(made.units[0])
    assert text == UNIT.replace("FEED_RATE=4", "FEED_RATE=40").replace("900s", "20s")
    assert made.units[0].name == "feed.service"
    assert lab.units[0].path.read_text() == UNIT
    again = submitted.units(lab, {}, {}, tmp_path / "units")
    assert written(again.units[0]) == UNIT, "an earlier setting is gone"


def test_line_ends_stay_as_they_are(lab: Lab, tmp_path: Path) -> None:
    lab.units[0].path.write_bytes(b"[Service]\r\nEnvironment=FEED_RATE=4\r\nExecStart=/bin/true\r\n")
    made = submitted.units(lab, {"feed-rate": "5"}, {}, tmp_path / "units")
    text, _header, _section = made.units[0].path.read_bytes().partition(b"\n[X-Lab]\n")
    assert text == b"[Service]\r\nEnvironment=FEED_RATE=5\r\nExecStart=/bin/true\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        "ExecStartPre=-/usr/bin/docker --debug=true pull web\nExecStart=/usr/bin/docker run web\n",
        "ExecStartPre=-/usr/bin/docker pull web:latest\nExecStart=/usr/bin/docker run web:latest\n",
        "Environment=IMAGE=web\nExecStartPre=-/usr/bin/docker pull ${IMAGE}\nExecStart=/usr/bin/docker run ${IMAGE}\n",
        "EnvironmentFile=/etc/web\nExecStartPre=/usr/bin/docker pull ${IMAGE}\nExecStart=/bin/docker run ${IMAGE}\n",
        "ExecStart=/bin/sh -c 'docker pull -q docker.io/library/web; exec docker run web'\n",
        "ExecStartPre=/usr/bin/docker image pull web\nExecStart=/usr/bin/docker container run web\n",
        "ExecStart=/usr/bin/docker run --pull always web\n",
    ],
)
def test_a_container_image_is_seen_however_it_is_named(lab: Lab, tmp_path: Path, lines: str) -> None:
    lab.units[1].path.write_text(f"[Service]\n{lines}")
    made = submitted.units(lab, {}, {"web": "sha256:aa"}, tmp_path / "units")
    assert written(made.units[1], "ContainerImage=web@sha256:aa\n") == f"[Service]\n{lines}"


def test_a_unit_that_does_not_pull_gets_a_pull(lab: Lab, tmp_path: Path) -> None:
    lab.units[1].path.write_text(
        "[Service]\nExecStartPre=-/usr/bin/docker rm x\nExecStart=/usr/bin/docker run \\\n  web:latest nginx\n"
    )
    made = submitted.units(lab, {}, {"web": "sha256:aa", "nginx": "sha256:bb"}, tmp_path / "units")
    assert written(made.units[1], "ContainerImage=web@sha256:aa\n") == (
        "[Service]\nExecStartPre=-/usr/bin/docker rm x\nExecStartPre=-/usr/bin/docker pull web\n"
        "ExecStart=/usr/bin/docker run \\\n  web:latest nginx\n"
    )


def test_a_script_that_pulls_nothing_gets_a_pull_of_every_image_it_may_run(lab: Lab, tmp_path: Path) -> None:
    start = "ExecStart=/bin/sh -c 'I=web; exec docker run $$I'\n"
    lab.units[1].path.write_text(f"[Service]\n{start}")
    made = submitted.units(lab, {}, {"web": "sha256:aa", "store": "sha256:bb"}, tmp_path / "units")
    text = written(made.units[1], "ContainerImage=web@sha256:aa\nContainerImage=store@sha256:bb\n")
    pulls = [f"ExecStartPre=-/usr/bin/docker pull {image}\n" for image in ("web", "store")]
    assert text in (f"[Service]\n{''.join(pulls)}{start}", f"[Service]\n{''.join(reversed(pulls))}{start}")


def test_what_a_script_runs_is_one_of_those_that_the_unit_pulls(lab: Lab, tmp_path: Path) -> None:
    lines = "ExecStartPre=/usr/bin/docker pull web\nExecStart=/bin/sh -c 'set -- web; docker run \"$$@\"'\n"
    lab.units[1].path.write_text(f"[Service]\n{lines}")
    made = submitted.units(lab, {}, {"web": "sha256:aa", "store": "sha256:bb"}, tmp_path / "units")
    assert written(made.units[1], "ContainerImage=web@sha256:aa\n") == f"[Service]\n{lines}"


def test_a_unit_has_the_digests_of_its_own_container_images_alone(lab: Lab, tmp_path: Path) -> None:
    pull = "[Service]\nExecStartPre=-/usr/bin/docker pull web\nExecStart=/usr/bin/docker run web\n"
    lab.units[1].path.write_text(pull)
    images = {"web": "sha256:aa", "webstack": "sha256:bb"}
    made = submitted.units(lab, {}, images, tmp_path / "units")
    assert written(made.units[1], "ContainerImage=web@sha256:aa\n") == pull
    assert written(made.units[0]) == UNIT


def test_the_digest_of_a_unit_is_of_its_text_settings_and_images(lab: Lab, tmp_path: Path) -> None:
    def digests(chosen: dict[str, str], images: dict[str, str]) -> list[str]:
        return [submitted.digest(unit.path) for unit in submitted.units(lab, chosen, images, tmp_path / "u").units]

    lab.units[1].path.write_text("[Service]\nExecStart=/usr/bin/docker pull web\n")
    first = digests({}, {"web": "sha256:aa"})
    assert first == digests({}, {"web": "sha256:aa"})
    assert [a == b for a, b in zip(first, digests({"window": "20s"}, {"web": "sha256:aa"}), strict=True)] == [0, 1]
    assert [a == b for a, b in zip(first, digests({}, {"web": "sha256:bb"}), strict=True)] == [1, 0]
