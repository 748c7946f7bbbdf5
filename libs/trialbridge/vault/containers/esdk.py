"""AWS Encryption SDK messages, version 2: framed, with key commitment, the data key wrapped by the raw RSA keyring.

The encryption context must name the tenant; it is authenticated with the header and with each frame. Key namespace
``trialbridge``, key name as ``trialbridge keys recipient`` says it, wrapping RSA-OAEP with SHA-256.
"""

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from trialbridge.contracts.ids import TenantId
from trialbridge.vault.containers.model import (
    CHUNK,
    Chunks,
    KeyHolder,
    PrivateKey,
    Stored,
    changed,
    newest,
    not_for_us,
    private_keys,
    refused,
    usable,
)

NAMESPACE: Final = "trialbridge"
VERSION_2: Final = b"\x02"
COMMITTING: Final = (b"\x04\x78", b"\x05\x78")
"""AES-256-GCM, HKDF-SHA512, key commitment; without and with an ECDSA P-384 signature."""
VERSION_1: Final = b"\x01\x80"
FRAME_LIMIT: Final = 16 * 1024 * 1024
LEAST_FRAME: Final = 512
"""Each frame costs the same time, whatever it holds."""
FRAME: Final = 64 * 1024
KEY_LIMIT: Final = 16
"""Wrapped data keys in one message; each costs an RSA decryption."""
TENANT: Final = "tenant"


@dataclass(frozen=True, slots=True)
class EncryptionSdk:
    """Messages for a tenant's raw RSA key."""

    name: str = "aws-encryption-sdk"

    def fits(self, stored: Stored) -> bool:
        """Return whether it begins as a message of version 1 or 2 does."""
        return stored.body.startswith((VERSION_1, *(VERSION_2 + suite for suite in SUITES)))

    async def open(self, stored: Stored, keys: KeyHolder) -> Chunks:
        """Return the decryption; raises as `Container.open` says."""
        if not stored.body.startswith(tuple(VERSION_2 + suite for suite in COMMITTING)):
            raise refused("unsupported", "Only algorithm suites with key commitment are taken (0478 and 0578).")
        held = await private_keys(keys, stored.tenant, "esdk")
        providers = usable(held, lambda key: _provider(key, public=False))
        return lambda: _decrypted(stored, providers)

    async def seal(self, plain: bytes, tenant: TenantId, keys: KeyHolder) -> tuple[bytes, dict[str, str]]:
        """Return a message for the tenant's newest key."""
        provider = newest(await private_keys(keys, tenant, "esdk"), lambda key: _provider(key, public=True))
        sealed, _ = _client().encrypt(
            source=plain, key_provider=provider, encryption_context={TENANT: tenant}, frame_length=FRAME
        )
        return bytes(sealed), {}


PLAIN_SUITES: Final = ("0014", "0046", "0078", "0114", "0146", "0178", "0214", "0346", "0378")
SUITES: Final = (*COMMITTING, *(bytes.fromhex(suite) for suite in PLAIN_SUITES))
"""Every suite of the format."""


def _client() -> Any:
    import aws_encryption_sdk

    policy = aws_encryption_sdk.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
    return aws_encryption_sdk.EncryptionSDKClient(commitment_policy=policy, max_encrypted_data_keys=KEY_LIMIT)


def _provider(key: PrivateKey, *, public: bool) -> Any:
    """Return the library's provider over one of our keys."""
    from aws_encryption_sdk.key_providers.raw import RawMasterKey

    wrapping = _wrapping(key.secret, public=public)
    return RawMasterKey(provider_id=NAMESPACE, key_id=key.name.encode(), wrapping_key=wrapping)


@lru_cache(maxsize=16)
def _wrapping(secret: bytes, *, public: bool) -> Any:
    """Return the library's form of a key: reading one takes a tenth of a second."""
    from aws_encryption_sdk.identifiers import EncryptionKeyType, WrappingAlgorithm
    from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey

    loaded = load_pem_private_key(secret, None, unsafe_skip_rsa_key_validation=True)
    return WrappingKey(
        wrapping_algorithm=WrappingAlgorithm.RSA_OAEP_SHA256_MGF1,
        wrapping_key=loaded.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        if public
        else loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        wrapping_key_type=EncryptionKeyType.PUBLIC if public else EncryptionKeyType.PRIVATE,
    )


def _hostile() -> tuple[type[Exception], ...]:
    """Return what the library raises on messages that are not as they should be."""
    from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError

    return (
        AWSEncryptionSDKClientError, InvalidTag, InvalidSignature, struct.error, ValueError, LookupError, TypeError,
        AttributeError, OverflowError, EOFError,
    )  # fmt: skip


def _opened(body: bytes, providers: Sequence[Any]) -> tuple[Any, io.BytesIO]:
    """Return the library's stream behind its checked header, and its source; raise `Refused` ``key.refused``."""
    from aws_encryption_sdk.exceptions import DecryptKeyError

    for provider in providers:
        source = io.BytesIO(body)
        try:
            # No `with`: closing a stream that broke off would raise, and log, a second error.
            stream = _client().stream(mode="d", source=source, key_provider=provider)
            _ = stream.header
        except DecryptKeyError:
            continue
        except _hostile():
            raise changed() from None
        return stream, source
    raise not_for_us()


def _decrypted(stored: Stored, providers: Sequence[Any]) -> Iterator[bytes]:
    from aws_encryption_sdk.identifiers import ContentType

    stream, source = _opened(stored.body, providers)
    head = stream.header
    if head.content_type != ContentType.FRAMED_DATA or not LEAST_FRAME <= head.frame_length <= FRAME_LIMIT:
        raise refused("unsupported", f"The message must be framed, in frames of {LEAST_FRAME} to {FRAME_LIMIT} bytes.")
    if head.encryption_context.get(TENANT) != stored.tenant:
        raise refused("wrong-tenant", "The encryption context must name the ticket's tenant.", "encryption context")
    try:
        while piece := stream.read(CHUNK):
            yield piece
        stream.close()
    except _hostile():
        raise changed() from None
    if source.read(1):
        raise changed()
