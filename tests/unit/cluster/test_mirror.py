"""What each cluster's registry has before a lab is deployed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from coreos_lab import events
from coreos_lab.cluster import mirror
from coreos_lab.containers import registry
from coreos_lab.containers.storage import ContainerImage
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster

IMAGES = {name: ContainerImage(name, f"sha256:{name}", (), 0) for name in ("debian", "toolbox")}


def test_a_cluster_comes_up_without_a_toolbox_that_cannot_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    notes: list[str] = []

    def fails(_folders: Mapping[str, Path]) -> None:
        raise LabError("Dockerfile: container image toolbox cannot be built")

    monkeypatch.setattr(mirror, "ensure_containers", fails)
    monkeypatch.setattr(events, "note", lambda _what, message, _subject: notes.append(message))
    mirror.make_tools()
    assert notes == ["`toolbox` will not work on the nodes: Dockerfile: container image toolbox cannot be built"]


@pytest.mark.parametrize(("built", "offered"), [(True, ["debian", "toolbox"]), (False, [])])
def test_what_is_built_is_published(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, built: bool, offered: list[str]
) -> None:
    published: list[str] = []
    monkeypatch.setattr(mirror, "base_image", lambda: IMAGES["debian"])
    monkeypatch.setattr(mirror, "built", lambda name, _folder: IMAGES[name] if built else None)
    monkeypatch.setattr(registry, "publish", lambda images, _storage: published.extend(each.name for each in images))
    mirror.offer_tools(planned())
    assert published == offered
