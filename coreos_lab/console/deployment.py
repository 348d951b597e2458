"""The labs that are deployed, as the page shows them: their maps, and how far a reader's walk has come."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from coreos_lab import hints
from coreos_lab.console import drawn, walking
from coreos_lab.definition import catalog
from coreos_lab.definition.page import parse
from coreos_lab.definition.page.steps import PAGE, Step
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Lab
from coreos_lab.records import deployed, walks
from coreos_lab.records.deployed import Deployed


class Deployment:
    """Reads the labs' folders again only where the record of what is deployed has changed."""

    def __init__(self) -> None:
        self.labs: list[Lab] = []
        self.version: object = None
        self._shown: dict[str, dict[str, Any]] = {}
        self._steps: dict[str, tuple[Step, ...]] = {}  # of the labs' pages
        self._next: dict[str, int] = {}  # the numbers of the steps that are next

    @property
    def shown(self) -> dict[str, dict[str, Any]]:
        """By the labs' names: title, map, objectives of probes, the page's steps, and the step that is next."""
        return {name: {**lab, **self._walk(name)} for name, lab in self._shown.items()}

    def _walk(self, name: str) -> dict[str, Any]:
        """Where the walk through a lab is; nothing before its second step."""
        number, steps = self._next.get(name, 1), self._steps.get(name, ())
        if number == 1:
            return {}
        return {"step": number, **({"now": walking.shown(steps[number - 1])} if number <= len(steps) else {})}

    def read(self, cluster: Cluster) -> None:
        """Looks at what is deployed now."""
        records = deployed.records(cluster)
        version = (tuple((each.name, each.folder, each.version) for each in records), len(cluster.nodes))
        if version != self.version:
            self.labs, self._shown, self._steps = [], {}, {}
            for record in records:
                self._add(cluster, record)
            self.version = version
        self._next = {}
        for lab in self.labs:
            with suppress(LabError):  # another version's: the page shows no progress then
                self._next[lab.name] = walks.load(cluster.name, lab.name).step

    def _add(self, cluster: Cluster, record: Deployed) -> None:
        try:
            lab = catalog.load(record.folder).on(len(cluster.nodes))
            steps = parse.read(lab.folder / PAGE).steps if (lab.folder / PAGE).is_file() else ()
            self._steps[lab.name] = steps
            self._shown[lab.name] = {
                "title": lab.title,
                "walk": hints.lab("walk", catalog.named(lab)),
                "map": drawn.layout(lab),
                "objectives": {f"{lab.name}/{probe}": allowed for probe, allowed in lab.objectives.items()},
                "steps": [{"section": step.section, "title": step.title} for step in steps],
            }
            self.labs.append(lab)
        except (LabError, OSError) as error:  # of the user's own: its folder is gone, or is being changed
            self._shown[record.name] = {"title": record.name, "trouble": str(error)}
