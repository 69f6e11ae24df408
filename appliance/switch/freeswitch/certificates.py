"""The certificate by which phones know this box: made here, renewed here, signed by a small authority of its own.

Run as ``python -m appliance.switch.freeswitch.certificates FOLDER NAME…``, in a process that ends: the library is large
and needed once a year. Owns: the files FreeSWITCH and phones read. Leaves out: when that is (tls.py).

In the folder: ``ca.key`` and ``cafile.pem`` (the authority; phones are given the latter), ``agent.pem`` (key,
certificate, authority: what FreeSWITCH shows), ``made.json`` (for whom, and until when).
"""

import contextlib
import datetime as dt
import ipaddress
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance import clock
from appliance.switch.freeswitch.secrets import write_privately

AUTHORITY_DAYS = 7300
CERTIFICATE_DAYS = 397  # what phones and browsers accept at most (CA/Browser Forum, 2020)
AUTHORITY_NAME = "Frontdesk of this office"
_SLACK = dt.timedelta(days=2)  # a box whose clock was wrong when it was made


def make(folder: Path, names: Sequence[str]) -> None:
    """A new certificate for these host names and addresses; the authority is kept. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key, authority = _authority(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + dt.timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    write_privately(folder / "agent.pem", _pem(key) + _text(certificate) + _text(authority))
    until = clock.stamp(certificate.not_valid_after_utc)
    write_privately(folder / "made.json", json.dumps({"names": list(names), "until": until}) + "\n")


def _authority(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key_file, certificate_file = folder / "ca.key", folder / "cafile.pem"
    with contextlib.suppress(OSError, ValueError):  # lost or broken: a new one, which phones must be given anew
        kept = serialization.load_pem_private_key(key_file.read_bytes(), None)
        known = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        if isinstance(kept, ec.EllipticCurvePrivateKey) and kept.public_key() == known.public_key():
            return kept, known
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, AUTHORITY_NAME)])
    now = clock.now()
    usage = {
        "digital_signature": False,
        "content_commitment": False,
        "key_encipherment": False,
        "data_encipherment": False,
        "key_agreement": False,
        "key_cert_sign": True,
        "crl_sign": True,
        "encipher_only": False,
        "decipher_only": False,
    }
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + dt.timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_privately(key_file, _pem(key))
    write_privately(certificate_file, _text(certificate))
    return key, certificate


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2:])
