"""The S3 client-side encryption format: version 2 (AES-256-GCM) and version 3 (the same with key commitment).

Headers are the object's metadata, or an instruction file beside it. The key service wraps the data key together with the
encryption context, which names the tenant and the cipher; version 3 binds suite and key to the body as well.
"""

import hmac
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from trialbridge.contracts.ids import TenantId
from trialbridge.vault import envelope
from trialbridge.vault.containers.gcm import TAG_BYTES, decrypted, sliced
from trialbridge.vault.containers.model import Chunks, KeyHolder, Stored, refused

SUITE: Final = b"\x00\x73"
SUITE_NAME: Final = "115"
WRAP_V3: Final = "12"
"""Version 3's short name of ``kms+context``."""
NONCE_V3: Final = b"\x01" * 12
"""Fixed: the key is fresh for each message, derived with the message id."""
ID_BYTES: Final = 28
CIPHER_V3: Final = "x-amz-c"
KEY_V3: Final = "x-amz-3"
WRAP_HEADER_V3: Final = "x-amz-w"
CONTEXT_V3: Final = "x-amz-t"
COMMITMENT: Final = "x-amz-d"
MESSAGE_ID: Final = "x-amz-i"
IN_OBJECT_ONLY: Final = (CIPHER_V3, COMMITMENT, MESSAGE_ID)
IN_FILE: Final = (KEY_V3, WRAP_HEADER_V3, CONTEXT_V3)
REQUIRED_V3: Final = (*IN_OBJECT_ONLY, *IN_FILE)
MATERIALS: Final = "x-amz-m"
MARK: Final = "x-amz-crypto-instr-file"
OWN: Final = frozenset({*envelope.REQUIRED, envelope.LENGTH, *envelope.FOREIGN})
"""Every header of the format, of whichever version."""


