"""A cloud with real machines: by the AWS CLI, as a reader calls it, and where a test has to wait, by boto3."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.containers import pidfile
from tests.e2e.calls import NAME, SOON, STATE, lab

pytest.importorskip("moto", reason="the extra `cloud` is not installed")
IMAGE = "ami-7d11c51d"
FOLDER = STATE / "clouds" / NAME
CONFIG = """#cloud-config
write_files:
  - path: /etc/mine
    content: $private_ipv4 $public_ipv4
coreos:
  units:
    - name: mine.service
      command: start
      content: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/usr/bin/touch /run/mine
"""


def api(service: str, name: str = NAME) -> Any:
    """A client of boto3."""
    plan = json.loads((STATE / "clouds" / name / "cloud.json").read_text())
    endpoint = f"http://127.0.0.1:{5820 + plan['index']}"
    return made_client(service, plan["region"], endpoint, plan["access_key"], plan["secret_key"])


@cache
def made_client(service: str, region: str, endpoint: str, key: str, secret: str) -> Any:
    """To make one takes as long as a hundred calls of it, and tests poll."""
    import boto3

    return boto3.Session(key, secret).client(service, region_name=region, endpoint_url=endpoint)


def aws(*argv: str, code: int = 0, name: str = NAME) -> Any:
    """Calls the AWS CLI and returns its JSON."""
    done = lab("aws", "--name", name, *argv, code=code)
    return json.loads(done.out) if done.out.strip() else None


def until(true: Callable[[], Any], missing: str, deadline: float = SOON) -> Any:
    end = time.monotonic() + deadline
    while not (found := true()):
        assert time.monotonic() < end, missing
        time.sleep(0.2)
    return found


def described(instance: str) -> dict[str, Any]:
    (found,) = api("ec2").describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"]
    return dict(found)


def state_of(instance: str) -> str:
    return str(described(instance)["State"]["Name"])


def kill_process(name: str = NAME) -> None:
    """Kills a cloud's process; returns when it has ended."""
    path = STATE / "clouds" / name / "supervisor.pid"
    os.kill(int(json.loads(path.read_text())["pid"]), signal.SIGKILL)
    until(lambda: pidfile.running(path) is None, "it lives")


def cgroup(instance: str, file: str) -> list[Path]:
    """A file of an instance's cgroups, in whichever hierarchies it is."""
    mounted = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    tops = [Path(words[1]) for words in mounted if words[2] in ("cgroup", "cgroup2")]
    paths = [top / "coreos-lab" / f"cloud.{NAME}" / instance / file for top in tops]
    return [path for path in paths if path.exists()]


@pytest.fixture(scope="module", autouse=True)
def cloud() -> Iterator[None]:
    lab("cloud", "destroy", "--name", NAME)
    lab("cloud", "up", "--name", NAME)
    yield
    lab("cloud", "destroy", "--name", NAME)


def new_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key pair's private key, as the API gives it."""
    path = tmp_path_factory.mktemp("keys") / "mine.pem"
    made = aws("ec2", "create-key-pair", "--key-name", "mine", "--key-type", "ed25519")
    path.write_text(made["KeyMaterial"])
    path.chmod(0o600)
    return path


key = pytest.fixture(scope="module", name="key")(new_key)


@pytest.fixture(scope="module")
def group() -> str:
    """The default security group, which lets SSH in."""
    name = str(aws("ec2", "describe-security-groups")["SecurityGroups"][0]["GroupId"])
    ssh = ("--protocol", "tcp", "--port", "22", "--cidr", "0.0.0.0/0")
    aws("ec2", "authorize-security-group-ingress", "--group-id", name, *ssh)
    return name


@pytest.fixture(scope="module")
def instance(key: Path, group: str) -> Iterator[str]:
    """An instance that serves SSH."""
    del group
    disk = ("--block-device-mappings", "DeviceName=/dev/xvdb,Ebs={VolumeSize=1}")
    more = ("--key-name", "mine", "--user-data", CONFIG, *disk)
    started = aws("ec2", "run-instances", "--image-id", IMAGE, "--instance-type", "t2.small", *more)["Instances"][0]
    name = str(started["InstanceId"])
    until(lambda: ssh(key, name, "true") is not None, "SSH does not answer")
    yield name
    aws("ec2", "terminate-instances", "--instance-ids", name)
    until(lambda: state_of(name) == "terminated", "not terminated")
    assert not (FOLDER / "nodes" / name).exists()
    assert not cgroup(name, "cgroup.procs")


