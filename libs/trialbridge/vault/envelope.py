"""The envelope of a bundle: Amazon S3 client-side encryption, format version 2 (AES-256-GCM, ``kms+context``).

A fresh 256-bit data key for each object; the key service wraps it with the encryption context (whose bundle it is), which
stands as ``x-amz-matdesc``. Nothing of the plaintext is handed out before its tag is verified (ADR 0011).
"""

import asyncio
import base64
import binascii
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trialbridge.contracts.errors import Place, Refused
from trialbridge.contracts.ids import TenantId
from trialbridge.vault.keys import KeyWrapper

KEY: Final = "x-amz-key-v2"
NONCE: Final = "x-amz-iv"
CIPHER: Final = "x-amz-cek-alg"
WRAP: Final = "x-amz-wrap-alg"
CONTEXT: Final = "x-amz-matdesc"
TAG: Final = "x-amz-tag-len"
LENGTH: Final = "x-amz-unencrypted-content-length"
REQUIRED: Final = (KEY, NONCE, CIPHER, WRAP, CONTEXT, TAG)
FOREIGN: Final = frozenset(
    {
        "x-amz-key",
        "x-amz-c",
        "x-amz-3",
        "x-amz-w",
        "x-amz-m",
        "x-amz-t",
        "x-amz-d",
        "x-amz-i",
        "x-amz-crypto-instr-file",
    }
)
"""Headers of other format versions: whoever mixes them may want to be read in two ways."""
AES_GCM: Final = "AES/GCM/NoPadding"
WRAPPING: Final = "kms+context"
TAG_BITS: Final = 128
NONCE_BYTES: Final = 12
BODY_LIMIT: Final = 2**31 - 1
"""Bytes of the largest body; one GCM call takes no more."""
INLINE: Final = 256 * 1024
"""Bytes up to which the cipher runs in the event loop; larger bodies go to a thread."""


def context_of(tenant: TenantId) -> dict[str, str]:
    """Return what is bound to the data key: whose bundle it is, and its cipher (so that this cannot be changed to a weaker one)."""
    return {"aws:x-amz-cek-alg": AES_GCM, "tenant": tenant}


async def encrypt_object(body: bytes, keys: KeyWrapper, *, tenant: TenantId) -> tuple[bytes, dict[str, str]]:
    """Return the encrypted body (16 bytes of tag at the end) and the object's metadata.

    Raises:
        Refused: ``envelope.too-large``; ``key.unknown`` where the tenant has no key.
        Unavailable: the key service is away.
    """
    if len(body) + TAG_BITS // 8 > BODY_LIMIT:
        raise _too_large(BODY_LIMIT)
    context = context_of(tenant)
    key = await keys.data_key(tenant, context)
    nonce, cipher = os.urandom(NONCE_BYTES), AESGCM(key.plaintext)
    return await _run(cipher.encrypt, nonce, body), {
        KEY: base64.b64encode(key.wrapped).decode(),
        NONCE: base64.b64encode(nonce).decode(),
        CIPHER: AES_GCM,
        WRAP: WRAPPING,
        CONTEXT: msgspec.json.encode(context, order="deterministic").decode(),
        TAG: str(TAG_BITS),
        LENGTH: str(len(body)),
    }


async def open_object(
    body: bytes, metadata: Mapping[str, str], keys: KeyWrapper, *, tenant: TenantId, max_bytes: int = BODY_LIMIT
) -> bytes:
    """Return the plaintext of a body of at most ``max_bytes``, or fail closed.

    Raises:
        Refused: ``envelope.missing`` (a header is absent), ``envelope.unsupported`` (another format or algorithm),
            ``envelope.wrong-tenant`` (the context names someone else), ``envelope.broken`` (a header cannot be read),
            ``envelope.too-large``, ``envelope.tag-mismatch`` (changed bytes), ``envelope.length-mismatch``;
            ``key.unknown`` or ``key.refused`` from the key service.
        Unavailable: the key service is away.
    """
    headers = _checked(metadata)
    if len(body) > min(max_bytes, BODY_LIMIT):
        raise _too_large(min(max_bytes, BODY_LIMIT))
    head = await read_head(headers, keys, tenant)
    cipher = AESGCM(head.key)
    try:
        plaintext = await _run(cipher.decrypt, head.nonce, body)
    except (InvalidTag, ValueError):
        raise _refused("tag-mismatch", "The object was changed after it was encrypted.", "body") from None
    check_length(head, len(plaintext))
    return plaintext