def headers_of(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata by lower-case name; raise `Refused` ``envelope.broken`` where a header stands twice."""
    headers = {name.lower(): value for name, value in metadata.items()}
    if len(headers) != len(metadata):
        raise refused("broken", "The object's metadata hold a header twice.", "metadata")
    return headers


def claims(metadata: Mapping[str, str]) -> bool:
    """Return whether the metadata hold any header of the format."""
    return any(name.lower() in OWN for name in metadata)


def wants_instructions(metadata: Mapping[str, str]) -> bool:
    """Return whether no wrapped key stands in the metadata: then it may stand in the instruction file."""
    names = {name.lower() for name in metadata}
    return not names & {envelope.KEY, KEY_V3, "x-amz-key"}


def _joined(stored: Stored) -> dict[str, str]:
    """Return all headers; raise `Refused` ``envelope.broken`` where the instruction file repeats or replaces one of the object's."""
    own, told = headers_of(stored.metadata), headers_of(stored.instructions)
    told.pop(MARK, None)
    for name in sorted(told):
        if name in own or name in IN_OBJECT_ONLY:
            raise refused("broken", f"{name} must not stand in the instruction file.", name)
    return own | told


@dataclass(frozen=True, slots=True)
class S3Version2:
    """Format version 2."""

    name: str = "s3-v2"

    def fits(self, stored: Stored) -> bool:
        """Return whether the headers are those of this version; what has headers of none is told what it lacks by this one."""
        own = claims(stored.metadata) or claims(stored.instructions)
        return own and CIPHER_V3 not in {name.lower() for name in stored.metadata}

    async def open(self, stored: Stored, keys: KeyHolder) -> Chunks:
        """Return the decryption; raises as `Container.open` says."""
        head = await envelope.read_head(_joined(stored), keys, stored.tenant)
        body, tag = memoryview(stored.body)[:-TAG_BYTES], stored.body[-TAG_BYTES:]

        def chunks() -> Iterator[bytes]:
            yield from decrypted(head.key, head.nonce, sliced(body), tag, b"")
            envelope.check_length(head, len(body))

        return chunks

    async def seal(self, plain: bytes, tenant: TenantId, keys: KeyHolder) -> tuple[bytes, dict[str, str]]:
        """Return body and metadata."""
        return await envelope.encrypt_object(plain, keys, tenant=tenant)


@dataclass(frozen=True, slots=True)
class S3Version3:
    """Format version 3: ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY."""

    name: str = "s3-v3"

    def fits(self, stored: Stored) -> bool:
        """Return whether the object's cipher header is version 3's."""
        return CIPHER_V3 in {name.lower() for name in stored.metadata}

    async def open(self, stored: Stored, keys: KeyHolder) -> Chunks:
        """Return the decryption; raise also ``envelope.commitment-mismatch``."""
        headers = _checked(_joined(stored))
        message, commitment = (envelope.base64_of(headers[name], name) for name in (MESSAGE_ID, COMMITMENT))
        if len(message) != ID_BYTES or len(commitment) != ID_BYTES:
            raise refused("broken", f"{MESSAGE_ID} and {COMMITMENT} must be {ID_BYTES} bytes.", MESSAGE_ID)
        context = envelope.read_context(headers[CONTEXT_V3], CONTEXT_V3)
        if context != context_of(stored.tenant):
            raise envelope.wrong_tenant(CONTEXT_V3)
        wrapped = envelope.base64_of(headers[KEY_V3], KEY_V3)
        key, own = derived(await keys.unwrap("", wrapped, context), message)
        if not hmac.compare_digest(own, commitment):
            raise refused("commitment-mismatch", "The object does not commit to its key.", COMMITMENT)
        body, tag = memoryview(stored.body)[:-TAG_BYTES], stored.body[-TAG_BYTES:]
        return lambda: decrypted(key, NONCE_V3, sliced(body), tag, SUITE)

    async def seal(self, plain: bytes, tenant: TenantId, keys: KeyHolder) -> tuple[bytes, dict[str, str]]:
        """Return body and metadata."""
        context, message = context_of(tenant), os.urandom(ID_BYTES)
        fresh = await keys.data_key(tenant, context)
        key, commitment = derived(fresh.plaintext, message)
        return AESGCM(key).encrypt(NONCE_V3, plain, SUITE), {
            CIPHER_V3: SUITE_NAME,
            KEY_V3: envelope.text_of(fresh.wrapped),
            WRAP_HEADER_V3: WRAP_V3,
            CONTEXT_V3: msgspec.json.encode(context, order="deterministic").decode(),
            COMMITMENT: envelope.text_of(commitment),
            MESSAGE_ID: envelope.text_of(message),
        }


def context_of(tenant: TenantId) -> dict[str, str]:
    """Return what version 3 binds to the data key."""
    return {"aws:x-amz-cek-alg": SUITE_NAME, "tenant": tenant}


def derived(data_key: bytes, message: bytes) -> tuple[bytes, bytes]:
    """Return the content key and the commitment of a data key for one message."""

    def expand(word: bytes, length: int) -> bytes:
        return HKDF(SHA512(), length, message, SUITE + word).derive(data_key)

    return expand(b"DERIVEKEY", 32), expand(b"COMMITKEY", ID_BYTES)


def _checked(headers: dict[str, str]) -> dict[str, str]:
    foreign = sorted((OWN - set(REQUIRED_V3)) & headers.keys())
    if foreign:
        raise refused("unsupported", f"{foreign[0]} belongs to another version of the format.", foreign[0])
    for name in REQUIRED_V3:
        if name not in headers:
            raise refused("missing", f"The object is not encrypted as agreed: its metadata lack {name}.", name)
    for name, wanted in ((CIPHER_V3, SUITE_NAME), (WRAP_HEADER_V3, WRAP_V3)):
        if headers[name] != wanted:
            raise refused("unsupported", f"{name} must be {wanted}.", name)
    return headers
