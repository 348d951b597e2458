"""Which events of a registry are pushes of a tag, and the payload that Docker Hub sends for one."""

from __future__ import annotations

from typing import Any

import pytest

from coreos_lab.containers.webhooks.push import NOBODY, Push, payload, pushes

V2 = "application/vnd.docker.distribution.manifest.v2+json"


def event(**changes: Any) -> dict[str, Any]:
    """An event as docker-registry 2.8 writes it, with changes to its target."""
    action = changes.pop("action", "push")
    target = {
        "mediaType": V2,
        "digest": "sha256:ab",
        "repository": "me/ch6-web",
        "tag": "production",
        "url": "http://r/v2",
    }
    target = {name: value for name, value in {**target, **changes}.items() if value is not None}
    return {"id": "e-1", "timestamp": "2026-11-27T05:00:00.25Z", "action": action, "target": target, "actor": {}}


def test_a_tag_that_was_pushed() -> None:
    assert pushes({"events": [event()]}) == [
        Push("e-1", 1795755600.25, "me/ch6-web", "production", NOBODY, "http://r/v2")
    ]


def test_who_has_logged_in_is_the_pusher() -> None:
    assert pushes({"events": [{**event(), "actor": {"name": "ana"}}]})[0].pusher == "ana"


@pytest.mark.parametrize(
    "other",
    [
        event(mediaType="application/octet-stream", tag=None),
        event(tag=None),
        event(action="pull"),
    ],
    ids=["a layer", "by digest", "a pull"],
)
def test_no_push_of_a_tag(other: dict[str, Any]) -> None:
    assert pushes({"events": [other]}) == []


@pytest.mark.parametrize("text", [None, [], {}, {"events": 1}, {"events": [{}]}, {"events": [{"target": None}]}])
def test_what_is_no_notification_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="no notification"):
        pushes(text)


def test_the_payload_has_docker_hubs_fields() -> None:
    """Their names and types are those of the example on Docker Hub's page "Webhooks"."""
    push = Push("e-1", 1417566161.9, "svendowideit/testhook", "latest", "trustedbuilder", "http://r/v2")
    text: Any = payload(push, 1417494799.2, "http://r/callback/1")
    assert text["push_data"] == {"pushed_at": 1417566161, "pusher": "trustedbuilder", "tag": "latest", "images": []}
    assert text["callback_url"] == "http://r/callback/1"
    repository = text["repository"]
    assert (repository["name"], repository["namespace"]) == ("testhook", "svendowideit")
    assert (repository["repo_name"], repository["owner"]) == ("svendowideit/testhook", "svendowideit")
    assert repository["date_created"] == 1417494799
    kinds = {"comment_count": int, "star_count": int, "is_official": bool, "is_private": bool, "is_trusted": bool}
    kinds |= dict.fromkeys(("description", "full_description", "repo_url", "status"), str)
    assert {name: type(repository[name]) for name in kinds} == kinds


def test_a_plain_name_is_in_the_library() -> None:
    text: Any = payload(Push("e", 1.0, "library/ch6-web", "production", NOBODY, ""), 1.0, "")
    assert (text["repository"]["name"], text["repository"]["namespace"]) == ("ch6-web", "library")
