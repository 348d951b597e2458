"""The one collector of a console: it looks at the cluster while somebody watches, whoever and how many they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from coreos_lab.chaos import probes
from coreos_lab.chaos.leaders import Leaders
from coreos_lab.chaos.probes import Sample
from coreos_lab.chaos.watch import Watch
from coreos_lab.console import document, happened
from coreos_lab.console.deployment import Deployment
from coreos_lab.console.feed import Feed
from coreos_lab.console.following import Following
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Lab, LabProbe, QualifiedName
from coreos_lab.observed import at_work, cluster_state, node_states
from coreos_lab.providers.base import Provider
from coreos_lab.records import fault_journal, store

LEAST, MOST = 1.0, 10.0  # seconds from the end of a look to the next one
PROBED, AT_ONCE = 0.5, 2  # seconds between two requests of a probe, where there are so many probes; more ask less often
LEADERS = 1.5  # seconds between two requests to a member for its leader
# Of a core: what looks may take on average, for a small cluster, and what each further node adds to that. A look that
# took longer is followed by a longer pause.
SHARE, SHARE_OF_NODE = 0.007, 0.0006


def pause_after(spent: float, nodes: int) -> float:
    """Seconds to wait after a look that took `spent` seconds of processor time: looks keep within their share."""
    return min(MOST, max(LEAST, spent / (SHARE + SHARE_OF_NODE * nodes)))


class Probing(Watch):
    """Repeats the probes of labs, and passes each sample to `take`."""

    def __init__(self, labs: list[Lab], cluster: Cluster, take: Callable[[Sample], None]) -> None:
        super().__init__()
        self._take = take
        found = [(QualifiedName(lab.name, probe.name), probe) for lab in labs for probe in lab.probes]
        for name, probe in found:
            order = node_states.addresses(cluster.nodes)
            self.every(PROBED * max(1.0, len(found) / AT_ONCE), partial(self._ask, name, probe, order))

    def _ask(self, name: QualifiedName, probe: LabProbe, order: list[str]) -> None:
        self._take(probes.measured(name, probe, order))


class Collector:
    """Looks at the cluster `name` from `watch(True)` to `watch(False)`, and puts what it sees into the feed."""

    def __init__(self, name: str, provider: Provider, feed: Feed) -> None:
        self._name, self._provider, self._feed = name, provider, feed
        self._session: _Session | None = None

    def watch(self, on: bool) -> None:
        """Begins or ends looking. Returns at once."""
        if self._session is not None:
            self._session.end()
        self._session = _Session(self._name, self._provider, self._feed) if on else None
        if self._session is not None:
            self._session.start()

    def soon(self) -> None:
        """Has the next look made at once: something was just done."""
        if self._session is not None:
            self._session.soon.set()


class _Session(threading.Thread):
    """Looks until it is ended. What must be made anew for another set of nodes or labs is in `_watches`."""

    def __init__(self, name: str, provider: Provider, feed: Feed) -> None:
        super().__init__(daemon=True, name="looking")
        self._cluster, self._provider, self._feed = name, provider, feed
        self._over = threading.Event()
        self.soon = threading.Event()
        self._following = Following(name)
        self._deployment = Deployment()
        self._watches = ExitStack()
        self._watched: object = None
        self._leaders: Leaders | None = None
        self._seen: dict[str, Any] = {}

    def end(self) -> None:
        """Ends looking; the thread is over some tenths of a second later."""
        self._over.set()
        self.soon.set()

    def run(self) -> None:
        with self._watches:
            while True:
                self.soon.clear()
                if self._over.is_set():  # looked at after that: `end` sets this first
                    return
                began = time.process_time()
                try:
                    nodes = self._look()
                    self._feed.update(trouble="")
                except LabError as error:
                    nodes = 0
                    self._feed.update(trouble=error.message)
                except Exception as error:  # the page must say so: one that shows old states in silence is wrong
                    nodes = 0
                    self._feed.update(trouble=f"a bug of ours: {type(error).__name__}: {error}")
                self.soon.wait(pause_after(time.process_time() - began, nodes))

    def _look(self) -> int:
        """Looks once; returns the number of nodes."""
        cluster = store.require(self._cluster)
        self._deployment.read(cluster)
        self._attend(cluster)
        busy = at_work.on(self._cluster)
        faults = fault_journal.open_faults(cluster)
        state = cluster_state.of(cluster, self._provider)
        leader = self._leaders.leader if self._leaders else None
        seen = document.of(cluster, state, faults, leader)
        if self._over.is_set():
            return len(cluster.nodes)
        for event in [*self._following.new(), *happened.between(self._seen, seen)]:
            self._feed.happened(event)
        self._seen = seen
        self._feed.update(**seen, labs=self._deployment.shown, busy=busy, seen=round(time.time(), 1))
        return len(cluster.nodes)

    def _attend(self, cluster: Cluster) -> None:
        """Watches leaders and probes, anew where the nodes or the labs are others."""
        wanted = (cluster.nodes, self._deployment.version)
        if wanted == self._watched:
            return
        self._watches.close()
        self._watched = wanted
        self._leaders = self._watches.enter_context(Leaders(cluster.members, LEADERS))
        self._watches.enter_context(Probing(self._deployment.labs, cluster, self._sampled))

    def _sampled(self, sample: Sample) -> None:
        self._feed.sampled(
            {
                "probe": str(sample.of),
                "wall": round(sample.wall, 2),
                "ok": sample.ok,
                "ms": round((sample.seconds or 0.0) * 1000, 1),
                "detail": sample.detail,
            }
        )
