"""The cloud's own certificate authority: programs on instances insist on names of amazonaws.com, and on TLS."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from coreos_lab import disk
from coreos_lab.cloud import discovery
from coreos_lab.model import Cloud

YEARS = timedelta(days=3650)
DOMAIN = "amazonaws.com"


def ensure(cloud: Cloud, folder: Path) -> None:
    """Makes the authority and the API's certificate, if they are not there."""
    if (folder / "server.pem").exists():
        return
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC) - timedelta(days=1)
    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = name(f"cloud {cloud.name} in a lab")

    def begun(subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), now, now + YEARS)
        return made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)

    ca = begun(issuer, authority.public_key()).add_extension(x509.BasicConstraints(True, 0), critical=True)
    names = [f"*.{DOMAIN}", f"*.{cloud.region}.{DOMAIN}", DOMAIN]
    names += [discovery.NAME, f"*.execute-api.{cloud.region}.{DOMAIN}"]
    names += [f"*.s3.{DOMAIN}", f"*.s3.{cloud.region}.{DOMAIN}"]  # a bucket may be a part of the host's name
    server = (
        begun(name(DOMAIN), own.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    key = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain).decode()
    disk.write_atomic(authority_of(folder), ca.sign(authority, hashes.SHA256()).public_bytes(pem).decode())
    signed = server.sign(authority, hashes.SHA256()).public_bytes(pem).decode()
    disk.write_atomic(folder / "server.pem", key + signed, 0o600)


def authority_of(folder: Path) -> Path:
    """The authority's certificate, which instances trust."""
    return folder / "ca.pem"


def context(folder: Path) -> ssl.SSLContext:
    """What serves with the API's certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "server.pem")
    return made
