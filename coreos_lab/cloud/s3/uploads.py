"""Objects that are put in parts: each is a body of its own until they are completed."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from uuid import uuid4

from coreos_lab.cloud import query
from coreos_lab.cloud.s3.answer import Reply, iso, malformed, read_xml, xml
from coreos_lab.cloud.s3.bodies import Bodies
from coreos_lab.cloud.s3.incoming import MOST, Incoming
from coreos_lab.cloud.s3.index import Index, Part, Stored, Upload
from coreos_lab.cloud.s3.objects import LONGEST, kept_headers
from coreos_lab.cloud.s3.operations import Asked, number
from coreos_lab.cloud.sigv4 import RefusedError

LEAST = 5 * 2**20  # bytes of every part but the last: AWS's limit
PARTS_MAX = 10_000
SHOWN_MAX = 1000
RANGE = re.compile(r"bytes=(\d{1,18})-(\d{1,18})")


class Uploads:
    """The operations on uploads of one cloud."""

    def __init__(self, index: Index, bodies: Bodies) -> None:
        self.index, self.bodies = index, bodies

    def create_multipart_upload(self, asked: Asked) -> Reply:
        if len(asked.key.encode()) > LONGEST:
            raise RefusedError("KeyTooLongError", f"a key has {LONGEST} bytes at most")
        headers = kept_headers(dict(asked.headers))
        new = Upload(uuid4().hex, asked.bucket, asked.key, time.time(), headers)
        self.index.begin_upload(new)
        return xml("InitiateMultipartUploadResult", {"Bucket": new.bucket, "Key": new.key, "UploadId": new.id})

    def upload_part(self, asked: Asked, body: Incoming) -> Reply:
        upload, place = self._place(asked)
        name = self.bodies.write(body.blocks())
        self._put(upload, Part(place, name, body.size, body.etag, time.time()))
        return Reply(headers={"ETag": f'"{body.etag}"'})

    def upload_part_copy(self, asked: Asked, source: Stored) -> Reply:
        """Makes a part of an object that is there, or of a range of its bytes."""
        upload, place = self._place(asked)
        start, length = _range(asked, source.size)
        digest = hashlib.md5(usedforsecurity=False)

        def blocks() -> Iterator[bytes]:
            for block in self.bodies.read(source.body, start, length):
                digest.update(block)
                yield block

        part = Part(place, self.bodies.write(blocks()), length, digest.hexdigest(), time.time())
        self._put(upload, part)
        return xml("CopyPartResult", {"LastModified": iso(part.modified), "ETag": f'"{part.etag}"'})

    def _place(self, asked: Asked) -> tuple[Upload, int]:
        place = number(asked, "partNumber", 0, PARTS_MAX + 1)
        if not 1 <= place <= PARTS_MAX:
            raise RefusedError("InvalidArgument", f"Part number must be an integer between 1 and {PARTS_MAX}")
        return self._find(asked), place

    def _find(self, asked: Asked) -> Upload:
        return self.index.upload(asked.bucket, asked.key, asked.query["uploadId"])

    def _put(self, upload: Upload, part: Part) -> None:
        try:
            self.bodies.remove(self.index.put_part(upload.id, part))
        except RefusedError:
            self.bodies.remove([part.body])
            raise

    def complete_multipart_upload(self, asked: Asked, body: Incoming) -> Reply:
        """Makes the object of the parts that the client lists."""
        upload = self._find(asked)
        parts = self._listed(upload, body)

        def blocks() -> Iterator[bytes]:
            for part in parts:
                yield from self.bodies.read(part.body, 0, part.size)

        joined = b"".join(bytes.fromhex(part.etag) for part in parts)
        etag = f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(parts)}"
        name = self.bodies.write(blocks())
        size = sum(part.size for part in parts)
        try:
            stored = Stored(upload.bucket, upload.key, name, size, etag, time.time(), upload.headers)
            old = self.index.end_upload(upload.id, stored)
        except RefusedError:
            self.bodies.remove([name])
            raise
        self.bodies.remove(old)
        place = {"Location": f"/{upload.bucket}/{upload.key}", "Bucket": upload.bucket, "Key": upload.key}
        return xml("CompleteMultipartUploadResult", {**place, "ETag": f'"{etag}"'})

    def _listed(self, upload: Upload, body: Incoming) -> list[Part]:
        """The parts that an upload is completed with. RefusedError for those that were not put, or are too small."""
        said = [
            (each.findtext("PartNumber", ""), each.findtext("ETag", "").strip('"'))
            for each in read_xml(body.document()).findall("Part")
        ]
        if not said or not all(query.is_number(place) for place, _etag in said):
            raise malformed("a list of parts, each with PartNumber and ETag")
        places = [int(place) for place, _etag in said]
        if places != sorted(set(places)):
            raise RefusedError("InvalidPartOrder", "The list of parts was not in ascending order.")
        there = {part.number: part for part in self.index.parts(upload.id)}
        for place, etag in said:
            if int(place) not in there or there[int(place)].etag != etag:
                raise RefusedError("InvalidPart", f"Part {place} was not put, or not with this ETag")
        parts = [there[place] for place in places]
        if any(part.size < LEAST for part in parts[:-1]):
            raise RefusedError("EntityTooSmall", f"every part but the last has {LEAST} bytes at least")
        return parts

    def abort_multipart_upload(self, asked: Asked) -> Reply:
        self.bodies.remove(self.index.end_upload(self._find(asked).id))
        return Reply(204)

    def list_multipart_uploads(self, asked: Asked) -> Reply:
        prefix = asked.query.get("prefix", "")
        found = [each for each in self.index.uploads(asked.bucket) if each.key.startswith(prefix)]
        rows = [{"Key": each.key, "UploadId": each.id, "Initiated": iso(each.begun)} for each in found]
        tree = {"Bucket": asked.bucket, "Prefix": prefix, "IsTruncated": False, "Upload": rows}
        return xml("ListMultipartUploadsResult", tree)

    def list_parts(self, asked: Asked) -> Reply:
        upload = self._find(asked)
        after = number(asked, "part-number-marker", 0, PARTS_MAX)
        most = number(asked, "max-parts", SHOWN_MAX, SHOWN_MAX)
        found = [part for part in self.index.parts(upload.id) if part.number > after]
        rows = [
            {"PartNumber": each.number, "LastModified": iso(each.modified), "ETag": f'"{each.etag}"', "Size": each.size}
            for each in found[:most]
        ]
        tree = {"Bucket": upload.bucket, "Key": upload.key, "UploadId": upload.id, "MaxParts": most, "Part": rows}
        more = {"NextPartNumberMarker": found[most - 1].number} if len(found) > most > 0 else {}
        return xml("ListPartsResult", {**tree, **more, "IsTruncated": bool(more)})


def _range(asked: Asked, size: int) -> tuple[int, int]:
    text = asked.headers.get("x-amz-copy-source-range")
    if text is None:
        return 0, size
    match = RANGE.fullmatch(text)
    if not match or not int(match[1]) <= int(match[2]) < size:
        raise RefusedError("InvalidArgument", f"not a range of the object, which has {size} bytes: {text}")
    if (length := int(match[2]) - int(match[1]) + 1) > MOST:
        raise RefusedError("EntityTooLarge", f"a part has {MOST} bytes at most")
    return int(match[1]), length
