"""With moto, volumes are attached and detached at once; here they are when the machine has the device, or has not."""

from __future__ import annotations

import re
from functools import wraps
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import Instance
from moto.ec2.responses.elastic_block_store import ElasticBlockStore

from coreos_lab.cloud import query
from coreos_lab.cloud.states import PENDING, RUNNING, STOPPED
from coreos_lab.cloud.view import ATTACHED, ATTACHING, DETACHING, ROOT

SIZE_MAX = 1024  # GiB; only what is written takes space
MOST = 200  # volumes that a cloud may have
DEVICE = re.compile(r"/dev/(xvd|sd)[b-z]")
KINDS = ("standard", "gp2", "gp3", "st1", "sc1")  # those that need no number of operations a second


def change() -> None:
    """Changes moto."""
    _creating()
    _attaching()
    _detaching()
    # Its volumes are detached when its machine is gone, not when that is asked for.
    Instance.teardown_defaults = lambda _instance: None


def check_disk(device: str, size: Any) -> None:
    """An error for a device that no instance can have, or a volume that cannot be made."""
    if not DEVICE.fullmatch(device):
        raise _wrong(f"{device}: disks here are /dev/xvdb to /dev/xvdz (or sdb to sdz)")
    _check_size(size, f"{device}: ")


def _check_size(size: Any, of: str = "") -> None:
    if not query.is_number(size or 0) or not 1 <= int(size or 0) <= SIZE_MAX:
        raise _wrong(f"{of}VolumeSize must be from 1 to {SIZE_MAX}")


def start_with(instance: Any) -> None:
    """The machine of an instance that is started has its volumes from the beginning."""
    for mapped in instance.block_device_mapping.values():
        instance.ec2_backend.volumes[mapped.volume_id].attachment.lab_running = False


def take_from(instance: Any) -> None:
    """Detaches the volumes of an instance that has ended, and deletes those that were to go with it."""
    for device, mapped in list(instance.block_device_mapping.items()):
        instance.ec2_backend.detach_volume(mapped.volume_id, instance.id, device)
        if mapped.delete_on_termination:
            instance.ec2_backend.delete_volume(mapped.volume_id)


def settle(backend: Any, instance: Any, devices: set[str]) -> None:
    """Makes the attachments of an instance what they are, by the devices that its machine has."""
    for device, mapped in list(instance.block_device_mapping.items()):
        attachment = backend.volumes[mapped.volume_id].attachment
        if attachment.status == ATTACHING and device in devices:
            attachment.status = ATTACHED
        elif attachment.status == DETACHING and device not in devices:
            backend.detach_volume(mapped.volume_id, instance.id, device)


def _wrong(message: str) -> EC2ClientError:
    return EC2ClientError("InvalidParameterValue", message)


def _creating() -> None:
    create = ElasticBlockStore.create_volume

    @wraps(create)
    def checked(self: Any) -> Any:
        backend, zone, kind = self.ec2_backend, self._get_param("AvailabilityZone"), self._get_param("VolumeType")
        if backend.get_zone_by_name(zone) is None:
            raise EC2ClientError("InvalidZone.NotFound", f"The zone '{zone}' does not exist.")
        if kind not in (None, *KINDS):
            raise _wrong(f"VolumeType: {kind}: this cloud has {', '.join(KINDS)}")
        _check_size(self._get_param("Size"))
        if len(backend.volumes) >= MOST:
            raise EC2ClientError("VolumeLimitExceeded", f"a cloud has {MOST} volumes at most")
        token, before = self._get_param("ClientToken"), set(backend.volumes)
        for volume in backend.volumes.values():
            if token and getattr(volume, "lab_token", None) == token:
                return ActionResult(volume)  # the same call once more: a client that had no answer
        answer = create(self)
        for name in set(backend.volumes) - before:
            backend.volumes[name].lab_token = token
        return answer

    ElasticBlockStore.create_volume = checked


def _attaching() -> None:
    attach = ElasticBlockStore.attach_volume

    @wraps(attach)
    def checked(self: Any) -> Any:
        volume = self.ec2_backend.get_volume(self._get_param("VolumeId"))
        instance, device = self.ec2_backend.get_instance(self._get_param("InstanceId")), self._get_param("Device")
        check_disk(str(device), volume.size)
        if volume.attachment is not None:
            raise EC2ClientError("VolumeInUse", f"{volume.id} is already attached to an instance")
        if volume.zone.name != instance._placement.zone:
            message = f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'"
            raise EC2ClientError("InvalidVolume.ZoneMismatch", message)
        if instance.state_code not in (RUNNING, STOPPED):
            raise EC2ClientError("IncorrectState", f"Instance '{instance.id}' is not 'running' or 'stopped'.")
        if letter(device) in map(letter, instance.block_device_mapping):
            message = f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use"
            raise _wrong(message)
        answer = attach(self)
        attachment: Any = volume.attachment
        attachment.lab_running = instance.state_code == RUNNING
        attachment.status = ATTACHING if attachment.lab_running else ATTACHED
        return answer

    ElasticBlockStore.attach_volume = checked


def letter(device: str) -> str:
    """What tells disks apart: /dev/sdf and /dev/xvdf are one."""
    return device.rstrip("0123456789")[-1:]


def _detaching() -> None:
    def begin(self: Any) -> ActionResult:
        volume = self.ec2_backend.get_volume(self._get_param("VolumeId"))
        attachment, whose = volume.attachment, self._get_param("InstanceId")
        if attachment is None or whose not in (None, attachment.instance.id):
            message = f"Volume {volume.id} is not attached to {whose or 'an instance'}"
            raise EC2ClientError("IncorrectState" if attachment is None else "InvalidAttachment.NotFound", message)
        if attachment.device in ROOT:
            message = f"Unable to detach root volume '{volume.id}' from instance '{attachment.instance.id}'"
            raise EC2ClientError("OperationNotPermitted", message)
        if self._get_param("Device") not in (None, attachment.device):
            message = f"The volume {volume.id} is not attached to instance {attachment.instance.id} as that device"
            raise EC2ClientError("InvalidAttachment.NotFound", message)
        if attachment.instance.state_code in (PENDING, RUNNING) and not getattr(attachment, "lab_running", False):
            message = (
                f"Volume {volume.id} was there when the instance was started. This cloud detaches it once that is "
            )
            raise EC2ClientError("IncorrectState", f"{message}stopped: see docs/cloud.md")
        if attachment.instance.state_code in (RUNNING, STOPPED):
            attachment.status = DETACHING
        return ActionResult(
            {
                "VolumeId": volume.id,
                "InstanceId": attachment.instance.id,
                "Device": attachment.device,
                "State": DETACHING,
                "AttachTime": attachment.attach_time,
            }
        )

    ElasticBlockStore.detach_volume = begin
