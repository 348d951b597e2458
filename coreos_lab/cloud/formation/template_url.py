"""A template in a bucket of the cloud, by its URL: it may be larger than one in a request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.formation.patience import reason_of
from coreos_lab.cloud.formation.template import LONGEST

BY_NAME = re.compile(r"(.+)[.]s3[.-](?:[a-z0-9-]+[.])?amazonaws[.]com")
BY_PATH = re.compile(r"s3[.-](?:[a-z0-9-]+[.])?amazonaws[.]com|127[.]0[.]0[.]1|localhost")


def read(url: str, client: Callable[[str], Any]) -> str:
    """The template's text. RefusedError for a URL that names no object of the cloud's S3, and for one too long."""
    bucket, key = place(url)
    try:
        found = client("s3").get_object(Bucket=bucket, Key=key)
    except Exception as error:
        raise invalid(f"TemplateURL {url}: {reason_of(error)}") from error
    if found["ContentLength"] > LONGEST:
        raise invalid(f"TemplateURL {url}: Template may not exceed {LONGEST} bytes in size.")
    return str(found["Body"].read().decode("utf-8", "replace"))


def place(url: str) -> tuple[str, str]:
    """The bucket and the key that a URL names, in any of S3's forms."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path.lstrip("/"))
    bucket, key = "", path
    if match := BY_NAME.fullmatch(host):
        bucket = match[1]
    elif BY_PATH.fullmatch(host):
        bucket, _slash, key = path.partition("/")
    if parts.scheme not in ("http", "https") or not bucket or not key:
        raise invalid(f"TemplateURL {url}: must be the URL of an object in a bucket of this cloud")
    return bucket, key
