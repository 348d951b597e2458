"""One lab's deployment, as a run with a record: `lab report` shows it as it shows a break."""

from __future__ import annotations

import time
from collections.abc import Mapping

from coreos_lab import events
from coreos_lab.chaos.record import Record
from coreos_lab.chaos.verdict import DEPLOY
from coreos_lab.checks.runner import run_checks
from coreos_lab.cluster import mirror, objects
from coreos_lab.commands import described
from coreos_lab.deploy import submitted
from coreos_lab.deploy.rollout import Rollout
from coreos_lab.deploy.secrets import put as put_secrets
from coreos_lab.deploy.take_off import remove_former_containers, take_off_left_out
from coreos_lab.model import CheckResult, Cluster, Lab, Outcome
from coreos_lab.observed import inventory
from coreos_lab.observed.observation import observe
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import about, deployed, runs, store
from coreos_lab.spelling import counted


class Deployment:
    """A lab that is to be deployed. The caller holds the cluster's lock.

    `secrets` are the files of the lab's secrets by name, `texts` what is in them: that goes into etcd alone.
    """

    def __init__(
        self,
        cluster: Cluster,
        lab: Lab,
        settings: Mapping[str, str],
        secrets: Mapping[str, str],
        texts: Mapping[str, str],
        deadline: float,
    ) -> None:
        self._provider = choose(cluster.provider)
        self._cluster, self._lab, self._deadline = cluster, lab, deadline
        self._settings, self._secrets, self._texts = settings, secrets, texts
        self._units = counted(len(lab.unit_names), "unit")

    def carry_out(self) -> list[CheckResult]:
        """Returns the results of the lab's checks, when they pass or the deadline is over.

        A lab that is refused has no record: nothing was touched.
        """
        rollout = Rollout(self._cluster, self._provider, self._lab)
        rollout.refuse()
        folder = runs.new(self._cluster, f"{DEPLOY}-{self._lab.name}")
        made = described.of_deploy(
            self._cluster, self._provider, self._lab, self._settings, self._secrets, self._deadline
        )
        about.save(made, folder)
        record = Record(self._provider, self._cluster, DEPLOY, self._lab.name, folder, made.wall)
        with events.recording(folder / runs.EVENTS), record.until_the_end():
            try:
                version = self._start(rollout, record)
                return self._results(rollout, record, version)
            finally:
                record.units = rollout.late or list(self._lab.unit_names)

    def _start(self, rollout: Rollout, record: Record) -> str:
        """Has fleet start the units, once the nodes can pull what they run. Returns the version of the lab."""
        with record.phase("container images", counted(len(self._lab.containers), "container image")):
            images = mirror.provide(self._cluster, self._provider, self._lab.containers)
        objects.provide(self._cluster, self._provider, self._lab.buckets)
        version = deployed.version_of(self._lab)
        with record.phase("units handed in", self._units):
            deployed.begin(self._cluster, self._lab, self._settings)
            take_off_left_out(self._cluster, self._provider, self._lab)
            put_secrets(self._cluster, self._provider, self._texts)
            folder = store.ClusterFolder(self._cluster.name).units_of(self._lab.name)
            rollout.start(submitted.units(self._lab, self._settings, images, folder))
        return version

    def _results(self, rollout: Rollout, record: Record, version: str) -> list[CheckResult]:
        """The results of the checks. They hold for the units that ran meanwhile: if one was started again, again."""
        while True:
            with record.phase("units run", self._units, fails=True):
                rollout.wait(self._deadline)
            remove_former_containers(self._cluster, self._provider, self._lab)
            deployed.record(self._cluster, self._lab, version)
            nodes = inventory.write(observe(self._cluster, self._provider))
            began = time.monotonic()
            with events.step("checks", self._lab.name):
                results = run_checks(self._lab, nodes, deadline=self._deadline)
            record.checks("checks", began, results)
            if any(result.outcome is not Outcome.PASS for result in results):
                return results
            with record.phase("units stay up", "one run of each lasts", fails=True) as says:
                with events.step("units", message="one run of each lasts"):
                    lasted = rollout.lasted()
                if lasted:
                    return results
                says("one was started again, so the checks are repeated")