def ssh(key: Path, instance: str, line: str) -> str | None:
    """What a line prints on an instance, by its public address; None where it does not answer or the line fails."""
    address = described(instance).get("PublicIpAddress")
    if address is None:
        return None
    quiet = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=2")
    options = [word for each in quiet for word in ("-o", each)]
    argv = ["ssh", "-i", str(key), *options, f"core@{address}", line]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else None


def said(key: Path, instance: str, line: str) -> str:
    """What a line prints on an instance once it answers, which a busy host may not have it do within two seconds."""
    found: list[str | None] = []

    def answers() -> bool:
        found[:] = [ssh(key, instance, line)]
        return found[0] is not None

    until(answers, f"{instance}: {line}: no answer")
    return str(found[0])


def test_user_data_is_applied_through_the_metadata_service(key: Path, instance: str) -> None:
    shown = described(instance)
    assert said(key, instance, "cat /etc/mine").strip() == f"{shown['PrivateIpAddress']} {shown['PublicIpAddress']}"
    until(lambda: ssh(key, instance, "test -e /run/mine && echo yes"), "the unit did not run")
    assert not (FOLDER / "nodes" / instance / "user-data").exists()


def test_an_instance_pulls_from_the_clouds_registry_and_its_push_calls_a_webhook(key: Path, instance: str) -> None:
    lab("cloud", "publish", "ch2", "--name", NAME)  # which builds nginx, on `debian`
    hook = lab("cloud", "webhook", "add", "http://127.0.0.1:9/", "--name", NAME, "--json").json["id"]
    image = "registry.lab:5808/me/own:production"
    line = f"docker pull -q debian && docker tag debian {image} && docker push -q {image}"
    until(lambda: ssh(key, instance, line) is not None, "docker does not push")
    told = until(lambda: lab("cloud", "webhook", "deliveries", "--name", NAME, "--json").json, "no delivery")
    assert [(each["hook"], each["repository"], each["tag"]) for each in told] == [(hook, "me/own", "production")]
    lab("cloud", "webhook", "remove", hook, "--name", NAME)


def test_an_instance_is_told_about_itself_by_both_versions_and_about_nobody_else(key: Path, instance: str) -> None:
    base = "http://169.254.169.254/latest"
    assert said(key, instance, f"curl -s {base}/meta-data/instance-id") == instance
    token = f"$(curl -s -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' {base}/api/token)"
    ask = f'curl -s -H "X-aws-ec2-metadata-token: {token}" {base}/meta-data/placement/availability-zone'
    assert said(key, instance, ask) == described(instance)["Placement"]["AvailabilityZone"]
    wrong = f"curl -s -o /dev/null -w '%{{http_code}}' -H 'X-aws-ec2-metadata-token: x' {base}/meta-data/"
    assert said(key, instance, wrong) == "401"


def test_limits_and_disks_are_those_of_the_type_and_the_mapping(key: Path, instance: str) -> None:
    assert said(key, instance, "lsblk -bno SIZE /dev/xvdb").strip() == str(2**30)
    (path,) = [each for name in ("memory.limit_in_bytes", "memory.max") for each in cgroup(instance, name)]
    assert path.read_text().strip() == str(2 * 2**30)


def test_the_console_is_the_machine_s(instance: str) -> None:
    output = aws("ec2", "get-console-output", "--instance-id", instance)["Output"]
    assert "systemd" in output


def test_an_instance_reaches_neither_the_host_nor_another_port_of_its_router(key: Path, instance: str) -> None:
    plan = json.loads((FOLDER / "cloud.json").read_text())
    host = f"198.18.{plan['index']}.1"
    with socket.create_server((host, 0)) as listening:
        port = listening.getsockname()[1]
        socket.create_connection((host, port), 5).close()  # from here it is reached
        for address, number in ((host, port), ("169.254.169.254", 5820), ("169.254.169.252", 22)):
            line = f"timeout 3 bash -c '</dev/tcp/{address}/{number}'; echo $?"
            assert said(key, instance, line).strip() == "124", address  # no answer at all


