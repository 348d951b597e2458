"""The desired state, read from EC2's objects: instances and VPCs as plain values.

Instances, subnets and VPCs have numbers, from which the names of their interfaces and namespaces on the host derive.
They are stored with moto's objects: a number stays the same while its resource exists, and is free again afterwards.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from coreos_lab.cloud import interfaces
from coreos_lab.cloud.network import Entry, Group, Port, Route, Rule, Subnet, Vpc
from coreos_lab.cloud.states import ENDED, STOPPED
from coreos_lab.model import Volume

FIRST_OF_SERVICES = 1000  # the ports of load balancers and functions have numbers above those of instances
PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp"}
ROOT = ("/dev/sda1", "/dev/xvda")  # part of the machine's own folder, not a disk
ATTACHING, ATTACHED, DETACHING = "attaching", "attached", "detaching"  # what a volume's attachment is doing


@dataclass(frozen=True)
class Instance:
    """An instance as the API has it.

    `code` is EC2's number of its state, `reboots` how many were asked for and are not done yet; `memory` is in bytes.
    `disks` are those that its machine is to have. `unsettled`: the API waits until it has them, and no others.
    """

    name: str
    number: int
    code: int
    vpc: str
    port: Port
    size: str
    memory: int
    cpus: int
    image: str
    zone: str
    hostname: str
    public_hostname: str
    key_name: str
    public_key: str
    user_data: bytes | None
    reboots: int
    index: int
    reservation: str
    group_names: tuple[str, ...]
    launched: datetime
    ends_when_off: bool
    tokens_only: bool
    has_metadata: bool
    disks: tuple[Volume, ...] = ()
    unsettled: bool = False
    profile: str = ""
    interface: str = ""
    subnet_cidr: str = ""
    vpc_cidr: str = ""


def instances(backend: Any) -> list[Instance]:
    """All instances that are not terminated."""
    found = []
    for reservation in backend.reservations.values():
        for each in reservation.instances:
            if each.state_code != ENDED:
                found.append(_instance(backend, reservation.id, each))
    return found


def _instance(backend: Any, reservation: str, each: Any) -> Instance:
    key = backend.key_pairs.get(each.key_name)
    data = each.user_data
    options = each.metadata_options
    profile = backend.iam_instance_profile_associations.get(each.id)
    kind = backend.describe_instance_types([each.instance_type])[0]
    disks = [_disk(backend, *mapped) for mapped in each.get_block_device_mapping if mapped[0] not in ROOT]
    return Instance(
        name=each.id,
        number=number(each, (other for other in backend.all_instances() if other.state_code != ENDED)),
        code=each.state_code,
        vpc=each.vpc_id,
        port=_port(backend, each),
        size=each.instance_type,
        memory=kind["MemoryInfo"]["SizeInMiB"] * 2**20,
        cpus=kind["VCpuInfo"]["DefaultVCpus"],
        image=each.image_id,
        zone=each.availability_zone,
        hostname=each.private_dns_name,
        public_hostname=each.public_dns_name or "",
        key_name=each.key_name or "",
        public_key=key.public_key if key else "",
        user_data=b64decode(str(data)) if data else None,
        reboots=each.lab_reboots - each.lab_rebooted,
        index=each.ami_launch_index,
        reservation=reservation,
        group_names=tuple(sorted(group.name for group in each.nics[0].group_set)),
        launched=each.launch_time,
        ends_when_off=each.instance_initiated_shutdown_behavior == "terminate",
        tokens_only=options.http_tokens == "required",
        has_metadata=options.http_endpoint != "disabled",
        disks=tuple(disk for disk, status in disks if status != DETACHING),
        unsettled=any(status != ATTACHED for _disk, status in disks),
        profile=profile.iam_instance_profile.name if profile else "",
        interface=each.nics[0].id,
        subnet_cidr=each.nics[0].subnet.cidr_block,
        vpc_cidr=backend.vpcs[each.vpc_id].cidr_block,
    )


def _disk(backend: Any, device: str, mapping: Any) -> tuple[Volume, str]:
    """A volume of an instance, and what its attachment is doing."""
    volume = backend.volumes[mapping.volume_id]
    return Volume(device, int(volume.size) * 2**30, volume.id), volume.attachment.status


def _port(backend: Any, each: Any) -> Port:
    nic = each.nics[0]
    return Port(
        each.id,
        number(each, (other for other in backend.all_instances() if other.state_code != ENDED)),
        nic.subnet.id,
        nic.private_ip_address,
        nic.mac_address,
        nic.public_ip or "",
        tuple(sorted(group.id for group in nic.group_set)),
        bool(nic.source_dest_check),
    )


def _of_services(backend: Any) -> list[Any]:
    """The network interfaces of load balancers and functions."""
    return [each for each in backend.enis.values() if interfaces.is_service(each)]


def _port_of_service(interface: Any, backend: Any) -> Port:
    return Port(
        interface.id,
        FIRST_OF_SERVICES + number(interface, _of_services(backend)),
        interface.subnet.id,
        interface.private_ip_address,
        interface.mac_address,
        interface.public_ip or "",
        tuple(sorted(group.id for group in interface._group_set)),
    )


def number(thing: Any, others: Iterable[Any]) -> int:
    """A resource's number. One that has none gets the first that no other resource has."""
    if not hasattr(thing, "lab_number"):
        taken = {getattr(each, "lab_number", None) for each in others}
        thing.lab_number = next(i for i in range(1, len(taken) + 2) if i not in taken)
    return int(thing.lab_number)


