"""ch8: the stack is what the chapter says, and nothing that its machines need has been taken away."""

import os
from base64 import b64decode
from ipaddress import ip_network

import boto3
import pytest

STACK = os.environ.get("STACK", "coreos")
MACHINES = 3
CONTAINERS = ip_network("10.10.0.0/16")  # flannel's network
EVERYBODY = "0.0.0.0/0"
UNITS = [
    *("etcd2.service", "fleet.service", "set-metadata.service", "format-docker.service", "var-lib-docker.mount"),
    *("flanneld.service", "set-sdcheck-off.service"),
]
NEEDED = ["ec2:CreateRoute", "ec2:DescribeInstances", "ec2:DescribeRouteTables", "ec2:ModifyInstanceAttribute"]


@pytest.fixture(scope="session")
def aws():
    """aws("ec2"): a client of boto3, which finds the cloud by the variables of `lab cloud env`."""
    clients = {}

    def client(service):
        if service not in clients:
            clients[service] = boto3.client(service)
        return clients[service]

    return client


@pytest.fixture
def parts(aws):
    """The physical id of each of the stack's resources, by its name in the template."""
    listed = aws("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    return {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in listed}


@pytest.fixture
def machines(aws):
    """The group's instances that run."""
    wanted = {"tag:aws:cloudformation:stack-name": STACK, "instance-state-name": "running"}
    filters = [{"Name": name, "Values": [value]} for name, value in wanted.items()]
    listed = aws("ec2").describe_instances(Filters=filters)["Reservations"]
    return [instance for reservation in listed for instance in reservation["Instances"]]


@pytest.fixture
def ingress(aws, parts):
    """What a security group of the template lets in: {(port, source)}, the port -1 for all."""

    def of(name):
        group = aws("ec2").describe_security_groups(GroupIds=[parts[name]])["SecurityGroups"][0]
        found = set()
        for rule in group["IpPermissions"]:
            sources = [each["CidrIp"] for each in rule["IpRanges"]]
            sources += [each["GroupId"] for each in rule["UserIdGroupPairs"]]
            found |= {(rule.get("FromPort", -1), source) for source in sources}
        return found

    return of


def test_the_stack_is_complete(aws):
    stack = aws("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    assert stack["StackStatus"].endswith("_COMPLETE"), stack["StackStatus"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert outputs.get("ELB") and outputs.get("Backup"), f"an output is missing: {outputs}"


def test_three_machines_run_in_three_zones(machines):
    zones = sorted(each["Placement"]["AvailabilityZone"] for each in machines)
    assert len(zones) == len(set(zones)) == MACHINES, f"they run in: {', '.join(zones) or 'none'}"


def test_everybody_reaches_no_port_but_22_80_and_8091(ingress):
    found = {
        port for name in ("ELBSecurityGroup", "CoreOSSecurityGroup") for port, who in ingress(name) if who == EVERYBODY
    }
    assert found <= {22, 80, 8091}, f"open to everybody: {sorted(found)}"
    assert {80, 8091} <= found, f"open to everybody: {sorted(found)}"


@pytest.mark.parametrize("port", [2379, 2380, 4001])
def test_machines_reach_each_other_at(ingress, parts, port):
    own = parts["CoreOSSecurityGroup"]
    assert (port, own) in ingress("CoreOSSecurityGroup"), f"{own} does not let its own members in at port {port}"


def test_machines_boot_from_the_chapters_units(aws, machines):
    asked = {"InstanceId": machines[0]["InstanceId"], "Attribute": "userData"}
    text = b64decode(aws("ec2").describe_instance_attribute(**asked)["UserData"]["Value"]).decode()
    assert text.startswith("#cloud-config\n")
    names = [line.split()[-1] for line in text.splitlines() if line.strip().startswith("- name: ")]
    assert [name for name in names if name in UNITS] == UNITS, f"its units are: {', '.join(names)}"


def test_no_machine_has_its_source_dest_check_on(machines):
    checked = [each["InstanceId"] for each in machines if each["SourceDestCheck"]]
    assert not checked, f"packets of containers are dropped on: {', '.join(checked)}"


def test_each_machines_containers_have_a_route(aws, machines, parts):
    table = aws("ec2").describe_route_tables(RouteTableIds=[parts["RouteTable"]])["RouteTables"][0]
    routed = {
        each.get("InstanceId") or each.get("NetworkInterfaceId")
        for each in table["Routes"]
        if each["State"] == "active" and ip_network(each["DestinationCidrBlock"]).subnet_of(CONTAINERS)
    }
    without = [
        each["InstanceId"]
        for each in machines
        if not routed & {each["InstanceId"], each["NetworkInterfaces"][0]["NetworkInterfaceId"]}
    ]
    assert not without, f"the route table has no route to the containers of: {', '.join(without)}"


def test_the_role_may_what_the_machines_do(aws, parts):
    policy = aws("iam").get_role_policy(RoleName=parts["CoreOSRole"], PolicyName="coreos")["PolicyDocument"]
    allowed = {action for each in policy["Statement"] if each["Effect"] == "Allow" for action in each["Action"]}
    missing = [action for action in NEEDED if action not in allowed]
    assert not missing, f"{parts['CoreOSRole']} may not: {', '.join(missing)}"


@pytest.mark.parametrize("group", ["WebTargetGroup", "CouchbaseTargetGroup"])
def test_the_load_balancer_knows_every_machine(aws, machines, parts, group):
    said = aws("elbv2").describe_target_health(TargetGroupArn=parts[group])["TargetHealthDescriptions"]
    known = {each["Target"]["Id"] for each in said if each["TargetHealth"]["State"] != "draining"}
    assert known == {each["InstanceId"] for each in machines}, f"its targets are: {', '.join(sorted(known))}"


def test_etcd_answers_the_internal_load_balancer_on_every_machine(aws, parts):
    said = aws("elb").describe_instance_health(LoadBalancerName=parts["InternalEtcdbLB"])["InstanceStates"]
    states = [each["State"] for each in said]
    assert states == ["InService"] * MACHINES, f"its instances are: {', '.join(states)}"


def test_the_bucket_forgets_and_lets_the_machines_in(aws, parts):
    s3, bucket = aws("s3"), parts["S3Backup"]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert [(each["Status"], each["Expiration"]["Days"]) for each in rules] == [("Enabled", 10)]
    assert f"role/{parts['CoreOSRole']}" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
