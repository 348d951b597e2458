"""The stack's bucket: machines of AWS itself fetch the userland from it, which Flatcar lacks."""

from __future__ import annotations

from coreos_lab import events
from coreos_lab.machine_image.userland import ensure_userland
from coreos_lab.model import Cluster
from coreos_lab.providers.aws.api import Api
from coreos_lab.records.identity import bucket_of

ARCHIVE = "userland.tar.gz"


def fill(api: Api, cluster: Cluster) -> None:
    """Puts the userland into the bucket, if it is not there."""
    if not (bucket := bucket_of(cluster)):
        return
    listed = api.rows("s3", "list_objects_v2", "Contents", Bucket=bucket)
    if not any(row["Key"] == ARCHIVE for row in listed):
        with events.step("userland", message=f"into the bucket {bucket}"), api.asking():
            api.client("s3").upload_file(str(ensure_userland() / ARCHIVE), bucket, ARCHIVE)


def empty(api: Api, cluster: Cluster) -> None:
    """Removes what is in the bucket, if it is there: CloudFormation deletes an empty one only."""
    if not (bucket := bucket_of(cluster)):
        return
    with api.asking(unless=lambda code, _message: code == "NoSuchBucket"):
        for row in api.client("s3").list_objects_v2(Bucket=bucket).get("Contents", ()):
            api.client("s3").delete_object(Bucket=bucket, Key=row["Key"])