def vpcs(backend: Any) -> list[Vpc]:
    """The VPCs with instances that are not off, load balancers or functions. What is off is not part of the network."""
    found = []
    live = [each for each in backend.all_instances() if each.state_code not in (ENDED, STOPPED)]
    for vpc in backend.vpcs.values():
        ports = tuple(_port(backend, each) for each in live if each.vpc_id == vpc.id)
        ports += tuple(_port_of_service(each, backend) for each in _of_services(backend) if each.vpc_id == vpc.id)
        if not ports:
            continue
        subnets = [each for zone in backend.subnets.values() for each in zone.values() if each.vpc_id == vpc.id]
        found.append(
            Vpc(
                vpc.id,
                number(vpc, backend.vpcs.values()),
                vpc.cidr_block,
                tuple(
                    _subnet(backend, each, vpc, subnets, {port.instance: port for port in ports}) for each in subnets
                ),
                ports,
                tuple(_group(each) for each in backend.groups.get(vpc.id, {}).values()),
            )
        )
    return found


def _subnet(backend: Any, subnet: Any, vpc: Any, subnets: Iterable[Any], ports: dict[str, Port]) -> Subnet:
    tables = [each for each in backend.route_tables.values() if each.vpc_id == vpc.id]
    own = next((each for each in tables if subnet.id in each._associations.values()), None)
    table = own or next((each for each in tables if each.main_association_id is not None), None)
    listed = table._routes.values() if table else ()
    routes = tuple(_route(each, vpc, ports) for each in listed if not each.local and each.destination_cidr_block)
    acl = next((each for each in backend.network_acls.values() if _is_of(each, subnet)), None)
    entries = sorted(acl.network_acl_entries, key=lambda entry: entry.rule_number) if acl else ()
    return Subnet(
        subnet.id,
        number(subnet, subnets),
        subnet.cidr_block,
        routes,
        ingress=tuple(_entry(each) for each in entries if not each.egress and each.cidr_block),
        egress=tuple(_entry(each) for each in entries if each.egress and each.cidr_block),
    )


def _is_of(acl: Any, subnet: Any) -> bool:
    return any(each.subnet_id == subnet.id for each in acl.associations)


def _entry(each: Any) -> Entry:
    """A line of a network ACL, whose protocols are numbers."""
    protocol = PROTOCOLS.get(str(each.protocol), str(each.protocol))
    icmp = protocol == "icmp"
    first, last = (each.icmp_type, each.icmp_code) if icmp else (each.port_range_from, each.port_range_to)
    return Entry(each.rule_action == "allow", Rule(protocol, first, last, each.cidr_block))


def _route(route: Any, vpc: Any, ports: dict[str, Port]) -> Route:
    if route.gateway is not None:
        attached = route.gateway.vpc is not None and route.gateway.vpc.id == vpc.id
        return Route(route.destination_cidr_block, internet=attached)
    target = route.instance or (route.interface.instance if route.interface is not None else None)
    port = ports.get(target.id) if target is not None else None
    return Route(route.destination_cidr_block, address=port.address if port else "")


def _group(group: Any) -> Group:
    return Group(group.id, _rules(group.ingress_rules), _rules(group.egress_rules))


def _rules(rules: Iterable[Any]) -> tuple[Rule, ...]:
    """IPv6's rules are left out: nothing here has such an address."""
    return tuple(
        Rule(each.ip_protocol, each.from_port, each.to_port, each.cidr_ipv4 or "", each.source_group.get("GroupId", ""))
        for each in rules
        if each.cidr_ipv4 or each.source_group.get("GroupId")
    )
