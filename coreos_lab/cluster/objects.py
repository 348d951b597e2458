"""A cluster's S3: buckets for what its labs put away, in the cluster's folder on this host.

It runs from the first deployment of a lab with buckets on, on the host's address in the cluster's network. `lab up`
starts it again where it has ended. Undeploying a lab leaves its buckets: a backup outlives what it is of. `lab destroy`
removes them with the cluster.
"""

from __future__ import annotations

import hashlib
import http.client
import sys
from collections.abc import Mapping

from coreos_lab import events
from coreos_lab.cluster import service
from coreos_lab.containers import pidfile
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.plan import OBJECTS_PORT
from coreos_lab.providers.base import Provider
from coreos_lab.records.store import ClusterFolder

# A string, since a cloud's S3 is no lower layer. With -P: no module of the working directory's.
PROGRAM = "from coreos_lab.cloud.s3.alone import main; main()"
RULES = (
    "<LifecycleConfiguration><Rule><ID>lab</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter>"
    "<Expiration><Days>{days}</Days></Expiration></Rule></LifecycleConfiguration>"
)
LOCATION = "<CreateBucketConfiguration><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>"
THERE = (http.client.OK, http.client.CONFLICT)


def place(cluster: Cluster) -> str:
    """host:port of the service here."""
    return f"{cluster.network.gateway}:{OBJECTS_PORT}"


def provide(cluster: Cluster, provider: Provider, buckets: Mapping[str, int]) -> None:
    """Returns when the nodes can use these buckets, whose objects go after so many days each."""
    if not buckets:
        return
    ClusterFolder(cluster.name).objects.mkdir(mode=0o700, parents=True, exist_ok=True)
    provider.create_network(cluster)  # its rules let nodes reach the service from now on
    run_service(cluster)
    for name, days in buckets.items():
        with events.step("bucket", name, f"objects go after {days} days"):
            _put(cluster, f"/{name}", LOCATION)
            _put(cluster, f"/{name}?lifecycle", RULES.format(days=days))


def run_service(cluster: Cluster) -> None:
    """Starts the service where the cluster has buckets and it does not run."""
    folder = ClusterFolder(cluster.name)
    if not folder.objects.is_dir():
        return
    mark = hashlib.sha256(str(folder.objects).encode()).hexdigest()[:16]
    program = [sys.executable, "-P", "-c", PROGRAM, str(folder.objects), mark, place(cluster)]
    service.run("S3", folder.objects_pid, program, [place(cluster)], mark)


def stop_service(cluster: Cluster) -> None:
    """Ends the service, if it runs. The buckets stay until the cluster's folder is removed."""
    pidfile.end(ClusterFolder(cluster.name).objects_pid)


def _put(cluster: Cluster, path: str, body: str = "") -> None:
    connection = http.client.HTTPConnection(place(cluster), timeout=10)
    try:
        connection.request("PUT", path, body)
        answer = connection.getresponse()
        said = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise LabError(f"{place(cluster)}: S3 does not answer: {error}") from None
    finally:
        connection.close()
    if answer.status not in THERE:
        raise LabError(f"{place(cluster)}: S3 refuses {path}: HTTP {answer.status}", details=said[:300])