@dataclass(frozen=True, slots=True, repr=False)
class Head:
    """What the headers say, checked, with the data key unwrapped. Never logged: no repr."""

    key: bytes
    nonce: bytes
    length: str | None
    """Of the plaintext, as the sender says it."""


async def read_head(metadata: Mapping[str, str], keys: KeyWrapper, tenant: TenantId) -> Head:
    """Return the checked headers with the data key; raises as `open_object` does."""
    headers = _checked(metadata)
    context = read_context(headers[CONTEXT], CONTEXT)
    if context != context_of(tenant):
        raise wrong_tenant(CONTEXT)
    wrapped, nonce = base64_of(headers[KEY], KEY), base64_of(headers[NONCE], NONCE)
    if len(nonce) != NONCE_BYTES:
        raise _refused("broken", f"{NONCE} must be {NONCE_BYTES} bytes.", NONCE)
    # The wrapped key itself names its wrapping key, as a KMS ciphertext does.
    return Head(await keys.unwrap("", wrapped, context), nonce, headers.get(LENGTH))


def check_length(head: Head, length: int) -> None:
    """Return where the sender's word on the plaintext's length is right; raise `Refused` ``envelope.length-mismatch``."""
    if head.length not in (None, str(length)):
        raise _refused("length-mismatch", f"{LENGTH} does not fit the content.", LENGTH)


async def _run(call: Callable[[bytes, bytes, None], bytes], nonce: bytes, body: bytes) -> bytes:
    """Run the cipher where it holds nobody up."""
    return call(nonce, body, None) if len(body) <= INLINE else await asyncio.to_thread(call, nonce, body, None)


def _checked(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the headers by lower-case name; S3 does not keep case, other stores do."""
    headers = {name.lower(): value for name, value in metadata.items()}
    if len(headers) != len(metadata):
        raise _refused("broken", "The object's metadata hold a header twice.", "metadata")
    other = sorted(FOREIGN & headers.keys())
    if other:
        raise _refused("unsupported", f"{other[0]} belongs to another version of the format.", other[0])
    for name in REQUIRED:
        if name not in headers:
            raise _refused("missing", f"The object is not encrypted as agreed: its metadata lack {name}.", name)
    for name, wanted in ((CIPHER, AES_GCM), (WRAP, WRAPPING), (TAG, str(TAG_BITS))):
        if headers[name] != wanted:
            raise _refused("unsupported", f"{name} must be {wanted}.", name)
    return headers


def wrong_tenant(field: str) -> Refused:
    """Return the error of an object that names another tenant."""
    return _refused("wrong-tenant", "The object was encrypted for another tenant than its ticket names.", field)


def read_context(text: str, name: str) -> dict[str, str]:
    """Return a header's encryption context; raise `Refused` ``envelope.broken``, also where it says a name twice."""
    try:
        found = msgspec.json.decode(text, type=dict[str, str])
        # The standard library's reader alone tells of repeated names; what it is given is known to be flat.
        names = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):  # of msgspec.DecodeError and UnicodeError too
        raise _refused("broken", f"{name} is not a JSON object of strings.", name) from None
    if len(names) != len(found):
        raise _refused("broken", f"{name} says a name twice.", name)
    return found


def text_of(raw: bytes) -> str:
    """Return bytes as a header holds them."""
    return base64.b64encode(raw).decode()


def base64_of(text: str, name: str) -> bytes:
    """Return a header's bytes, canonically written; raise `Refused` ``envelope.broken``."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _refused("broken", f"{name} is not base64.", name) from None
    if base64.b64encode(raw).decode() != text:
        # The last digit may hold bits that say nothing; taking them would let bytes change unseen.
        raise _refused("broken", f"{name} is not canonical base64.", name)
    return raw


def _too_large(limit: int) -> Refused:
    return _refused("too-large", f"The object is larger than {limit} bytes.", "body")


def _refused(code: str, message: str, field: str) -> Refused:
    return Refused(f"envelope.{code}", message, Place(field=field))
