"""Private keys of tenants, and what their senders encrypt to: made, taken over, checked, and their public halves written."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from trialbridge.contracts.errors import Refused
from trialbridge.vault.keys import PrivateKind

if TYPE_CHECKING:
    import pyrage
    from openpgp.composed import SignedSecretKey

PANIC: Final = "PanicException"
RSA_BITS: Final = 3072
LEAST_RSA_BITS: Final = 2048
PUBLIC_EXPONENT: Final = 65537
YEARS: Final = 10
"""A certificate's life; nobody checks it when a message is opened."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """What is done with private keys of one kind."""

    make: Callable[[str, dt.datetime], bytes]
    """From a tenant's name and the present time."""
    public: Callable[[bytes], str]
    """The text that senders are given; raises ValueError for what is no such private key."""


def make(kind: PrivateKind, tenant: str, now: dt.datetime) -> bytes:
    """Return a fresh private key of a kind."""
    return KINDS[kind].make(tenant, now)


def public(kind: PrivateKind, secret: bytes) -> str:
    """Return what senders encrypt to; raise `Refused` ``key.broken`` for what is no private key of the kind."""
    try:
        return KINDS[kind].public(secret)
    except (ValueError, TypeError, LookupError, RuntimeError):
        raise Refused("key.broken", f"This is no {kind} private key, or it is locked with a passphrase.") from None


def _make_age(tenant: str, now: dt.datetime) -> bytes:
    import pyrage

    del tenant, now
    return str(pyrage.x25519.Identity.generate()).encode()


def identity_of(secret: bytes) -> "pyrage.x25519.Identity":
    """Return the identity out of an age key file, as age-keygen writes it, comments and all; raise ValueError where it has none."""
    import pyrage

    text = next((line for line in secret.decode().split() if line.startswith("AGE-SECRET-KEY-")), "")
    try:
        return pyrage.x25519.Identity.from_str(text)
    except pyrage.IdentityError:
        raise ValueError("no identity") from None


def _public_age(secret: bytes) -> str:
    return f"{identity_of(secret).to_public()}\n"


def _make_openpgp(tenant: str, now: dt.datetime) -> bytes:
    from openpgp.composed import EncryptionCaps, KeyType, SecretKeyParamsBuilder, SubkeyParamsBuilder

    del now
    # Version 4 over Curve25519, and no AEAD announced: what every gpg that is still about reads and writes.
    subkey = SubkeyParamsBuilder().version(4).key_type(KeyType.ecdh("curve25519")).can_encrypt(EncryptionCaps.all())
    key = (
        SecretKeyParamsBuilder()
        .version(4)
        .key_type(KeyType.ed25519_legacy())
        .can_certify(value=True)
        .can_sign(value=True)
        .feature_seipd_v1(value=True)
        .preferred_symmetric_algorithms(["aes256"])
        .preferred_hash_algorithms(["sha512", "sha256"])
        .preferred_compression_algorithms(["zlib", "zip"])
        .primary_user_id(f"{tenant} (Trialbridge coat check)")
        .subkey(subkey.build())
    )
    return key.generate().to_bytes()


def openpgp_key(secret: bytes) -> "SignedSecretKey":
    """Return the OpenPGP private key, armoured or not; raise ValueError for what is none, or is locked."""
    from openpgp.composed import SignedSecretKey

    try:
        if secret.startswith(b"-----"):
            key, _ = SignedSecretKey.from_armor(secret.decode("ascii"))
        else:
            key = SignedSecretKey.from_bytes(secret)
        key.verify_bindings()
        protections = [key.primary_secret_s2k(), *key.secret_subkey_s2ks()]
    except BaseException as error:
        # A panic of the library is no Exception; to us it says the same.
        if isinstance(error, Exception) or type(error).__name__ == PANIC:
            raise ValueError("no private key") from None
        raise
    if any(one.usage_id for one in protections):
        raise ValueError("locked")
    return key


def _public_openpgp(secret: bytes) -> str:
    return openpgp_key(secret).to_public_key().to_armored()


def _make_rsa(tenant: str, now: dt.datetime) -> bytes:
    del tenant, now
    key = generate_private_key(PUBLIC_EXPONENT, RSA_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _rsa(secret: bytes) -> RSAPrivateKey:
    key = load_pem_private_key(secret, None)
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_RSA_BITS:
        raise ValueError("no RSA key, or too short")
    return key


def _public_rsa(secret: bytes) -> str:
    return _rsa(secret).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _make_cms(tenant: str, now: dt.datetime) -> bytes:
    pem = _make_rsa(tenant, now)
    key = _rsa(pem)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, tenant)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    return pem + certificate.public_bytes(Encoding.PEM)


def _public_cms(secret: bytes) -> str:
    certificate = x509.load_pem_x509_certificate(secret)
    if certificate.public_key() != _rsa(secret).public_key():
        raise ValueError("the certificate is another key's")
    return certificate.public_bytes(Encoding.PEM).decode()


KINDS: Final[dict[PrivateKind, Recipients]] = {
    "age": Recipients(_make_age, _public_age),
    "openpgp": Recipients(_make_openpgp, _public_openpgp),
    "cms": Recipients(_make_cms, _public_cms),
    "esdk": Recipients(_make_rsa, _public_rsa),
}
"""By kind of private key: a new container that encrypts to public keys is one more row."""
