"""The steps of a restore, in the order in which each finds what it needs; a record says which of them are done."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from coreos_lab import events
from coreos_lab.backup import data, etcd_restore
from coreos_lab.backup.manifest import DataPart, Manifest
from coreos_lab.checks.runner import run_checks
from coreos_lab.cluster import lifecycle, mirror, objects
from coreos_lab.deploy import submitted
from coreos_lab.deploy.rollout import Rollout
from coreos_lab.errors import FailedError
from coreos_lab.model import CheckResult, Cluster, Lab
from coreos_lab.observed import inventory, node_states
from coreos_lab.observed.observation import observe
from coreos_lab.providers.base import Provider
from coreos_lab.records import deployed, restores, store
from coreos_lab.records.restores import Restore


class Restoring:
    """A backup that is restored to a cluster with these labs. The caller holds the cluster's lock."""

    def __init__(
        self,
        cluster: Cluster,
        provider: Provider,
        backup: Manifest,
        folder: Path,
        labs: Sequence[Lab],
        deadline: float,
    ) -> None:
        self._cluster, self._provider = cluster, provider
        self._backup, self._folder = backup, folder
        self._labs, self._deadline = labs, deadline
        self._settings = {part.name: part.settings for part in backup.labs}

    def carry_out(self, progress: Restore) -> list[CheckResult]:
        """Does what is not done yet. Returns the results of the labs' checks.

        Container images come first, since fleet starts the units as soon as etcd has them again; the labs' data come
        last, since the units have to run for them.
        """
        if progress.etcd:  # from then on `up` may repair what has broken meanwhile
            lifecycle.bring_up(self._cluster, self._provider)
        for lab in self._labs:
            objects.provide(self._cluster, self._provider, lab.buckets)
        images = {lab.name: mirror.provide(self._cluster, self._provider, lab.containers) for lab in self._labs}
        restores.save(self._cluster, progress)
        if not progress.etcd:
            etcd_restore.restore(self._cluster, self._provider, self._folder)
            progress = replace(progress, etcd=True)
            restores.save(self._cluster, progress)
        for lab in self._labs:
            self._run(lab, images[lab.name])
        for part in self._backup.data:
            name = f"{part.lab}/{part.name}"
            if name not in progress.data:
                self._restore(part)
                progress = replace(progress, data=(*progress.data, name))
                restores.save(self._cluster, progress)
        restores.forget(self._cluster)
        nodes = inventory.write(observe(self._cluster, self._provider))
        return [result for lab in self._labs for result in run_checks(lab, nodes, deadline=self._deadline)]

    def _run(self, lab: Lab, images: dict[str, str]) -> None:
        """Returns when a lab's units run. Most do already: fleet has them from the backup's keys."""
        settings = self._settings[lab.name]
        rollout = Rollout(self._cluster, self._provider, lab)
        rollout.refuse()
        version = deployed.version_of(lab)
        deployed.begin(self._cluster, lab, settings)
        folder = store.ClusterFolder(self._cluster.name).units_of(lab.name)
        rollout.start(submitted.units(lab, settings, images, folder))
        rollout.wait(self._deadline)
        deployed.record(self._cluster, lab, version)

    def _restore(self, part: DataPart) -> None:
        """Restores a lab's data, and compares it. FailedError where something of it is not there afterwards."""
        lab = next(lab for lab in self._labs if lab.name == part.lab)
        backup = next(each for each in lab.backups if each.name == part.name)
        nodes = node_states.require_running(self._cluster, self._provider)
        source = self._folder / part.file.name
        data.restore(self._cluster, nodes, lab, backup, source)
        with tempfile.TemporaryDirectory() as scratch:
            now = Path(scratch) / part.file.name
            data.dump(self._cluster, nodes, lab, backup, now)
            there, lost = data.missing(source, now)
        if lost:
            raise FailedError(
                f"{lab.name}/{backup.name}: {there} of {part.items} items are there after the restore",
                details="\n".join(lost[:3]),
            )
        events.note("data", f"all {part.items} items are there: {part.file.sha256[:16]}", f"{lab.name}/{backup.name}")