def test_a_security_group_s_change_comes_into_force(key: Path, instance: str, group: str) -> None:
    rule = ("--group-id", group, "--protocol", "tcp", "--port", "22", "--cidr", "0.0.0.0/0")
    aws("ec2", "revoke-security-group-ingress", *rule)
    until(lambda: ssh(key, instance, "true") is None, "SSH is let in all the same")
    aws("ec2", "authorize-security-group-ingress", *rule)
    until(lambda: ssh(key, instance, "true") is not None, "the rule has no effect")


def test_reboot_stop_and_start_keep_the_disk(key: Path, instance: str) -> None:
    until(lambda: ssh(key, instance, "sudo touch /var/kept && sudo touch /run/booted") is not None, "no answer")
    aws("ec2", "reboot-instances", "--instance-ids", instance)
    until(lambda: ssh(key, instance, "test -e /var/kept && test ! -e /run/booted && echo yes"), "not rebooted")
    aws("ec2", "stop-instances", "--instance-ids", instance)
    until(lambda: state_of(instance) == "stopped", "not stopped")
    assert "PublicIpAddress" not in described(instance)
    aws("ec2", "start-instances", "--instance-ids", instance)
    until(lambda: ssh(key, instance, "test -e /var/kept && echo yes"), "not started")


def test_an_instance_that_shuts_itself_down_is_stopped(key: Path, instance: str) -> None:
    line = "sudo systemctl poweroff --no-block"
    until(lambda: state_of(instance) == "stopped" or (ssh(key, instance, line) and False), "not stopped")
    assert described(instance)["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
    assert "PublicIpAddress" not in described(instance)
    aws("ec2", "start-instances", "--instance-ids", instance)
    until(lambda: ssh(key, instance, "true") is not None, "not started")


def test_instances_outlive_the_cloud_s_process(key: Path, instance: str) -> None:
    boot = "cat /proc/sys/kernel/random/boot_id; stat -c %Y /run/systemd/private"
    before = said(key, instance, boot)
    kill_process()
    assert "is off" in lab("cloud", "status", "--name", NAME, code=4).out
    lab("cloud", "up", "--name", NAME)
    assert said(key, instance, boot) == before
    assert said(key, instance, "curl -sf http://169.254.169.254/latest/meta-data/instance-id") == instance


TEMPLATE = Path(__file__).with_name("cloud.yml")


def test_a_stack_s_machines_form_a_cluster_over_flannel_s_routes_and_one_that_died_is_replaced(key: Path) -> None:
    """As in the book's chapter about AWS, with two machines, and with nothing in front of them."""
    given = "ParameterKey=KeyPair,ParameterValue=mine"
    body = ("--template-body", f"file://{TEMPLATE}", "--parameters", given, "--capabilities", "CAPABILITY_IAM")
    aws("cloudformation", "create-stack", "--stack-name", "mine", *body)
    until(lambda: stack_status() == "CREATE_COMPLETE", "the stack is not complete")
    before = members()
    assert len(before) == 2
    overlay = {each: overlay_of(key, each) for each in before}
    assert len(set(overlay.values())) == 2
    until(lambda: set(overlay.values()) <= set(routes()), "flannel's routes are missing")
    one, other = sorted(before)
    until(lambda: reaches(key, one, overlay[other]), "the other's overlay address is not reached")
    api("ec2").modify_instance_attribute(InstanceId=other, SourceDestCheck={"Value": True})
    until(lambda: not reaches(key, one, overlay[other]), "it is reached in spite of the source/dest check")
    cgroup(one, "cgroup.kill")[0].write_text("1")
    until(lambda: len(members() - before) == 1 and one not in members(), "not replaced")
    aws("cloudformation", "delete-stack", "--stack-name", "mine")
    gone = ["DELETE_COMPLETE"]
    until(lambda: api("cloudformation").list_stacks(StackStatusFilter=gone)["StackSummaries"], "not deleted")
    assert not [each for each in api("ec2").describe_vpcs()["Vpcs"] if each["CidrBlock"] == "10.1.0.0/16"]
    assert not api("iam").list_roles()["Roles"]


def overlay_of(key: Path, instance: str) -> str:
    """The network that flannel has chosen for an instance, once it has one."""
    line = ". /run/flannel/subnet.env && echo $FLANNEL_SUBNET && ip link show lab-overlay >/dev/null"
    return said(key, instance, line).strip().replace(".1/24", ".0/24")


def reaches(key: Path, instance: str, overlay: str) -> bool:
    """Whether an instance's overlay address reaches the one in another's network."""
    address = overlay.replace(".0/24", ".1")
    own = "$(ip -4 -o address show dev lab-overlay | grep -o '10[.][0-9.]*' | head -n 1)"
    return ssh(key, instance, f"ping -q -c 1 -W 2 -I {own} {address}") is not None


def routes() -> list[str]:
    """Where the stack's route table leads."""
    wanted = [{"Name": "tag:aws:cloudformation:stack-name", "Values": ["mine"]}]
    (table,) = api("ec2").describe_route_tables(Filters=wanted)["RouteTables"]
    return [str(route["DestinationCidrBlock"]) for route in table["Routes"]]


def stack_status() -> str:
    cloudformation = api("cloudformation")
    status = str(cloudformation.describe_stacks(StackName="mine")["Stacks"][0]["StackStatus"])
    assert not status.startswith(("ROLLBACK", "DELETE")), cloudformation.describe_stack_events(StackName="mine")
    return status


def members() -> set[str]:
    """The group's instances that serve."""
    (group,) = api("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return {each["InstanceId"] for each in group["Instances"] if each["LifecycleState"] == "InService"}


def test_after_a_restart_of_the_host_the_instances_run_again(key: Path, instance: str) -> None:
    """As far as that can be had without one: no process, no network, and another boot's number."""
    said(key, instance, "sudo touch /var/kept && sync")
    kill_process()
    cgroup(instance, "cgroup.kill")[0].write_text("1")
    until(lambda: all("populated 0" in path.read_text() for path in cgroup(instance, "cgroup.events")), "it lives")
    index = json.loads((FOLDER / "cloud.json").read_text())["index"]
    for space in Path("/run/netns").glob(f"coreos-lab-cloud{index}-*"):
        subprocess.run(["ip", "netns", "delete", space.name], check=True)
    subprocess.run(["ip", "link", "delete", f"labc{index}"], check=True)
    (FOLDER / "nodes" / instance / "booted").write_text("another")
    lab("cloud", "up", "--name", NAME)
    until(lambda: ssh(key, instance, "test -e /var/kept && echo yes"), "it does not run again")


def test_two_clouds_know_nothing_of_each_other(instance: str) -> None:
    other = f"{NAME}-2"
    lab("cloud", "up", "--name", other, "--region", "eu-west-1")
    try:
        assert aws("ec2", "describe-instances", name=other)["Reservations"] == []
        wrong = lab("aws", "--name", other, "ec2", "describe-vpcs", "--endpoint-url", endpoint(NAME), code=None)
        assert wrong.code != 0
        assert "AuthFailure" in wrong.err
    finally:
        lab("cloud", "destroy", "--name", other)
    assert state_of(instance) == "running"


def endpoint(name: str) -> str:
    return str(lab("cloud", "status", "--name", name, "--json").json["endpoint"])


def test_after_eval_plain_aws_and_boto3_use_the_cloud() -> None:
    exports = lab("cloud", "env", "--name", NAME).out
    script = f"{exports}\naws ec2 describe-vpcs --query 'Vpcs[0].CidrBlock' --output text"
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    assert done.stdout == "172.31.0.0/16\n"


def test_destroy_removes_what_a_killed_cloud_has_left() -> None:
    other = f"{NAME}-3"
    lab("cloud", "up", "--name", other)
    started = aws("ec2", "run-instances", "--image-id", IMAGE, "--instance-type", "t2.micro", name=other)
    instance = started["Instances"][0]["InstanceId"]
    console = STATE / "clouds" / other / "nodes" / instance / "console.log"
    until(console.exists, "not started")
    kill_process(other)
    assert "nothing is left over" in lab("cloud", "destroy", "--name", other).out
    assert not (STATE / "clouds" / other).exists()
    assert lab("cloud", "destroy", "--name", other).out == "Nothing to destroy.\n"
