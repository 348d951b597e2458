"""What `make bench` measures of a cloud: its start and memory, ch8's stack, a machine replaced, a rule in force.

The machines are asked by SSH and the load balancer by the API, as in the chapter. "Serves" means that the load balancer
finds the machine's web server healthy.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CHAPTER = ROOT / "labs" / "ch8"
STACK = "bench"
WEB = 3000  # the port of the chapter's web server
MACHINES = 3
PATIENCE = 300.0  # seconds until a step of a measurement must have ended


class Bench:
    """A cloud that is measured. `lab` calls the command and returns its stdout."""

    def __init__(self, lab: Callable[..., str], name: str, folder: Path) -> None:
        self._lab = lab
        self._name = name
        self._key = folder / "key.pem"

    def _api(self, service: str) -> Any:
        import boto3

        from coreos_lab.records import clouds

        cloud = clouds.require(self._name)
        session = boto3.Session(cloud.access_key, cloud.secret_key)
        return session.client(service, region_name=cloud.region, endpoint_url=cloud.endpoint)

    def up(self) -> None:
        self._lab("cloud", "up", "--name", self._name)

    def memory(self) -> float:
        """MiB of the cloud's process and its children, with their parts of what they share."""
        from coreos_lab.containers import pidfile
        from coreos_lab.records.clouds import CloudFolder

        first = pidfile.running(CloudFolder(self._name).supervisor_pid)
        if first is None:
            raise SystemExit("bench: the cloud's process has ended")
        parts = [Path(f"/proc/{number}/smaps_rollup").read_text(encoding="utf-8") for number in _tree(first)]
        lines = [line.split() for part in parts for line in part.splitlines()]
        return sum(int(words[1]) for words in lines if words[0] == "Pss:") / 1024

    def create_stack(self) -> None:
        """Creates the chapter's stack; returns when fleet lists its machines and each of them serves."""
        made = self._api("ec2").create_key_pair(KeyName="bench", KeyType="ed25519")
        self._key.touch(0o600)
        self._key.write_text(made["KeyMaterial"], encoding="utf-8")
        token = self._lab("cloud", "discovery", "--name", self._name, "--size", str(MACHINES)).strip()
        given = {"KeyPair": "bench", "DiscoveryURL": token}
        formation = self._api("cloudformation")
        formation.create_stack(
            StackName=STACK,
            TemplateBody=(CHAPTER / "cluster.yml").read_text(encoding="utf-8"),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_IAM"],
        )

        def complete() -> bool:
            return bool(formation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")

        _until(complete, "the stack is complete")
        first = self._addresses()[0]
        _until(
            lambda: len((self._ssh(first, "fleetctl list-machines --no-legend") or "").splitlines()) == MACHINES,
            "fleet lists three machines",
        )
        unit = (CHAPTER / "web.service").read_text(encoding="utf-8")
        _until(
            lambda: self._ssh(first, "cat >web.service && fleetctl start --no-block web.service", unit) is not None,
            "fleet takes the web server's unit",
        )
        _until(lambda: len(self._serving()) == MACHINES, "three machines serve")

    def replace_machine(self) -> None:
        """Switches a machine off, and returns when another one serves in its place."""
        before = self._serving()
        victim = sorted(before)[0]
        self._ssh(self._addresses(victim)[0], "sudo systemctl poweroff --force --force")
        _until(lambda: len(self._serving() - {victim}) == MACHINES, "another machine serves")

    def change_rule(self) -> None:
        """Lets everybody reach the web servers; returns when this machine does."""
        address = self._addresses()[0]
        wanted = {"IpProtocol": "tcp", "FromPort": WEB, "ToPort": WEB, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        part = self._api("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId="CoreOSSecurityGroup"
        )
        group = part["StackResourceDetail"]["PhysicalResourceId"]
        self._api("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[wanted])

        def reached() -> bool:
            try:
                socket.create_connection((address, WEB), timeout=0.2).close()
            except OSError:
                return False
            return True

        _until(reached, "the web server is reached", interval=0.02)

    def destroy(self) -> None:
        self._lab("cloud", "destroy", "--name", self._name)

    def _addresses(self, *instances: str) -> list[str]:
        """Public addresses of the stack's running machines, or of these."""
        wanted = [
            {"Name": "tag:aws:cloudformation:stack-name", "Values": [STACK]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        found = self._api("ec2").describe_instances(Filters=wanted, InstanceIds=list(instances))["Reservations"]
        return [str(each["PublicIpAddress"]) for part in found for each in part["Instances"]]

    def _serving(self) -> set[str]:
        """The machines whose web server the load balancer finds healthy."""
        balancing = self._api("elbv2")
        (group,) = [each for each in balancing.describe_target_groups()["TargetGroups"] if each["Port"] == WEB]
        told = balancing.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        return {str(each["Target"]["Id"]) for each in told if each["TargetHealth"]["State"] == "healthy"}

    def _ssh(self, address: str, line: str, given: str = "") -> str | None:
        """What a line prints on a machine; None where it fails."""
        quiet = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=2")
        options = [word for each in quiet for word in ("-o", each)]
        argv = ["ssh", "-i", str(self._key), *options, f"core@{address}", line]
        done = subprocess.run(argv, input=given, capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None


@contextmanager
def bench(lab: Callable[..., str], name: str) -> Iterator[Bench]:
    """A cloud that does not run yet, and that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        measured = Bench(lab, name, Path(folder))
        measured.destroy()
        try:
            yield measured
        finally:
            measured.destroy()


def _tree(first: int) -> list[int]:
    """A process and its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # one that has ended meanwhile
            told = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            parents[int(entry.name)] = int(told.rpartition(")")[2].split()[1])
    found = [first]
    for number in found:
        found += [child for child, parent in parents.items() if parent == number]
    return found


def _until(true: Callable[[], object], what: str, interval: float = 0.2) -> None:
    from coreos_lab import wait

    wait.until(true, deadline=PATIENCE, interval=interval, missing=f"not so: {what}")
