"""All of a lab's units at one moment: where each must run, and how it stands there. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from coreos_lab.deploy.irregular import Irregular
from coreos_lab.observed.standing import Standing, judge
from coreos_lab.observed.unit_places import Place, Wanted
from coreos_lab.observed.unit_states import Look, NodeUnit


@dataclass
class Picture:
    """`waiting` are the units that do not run everywhere yet, in words; `running` the names of those that do."""

    standings: dict[Place, Standing] = field(default_factory=dict)
    units: dict[Place, NodeUnit] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)

    @property
    def runs(self) -> dict[Place, str]:
        """The current run (invocation) of each unit."""
        return {place: unit.invocation for place, unit in self.units.items()}

    def are(self, standing: Standing) -> list[Place]:
        """The places where a unit stands like this."""
        return [place for place, each in self.standings.items() if each is standing]

    def is_up(self, place: Place) -> bool:
        """Whether a unit runs, or a condition in its file keeps it from running there while it runs elsewhere."""
        standing = self.standings[place]
        if standing is Standing.SKIPPED:
            return any(name == place[0] for name, _node in self.are(Standing.UP))
        return standing is Standing.UP

    def is_settled(self, place: Place) -> bool:
        """Whether nothing more is to be expected of a unit there: one that was skipped may yet run elsewhere."""
        every = [standing for (name, _node), standing in self.standings.items() if name == place[0]]
        return self.standings[place] is not Standing.SKIPPED or all(each is Standing.SKIPPED for each in every)


def draw(
    names: Sequence[str],
    wanted: Wanted,
    hashes: Mapping[str, str],
    before: Look,
    looks: Look,
    irregular: Irregular,
    ran: Collection[Place],
) -> Picture:
    """The picture of the units with these names, which are in the order of their start.

    `hashes` are those of the files that fleet holds, by unit. `before` is the look from before the units were
    submitted, `looks` the present one. `ran` are the irregular units that have been seen running since.
    """
    picture = Picture()
    for place in wanted.places:
        name, node = place
        unit = looks.get(node, {}).get(name)
        earlier = before.get(node, {}).get(name)
        standing = judge(unit, earlier, hashes.get(name, ""), intermittent=name in irregular.intermittent)
        # An irregular unit may rest until its next start.
        rests = standing is Standing.ENDED and name in irregular.triggered
        if rests or (standing is Standing.COMING and place in ran):
            standing = Standing.UP
        picture.standings[place] = standing
        if unit is not None:
            picture.units[place] = unit
    for name in names:
        places = [place for place in wanted.places if place[0] == name]
        if name in wanted.unplaced or not places:
            picture.waiting.append(name)
        elif late := [place[1] for place in places if not picture.is_up(place)]:
            picture.waiting.append(f"{name} on {', '.join(late)}")
        else:
            picture.running.append(name)
    picture.waiting += [
        f"{name} (still on {node}, from before)"
        for node, units in before.items()
        for name, earlier in units.items()
        if (name, node) not in picture.standings and _goes_on(earlier, looks.get(node, {}).get(name))
    ]
    return picture


def _goes_on(before: NodeUnit, now: NodeUnit | None) -> bool:
    """Whether a run from before the submission has not ended."""
    return now is not None and now.invocation == before.invocation != "" and now.active not in ("inactive", "failed")
