"""Auto Scaling's API: the tags of groups. Instances that run keep theirs, as at AWS."""

from __future__ import annotations

from collections.abc import Callable

from coreos_lab.cloud.scaling import asked_for
from coreos_lab.cloud.scaling.asked_for import Asked
from coreos_lab.cloud.scaling.group import Group
from coreos_lab.cloud.scaling.keeper import Keeper


class Tags:
    """Sets and removes tags. `require` is the group of a request."""

    def __init__(self, keeper: Keeper, require: Callable[[Asked], Group]) -> None:
        self.keeper, self.require = keeper, require

    def _create_or_update_tags(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            for group, each in self._groups(asked):
                group.tags = [*_without(group, each), asked_for.tag(each)]
            self.keeper.kept.save()
        return {}

    def _delete_tags(self, asked: Asked) -> Asked:
        with self.keeper.lock:
            for group, each in self._groups(asked):
                group.tags = _without(group, each)
            self.keeper.kept.save()
        return {}

    def _groups(self, asked: Asked) -> list[tuple[Group, Asked]]:
        """The tags of a request, each with its group; all of them are there, and tags, before the first is changed."""
        found = [(self._group(each), each) for each in asked.get("Tags", [])]
        for _group, each in found:
            asked_for.tag(each)
        return found

    def _group(self, tag: Asked) -> Group:
        if tag.get("ResourceType") != "auto-scaling-group":
            raise asked_for.invalid(f"ResourceType: {tag.get('ResourceType')}: must be auto-scaling-group")
        return self.require({"AutoScalingGroupName": tag.get("ResourceId", "")})


def _without(group: Group, tag: Asked) -> list[Asked]:
    return [each for each in group.tags if each["Key"] != tag.get("Key")]
