"""Where moto's instances are not as AWS's are, or do not need to be as real as here.

moto's version is pinned, so its objects are known. Each change says what moto does without it. One long module because
it is what another version of moto is compared with.
"""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2 import models as ec2
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import Instance
from moto.ec2.responses import instances as responses
from moto.ec2.responses.general import General

from coreos_lab.cloud import moto_volumes
from coreos_lab.cloud.states import ENDED, NAMES, PENDING, RUNNING, SHUTTING_DOWN, STOPPED, STOPPING
from coreos_lab.model.cloud import INSTANCES_MAX

USER_DATA_MAX = 16 * 1024  # bytes, before it is encoded: AWS's limit
SHOWN_AFTER_THE_END = 3600.0  # seconds
WHILE_STOPPED = ("instance_type", "user_data")  # what can be changed of a stopped instance alone
WITHOUT_CLIENTS = "ABCDE"  # what moto takes for the client's token in a call without one


def change(console: Callable[[str], str]) -> None:
    """Changes moto; `console` returns an instance's console output."""
    _states()
    _console(console)
    _checks()


def set_state(instance: Any, code: int) -> None:
    """Sets what an instance is doing."""
    instance._state.code, instance._state.name = code, NAMES[code]


def _states() -> None:
    """moto's instances run, stop and end at once; here they do when their machines do (instances.py)."""
    _becomes(Instance, "start", PENDING, of=(STOPPED,), done=(PENDING, RUNNING))
    _becomes(Instance, "stop", STOPPING, of=(PENDING, RUNNING), done=(STOPPING, STOPPED))
    _becomes(
        Instance, "terminate", SHUTTING_DOWN, of=(PENDING, RUNNING, STOPPING, STOPPED), done=(SHUTTING_DOWN, ENDED)
    )
    _becomes(Instance, "reboot", RUNNING, of=(RUNNING,))
    _told("start_instances", "StartingInstances")
    _told("stop_instances", "StoppingInstances")
    _told("terminate_instances", "TerminatingInstances")
    _then(Instance, "terminate", _keep_address)
    _then(Instance, "start", moto_volumes.start_with)
    _then(Instance, "reboot", _count_reboot)
    made = Instance.__init__

    @wraps(made)
    def init(self: Any, *args: Any, **more: Any) -> None:
        made(self, *args, **more)
        set_state(self, PENDING)
        self.lab_reboots = self.lab_rebooted = 0  # asked for, and done
        for nic in self.nics.values():  # moto keeps them, and then subnets cannot be deleted
            nic.delete_on_termination = True
        if not self.security_groups:  # moto shows those of the interface only there
            self.security_groups = list(self.nics[0]._group_set)

    Instance.__init__ = init


def _told(name: str, key: str) -> None:
    """moto answers a change of state with the state that it always leads to, even where nothing was to be done."""
    original = getattr(responses.InstanceResponse, name)

    @wraps(original)
    def method(self: Any) -> Any:
        answer = original(self)
        for each in answer.result[key]:
            each["CurrentState"] = copy(self.ec2_backend.get_instance(each["InstanceId"])._state)
        return answer

    setattr(responses.InstanceResponse, name, method)


def _becomes(cls: Any, name: str, code: int, *, of: tuple[int, ...], done: tuple[int, ...] = ()) -> None:
    """A change of state that is asked for: from the states `of`; nothing is to be done in the states `done`."""
    original = getattr(cls, name)

    @wraps(original)
    def method(self: Any) -> Any:
        if self.state_code in done:
            return copy(self._state)
        if self.state_code not in of:
            raise EC2ClientError("IncorrectInstanceState", f"The instance '{self.id}' is {self.state}")
        answer = original(self)
        set_state(self, code)
        return answer

    setattr(cls, name, method)


def _keep_address(instance: Any) -> None:
    """moto gives the private address to the next instance while this one's machine still has it."""
    nic = instance.nics[0]
    if nic.private_ip_address not in nic.subnet._subnet_ips and instance.state_code == SHUTTING_DOWN:
        nic.subnet.request_ip(nic.private_ip_address, instance)


def switch_off(instance: Any, code: int) -> None:
    """An instance whose machine has switched itself off is stopped, or about to end; its public address is free."""
    for nic in instance.nics.values():
        nic.stop()
    set_state(instance, code)
    reason = "Client.InstanceInitiatedShutdown"
    instance.state_reason.code, instance.state_reason.message = reason, f"{reason}: Instance initiated shutdown"


def end(instance: Any, reason: str = "") -> None:
    """An instance whose machine is gone is terminated, and its address is free."""
    set_state(instance, ENDED)
    instance.lab_ended = time.time()
    moto_volumes.take_from(instance)
    nic = instance.nics[0]
    if nic.subnet._subnet_ips.get(nic.private_ip_address) is instance:
        nic.subnet.del_subnet_ip(nic.private_ip_address)
    if reason:
        instance.state_reason.code, instance.state_reason.message = "Server.InternalError", reason


def forget(backend: Any, now: float) -> bool:
    """Drops instances that were terminated an hour ago. Returns whether there were any."""
    old = [
        (name, each)
        for name, reservation in backend.reservations.items()
        for each in reservation.instances
        if each.state_code == ENDED and now - each.lab_ended > SHOWN_AFTER_THE_END
    ]
    for name, each in old:
        backend.reservations[name].instances.remove(each)
        if not backend.reservations[name].instances:
            del backend.reservations[name]
    return bool(old)


