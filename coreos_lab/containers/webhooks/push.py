"""A push of a tag: read from a registry's notification, and written as the payload of Docker Hub's webhooks.

Sources: distribution's "Notifications" (its envelope of events), and Docker Hub's "Webhooks" (the payload).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
NOBODY = "anonymous"  # who has pushed to a registry without accounts


@dataclass(frozen=True)
class Push:
    """A tag that was pushed. `id` is the event's, `at` in seconds since 1970, `url` the manifest's."""

    id: str
    at: float
    repository: str
    tag: str
    pusher: str
    url: str


def pushes(envelope: Any) -> list[Push]:
    """The pushes of tags among a notification's events. A layer, or a manifest that is pushed by its digest, is none.

    ValueError for what is no notification.
    """
    try:
        return [_push(event) for event in envelope["events"] if _is_of_tag(event)]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no notification of a registry: {type(error).__name__}: {error}") from error


def _is_of_tag(event: Any) -> bool:
    target = event["target"]
    return event["action"] == "push" and target.get("mediaType") in MANIFESTS and bool(target.get("tag"))


def _push(event: Any) -> Push:
    target, actor = event["target"], event.get("actor") or {}
    return Push(
        str(event["id"]),
        datetime.fromisoformat(event["timestamp"]).timestamp(),
        str(target["repository"]),
        str(target["tag"]),
        str(actor.get("name") or NOBODY),
        str(target.get("url") or ""),
    )


def payload(push: Push, first: float, callback: str) -> dict[str, object]:
    """What Docker Hub posts. `first` is when the repository was first pushed to, `callback` where an answer is taken.

    What Docker Hub knows and a registry does not (stars, comments, descriptions) is as it is for a new repository.
    """
    namespace, _, name = push.repository.rpartition("/")
    return {
        "callback_url": callback,
        "push_data": {"pushed_at": int(push.at), "pusher": push.pusher, "tag": push.tag, "images": []},
        "repository": {
            "comment_count": 0,
            "date_created": int(first),
            "description": "",
            "full_description": "",
            "is_official": False,
            "is_private": False,
            "is_trusted": False,
            "name": name,
            "namespace": namespace,
            "owner": namespace,
            "repo_name": push.repository,
            "repo_url": push.url,
            "star_count": 0,
            "status": "Active",
        },
    }
