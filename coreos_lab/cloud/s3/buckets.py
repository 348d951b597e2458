"""Operations on buckets: making, listing, emptying, and what they are told."""

from __future__ import annotations

import re
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address
from typing import Any
from urllib.parse import quote

from coreos_lab.cloud.metadata import ACCOUNT
from coreos_lab.cloud.s3 import access, lifecycle, listing
from coreos_lab.cloud.s3.answer import Reply, iso, malformed, read_xml, xml
from coreos_lab.cloud.s3.bodies import Bodies
from coreos_lab.cloud.s3.incoming import Incoming
from coreos_lab.cloud.s3.index import Bucket, Index, Stored
from coreos_lab.cloud.s3.operations import Asked, number
from coreos_lab.cloud.services import GLOBAL_REGION
from coreos_lab.cloud.sigv4 import RefusedError

NAME = re.compile(r"(?!xn--)[a-z0-9](?!.*\.\.)[a-z0-9.-]{1,61}[a-z0-9]")
OWNER = {"ID": ACCOUNT, "DisplayName": "lab"}
DONE = Reply(204)
DELETED_MOST = 1000  # keys in one request: AWS's limit


class Buckets:
    """The operations on buckets of one cloud. `is_role` says whether a role has an ARN."""

    def __init__(self, region: str, index: Index, bodies: Bodies, is_role: Callable[[str], bool]) -> None:
        self.region, self.index, self.bodies, self.is_role = region, index, bodies, is_role

    def list_buckets(self, asked: Asked) -> Reply:
        found = [each for each in self.index.buckets() if each.name.startswith(asked.query.get("prefix", ""))]
        rows = [{"Name": each.name, "CreationDate": iso(each.created)} for each in found]
        return xml("ListAllMyBucketsResult", {"Buckets": {"Bucket": rows}, "Owner": OWNER})

    def create_bucket(self, asked: Asked, body: Incoming) -> Reply:
        if not is_name(asked.bucket):
            raise RefusedError("InvalidBucketName", f"The specified bucket is not valid: {asked.bucket}")
        document = body.document()
        wanted = (read_xml(document).findtext("LocationConstraint") if document else "") or GLOBAL_REGION
        if wanted != self.region:
            raise RefusedError(
                "IllegalLocationConstraintException",
                f"The location constraint {wanted} is incompatible for {self.region}, this cloud's region",
            )
        if not self.index.add_bucket(Bucket(asked.bucket, time.time())):
            raise RefusedError("BucketAlreadyOwnedByYou", f"You have this bucket already: {asked.bucket}")
        return Reply(headers={"Location": f"/{asked.bucket}"})

    def head_bucket(self, _asked: Asked) -> Reply:
        return Reply(headers={"x-amz-bucket-region": self.region})

    def delete_bucket(self, asked: Asked) -> Reply:
        self.bodies.remove(self.index.remove_bucket(asked.bucket))
        return DONE

    def get_bucket_location(self, _asked: Asked) -> Reply:
        text = "" if self.region == GLOBAL_REGION else self.region
        return xml("LocationConstraint", {}) if not text else _plain("LocationConstraint", text)

    def get_bucket_versioning(self, _asked: Asked) -> Reply:
        return xml("VersioningConfiguration", {})

    def list_objects(self, asked: Asked) -> Reply:
        found, tree = self._page(asked, asked.query.get("marker", ""), owners=True)
        tree["Marker"] = _shown(asked, asked.query.get("marker", ""))
        if found.last:
            tree["NextMarker"] = _shown(asked, found.last)
        return xml("ListBucketResult", tree)

    def list_objects_v2(self, asked: Asked) -> Reply:
        after = asked.query.get("start-after", "")
        if token := asked.query.get("continuation-token"):
            after = _of_token(token)
        found, tree = self._page(asked, after, owners=asked.query.get("fetch-owner") == "true")
        tree["KeyCount"] = found.length
        if "start-after" in asked.query:
            tree["StartAfter"] = _shown(asked, asked.query["start-after"])
        if token:
            tree["ContinuationToken"] = token
        if found.last:
            tree["NextContinuationToken"] = b64encode(found.last.encode()).decode()
        return xml("ListBucketResult", tree)

    def _page(self, asked: Asked, after: str, *, owners: bool) -> tuple[listing.Page, dict[str, Any]]:
        """One page of a bucket's objects, and the part of the answer that both versions have."""
        prefix, delimiter = asked.query.get("prefix", ""), asked.query.get("delimiter", "")
        most = number(asked, "max-keys", listing.MOST, listing.MOST)
        read = partial(self.index.objects_from, asked.bucket)
        found = listing.page(read, prefix, delimiter, after, most) if most else listing.Page()
        encoding = {"EncodingType": "url"} if asked.query.get("encoding-type") == "url" else {}
        return found, {
            "Name": asked.bucket,
            "Prefix": _shown(asked, prefix),
            "Delimiter": _shown(asked, delimiter),
            "MaxKeys": most,
            **encoding,
            "IsTruncated": bool(found.last),
            "Contents": [_row(asked, each, owners=owners) for each in found.objects],
            "CommonPrefixes": [{"Prefix": _shown(asked, each)} for each in found.prefixes],
        }

    def get_bucket_policy(self, asked: Asked) -> Reply:
        text = self.index.bucket(asked.bucket).policy
        if not text:
            raise RefusedError("NoSuchBucketPolicy", f"The bucket policy does not exist: {asked.bucket}")
        return Reply(headers={"Content-Type": "application/json"}, body=[text.encode()])

    def put_bucket_policy(self, asked: Asked, body: Incoming) -> Reply:
        self.index.tell(asked.bucket, policy=access.check(body.document(), asked.bucket, self.is_role))
        return DONE

    def delete_bucket_policy(self, asked: Asked) -> Reply:
        self.index.tell(asked.bucket, policy="")
        return DONE

    def get_bucket_lifecycle_configuration(self, asked: Asked) -> Reply:
        rules = self.index.bucket(asked.bucket).lifecycle
        if not rules:
            raise RefusedError("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
        return xml("LifecycleConfiguration", lifecycle.shown(rules))

    def put_bucket_lifecycle_configuration(self, asked: Asked, body: Incoming) -> Reply:
        self.index.tell(asked.bucket, lifecycle=lifecycle.rules(read_xml(body.document())))
        return Reply()

    def delete_bucket_lifecycle(self, asked: Asked) -> Reply:
        self.index.tell(asked.bucket, lifecycle=[])
        return DONE

    def get_bucket_tagging(self, asked: Asked) -> Reply:
        tags = self.index.bucket(asked.bucket).tags
        if not tags:
            raise RefusedError("NoSuchTagSet", "The TagSet does not exist")
        return xml("Tagging", {"TagSet": {"Tag": [{"Key": key, "Value": value} for key, value in tags.items()]}})

    def put_bucket_tagging(self, asked: Asked, body: Incoming) -> Reply:
        tags = read_xml(body.document()).findall("TagSet/Tag")
        self.index.tell(asked.bucket, tags={each.findtext("Key", ""): each.findtext("Value", "") for each in tags})
        return DONE

    def delete_bucket_tagging(self, asked: Asked) -> Reply:
        self.index.tell(asked.bucket, tags={})
        return DONE

    def delete_objects(self, asked: Asked, body: Incoming, allowed: Callable[[str], bool]) -> Reply:
        """Deletes many objects; `allowed` says for each key whether it may be deleted."""
        root = read_xml(body.document())
        keys = [each.findtext("Key", "") for each in root.findall("Object")]
        if not 1 <= len(keys) <= DELETED_MOST or not all(keys):
            raise malformed(f"1 to {DELETED_MOST} objects, each with a Key")
        done, refused = [], []
        for key in keys:
            if allowed(key):
                self.bodies.remove(self.index.remove(asked.bucket, key))
                done.append({"Key": key})
            else:
                refused.append({"Key": key, "Code": "AccessDenied", "Message": "Access Denied"})
        quiet = root.findtext("Quiet") == "true"
        return xml("DeleteResult", {"Deleted": [] if quiet else done, "Error": refused})


def _plain(root: str, text: str) -> Reply:
    whole = xml(root, {"Text": text})
    return Reply(headers=whole.headers, body=[b"".join(whole.body).replace(b"<Text>", b"").replace(b"</Text>", b"")])


def _row(asked: Asked, each: Stored, *, owners: bool) -> dict[str, Any]:
    return {
        "Key": _shown(asked, each.key),
        "LastModified": iso(each.modified),
        "ETag": f'"{each.etag}"',
        "Size": each.size,
        "StorageClass": "STANDARD",
        **({"Owner": OWNER} if owners else {}),
    }


def _shown(asked: Asked, text: str) -> str:
    """A key in an answer: encoded where the client wants it, since XML cannot have every character."""
    return quote(text, safe="/-_.~") if asked.query.get("encoding-type") == "url" else text


def _of_token(token: str) -> str:
    try:
        return b64decode(token, validate=True).decode()
    except ValueError:
        raise RefusedError("InvalidArgument", "The continuation token provided is incorrect") from None


def is_name(text: str) -> bool:
    """Whether a bucket may be called so."""
    try:
        IPv4Address(text)
    except ValueError:
        return NAME.fullmatch(text) is not None
    return False
