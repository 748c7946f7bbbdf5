"""The envelope of a bundle: Amazon S3 client-side encryption, version 2 (``x-amz-key-v2``, AES/GCM/NoPadding).

A fresh 256-bit data key for each object, wrapped by the tenant's key; what the S3 client calls the material description
(``x-amz-matdesc``) is the encryption context and is bound to the wrapped key. Nothing of the plaintext is handed out before
its tag is verified.
"""

import base64
import binascii
import os
from collections.abc import Mapping
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
KEY_ID: Final = "trialbridge-key-id"
"""Beside the S3 client's own names: which wrapping key of the ring."""
AES_GCM: Final = "AES/GCM/NoPadding"
WRAPPING: Final = "AES/GCM"
TAG_BITS: Final = 128
NONCE_BYTES: Final = 12
BODY_LIMIT: Final = 2 * 1024**3
"""Largest body that is opened, in bytes; one GCM call takes no more."""


def context_of(tenant: TenantId) -> dict[str, str]:
    """Return what is bound to the data key: whose bundle it is."""
    return {"aws:x-amz-cek-alg": AES_GCM, "tenant": tenant}


async def encrypt_object(body: bytes, keys: KeyWrapper, *, tenant: TenantId) -> tuple[bytes, dict[str, str]]:
    """Return the encrypted body (tag at the end) and the object's metadata."""
    context = context_of(tenant)
    key = await keys.data_key(tenant, context)
    nonce = os.urandom(NONCE_BYTES)
    return AESGCM(key.plaintext).encrypt(nonce, body, None), {
        KEY: base64.b64encode(key.wrapped).decode(),
        NONCE: base64.b64encode(nonce).decode(),
        CIPHER: AES_GCM,
        WRAP: WRAPPING,
        CONTEXT: msgspec.json.encode(context, order="deterministic").decode(),
        TAG: str(TAG_BITS),
        LENGTH: str(len(body)),
        KEY_ID: key.key_id,
    }


async def open_object(body: bytes, metadata: Mapping[str, str], keys: KeyWrapper, *, tenant: TenantId) -> bytes:
    """Return the plaintext, or fail closed.

    Raises:
        Refused: ``envelope.missing`` (a header is absent), ``envelope.unsupported`` (another algorithm),
            ``envelope.wrong-tenant`` (the context names someone else), ``envelope.broken`` (a header cannot be read),
            ``envelope.too-large``, ``envelope.tag-mismatch`` (changed bytes), ``envelope.length-mismatch``;
            ``key.unknown`` or ``key.refused`` from the key service.
    """
    headers = {name.lower(): value for name, value in metadata.items()}
    for name in (KEY, NONCE, CIPHER, WRAP, CONTEXT, TAG, LENGTH, KEY_ID):
        if name not in headers:
            raise _refused("missing", f"The object is not encrypted as agreed: its metadata lack {name}.", name)
    for name, wanted in ((CIPHER, AES_GCM), (WRAP, WRAPPING), (TAG, str(TAG_BITS))):
        if headers[name] != wanted:
            raise _refused("unsupported", f"{name} must be {wanted}.", name)
    if len(body) > BODY_LIMIT:
        raise _refused("too-large", f"The object is larger than {BODY_LIMIT} bytes.", "body")
    context = _context(headers[CONTEXT])
    if context != context_of(tenant):
        raise _refused("wrong-tenant", "The object was encrypted for another tenant than its ticket names.", CONTEXT)
    wrapped, nonce = _base64(headers[KEY], KEY), _base64(headers[NONCE], NONCE)
    if len(nonce) != NONCE_BYTES:
        raise _refused("broken", f"{NONCE} must be {NONCE_BYTES} bytes.", NONCE)
    data_key = await keys.unwrap(headers[KEY_ID], wrapped, context)
    try:
        plaintext = AESGCM(data_key).decrypt(nonce, body, None)
    except (InvalidTag, ValueError):
        raise _refused("tag-mismatch", "The object was changed after it was encrypted.", "body") from None
    if headers[LENGTH] != str(len(plaintext)):
        raise _refused("length-mismatch", f"{LENGTH} does not fit the content.", LENGTH)
    return plaintext


def _context(text: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError:
        raise _refused("broken", f"{CONTEXT} is not a JSON object of strings.", CONTEXT) from None


def _base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _refused("broken", f"{name} is not base64.", name) from None


def _refused(code: str, message: str, field: str) -> Refused:
    return Refused(f"envelope.{code}", message, Place(field=field))
