"""How the AWS CLI, boto3 and others find a cloud: variables, and files of the AWS CLI's own form."""

from __future__ import annotations

from pathlib import Path

from coreos_lab import disk
from coreos_lab.cloud import certificates
from coreos_lab.errors import LabError
from coreos_lab.model import Cloud
from coreos_lab.providers import conditions
from coreos_lab.records.clouds import CloudFolder

# Variables that would point the programs elsewhere, or give them other credentials.
ELSEWHERE = (
    *("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ROLE_ARN"),
    *("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT"),
    *("AWS_USE_DUALSTACK_ENDPOINT", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    *("AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_CLOUDFORMATION"),
    *("AWS_ENDPOINT_URL_AUTO_SCALING", "AWS_ENDPOINT_URL_CLOUDWATCH"),
    *("AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING", "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"),
)


def require_extra() -> None:
    """LabError where something of the extra `cloud` is not installed."""
    missing = conditions.missing_for_clouds()
    if missing:
        raise LabError(f"{', '.join(missing)}: not installed, and clouds need it", "pip install 'coreos-lab[cloud]'")


def variables(cloud: Cloud) -> dict[str, str]:
    """What points the AWS CLI and the SDKs at a cloud."""
    folder = CloudFolder(cloud.name).aws
    return {
        "AWS_ACCESS_KEY_ID": cloud.access_key,
        "AWS_SECRET_ACCESS_KEY": cloud.secret_key,
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_REGION": cloud.region,
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "LAB_CLOUD_CA": str(certificates.authority_of(CloudFolder(cloud.name).certificates)),
    }


def write(cloud: Cloud) -> None:
    """Writes the AWS CLI's files, and a folder for the PATH that has the CLI and nothing else.

    For S3's signed URLs, botocore would take version 2 of the signature in older regions unless told otherwise.
    """
    folder = CloudFolder(cloud.name).aws
    disk.write_atomic(
        folder / "config",
        f"[default]\nregion = {cloud.region}\noutput = json\nendpoint_url = {cloud.endpoint}\ncli_pager =\n"
        "s3 =\n    signature_version = s3v4\n",
    )
    keys = f"aws_access_key_id = {cloud.access_key}\naws_secret_access_key = {cloud.secret_key}\n"
    disk.write_atomic(folder / "credentials", f"[default]\n{keys}", 0o600)
    link = programs(cloud) / "aws"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(conditions.aws_cli())


def programs(cloud: Cloud) -> Path:
    """The folder with the AWS CLI."""
    return CloudFolder(cloud.name).aws / "bin"