def _count_reboot(instance: Any) -> None:
    instance.lab_reboots += 1


def _then(cls: Any, name: str, what: Callable[[Any], None]) -> None:
    original = getattr(cls, name)

    @wraps(original)
    def method(self: Any, *args: Any, **more: Any) -> Any:
        answer = original(self, *args, **more)
        what(self)
        return answer

    setattr(cls, name, method)


def _console(console: Callable[[str], str]) -> None:
    """moto shows every instance the same console."""

    def output(self: Any) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        text = Base64EncodedString.from_raw_string(console(instance.id))
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": text})

    General.get_console_output = output


def _checks() -> None:
    """moto starts instances from any image, with any key, of any size, and changes them while they run."""
    run = ec2.EC2Backend.run_instances

    @wraps(run)
    def checked(self: Any, image_id: str, count: int, user_data: Any, groups: list[str], **more: Any) -> Any:
        if image_id not in self.amis:
            raise EC2ClientError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
        key = more.get("key_name")
        if key and key not in self.key_pairs:
            raise EC2ClientError("InvalidKeyPair.NotFound", f"The key pair '{key}' does not exist")
        self.describe_instance_types([more["instance_type"]])  # an error for one that does not exist
        _check_user_data(user_data)
        for mapping in more.get("block_device_mappings") or ():
            _check_disk(mapping)
        if not more.get("subnet_id") and not more.get("nics"):
            more["subnet_id"] = _default_subnet(self, more.get("placement"))
        if not groups and not more.get("security_group_ids") and not more.get("nics"):
            vpc = self.get_subnet(more["subnet_id"]).vpc_id
            more["security_group_ids"] = [self.get_default_security_group(vpc).id]
        token = more.get("client_token")
        for reservation in self.reservations.values():
            if token != WITHOUT_CLIENTS and any(each.client_token == token for each in reservation.instances):
                return reservation  # the same call once more: a client that had no answer
        there = sum(each.state_code != ENDED for each in self.all_instances())
        if there + count > INSTANCES_MAX:
            raise EC2ClientError("InstanceLimitExceeded", f"a cloud has {INSTANCES_MAX} instances at most")
        reservation = run(self, image_id, count, user_data, groups, **more)
        profile = {key: more.get(f"iam_instance_profile_{key}") for key in ("name", "arn")}
        for instance in reservation.instances[1:] if any(profile.values()) else ():  # moto: the first one alone
            given = {f"iam_instance_profile_{key}": value for key, value in profile.items()}
            self.associate_iam_instance_profile(instance_id=instance.id, **given)
        return reservation

    ec2.EC2Backend.run_instances = checked
    disks = responses.InstanceResponse._parse_block_device_mapping

    def with_default(self: Any) -> Any:
        """moto keeps the volumes of a mapping that does not say whether they go with their instance."""
        found = disks(self)
        for disk, asked in zip(found, self._get_param("BlockDeviceMappings", []), strict=True):
            disk["Ebs"]["DeleteOnTermination"] = asked.get("Ebs", {}).get("DeleteOnTermination", True)
        return found

    responses.InstanceResponse._parse_block_device_mapping = with_default
    modify = ec2.EC2Backend.modify_instance_attribute

    @wraps(modify)
    def modified(self: Any, instance_id: str, key: str, value: Any) -> Any:
        if key in WHILE_STOPPED:
            if self.get_instance(instance_id).state_code != STOPPED:
                message = f"The instance '{instance_id}' is not in the 'stopped' state."
                raise EC2ClientError("IncorrectInstanceState", message)
            if key == "user_data":
                _check_user_data(value)
                value = value or None
            else:
                self.describe_instance_types([value])  # an error for one that does not exist
        return modify(self, instance_id, key, value)

    ec2.EC2Backend.modify_instance_attribute = modified
    parse = responses.parse_user_data

    def parse_decoded(value: Any) -> Any:
        """What ModifyInstanceAttribute has is decoded already, and moto decodes it once more."""
        return Base64EncodedString(b64encode(value).decode()) if isinstance(value, bytes) else parse(value)

    responses.parse_user_data = parse_decoded


def _check_user_data(data: Any) -> None:
    if data and len(b64decode(str(data))) > USER_DATA_MAX:
        raise EC2ClientError("InvalidParameterValue", "User data is limited to 16384 bytes")


def _check_disk(mapping: Any) -> None:
    """A disk that is made for an instance."""
    disk = mapping["Ebs"]
    moto_volumes.check_disk(mapping["DeviceName"], disk.get("VolumeSize"))
    disk["DeleteOnTermination"] = str(disk["DeleteOnTermination"]).lower() == "true"


def _default_subnet(backend: Any, zone: str | None) -> str:
    """Where an instance goes that is given no subnet. moto gives it an address of no subnet at all."""
    vpc = backend.get_default_vpc()
    for name in sorted(backend.subnets):
        for subnet in backend.subnets[name].values():
            if vpc is not None and subnet.vpc_id == vpc.id and subnet.default_for_az and zone in (None, name):
                return str(subnet.id)
    raise EC2ClientError("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
