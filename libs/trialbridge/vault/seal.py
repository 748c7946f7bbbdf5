"""Seals values of topics, tables and documents: COSE_Encrypt (RFC 9052), A256GCM, one data key per network and process.

The context (where the value stands) is the external additional data: a value that was moved elsewhere does not open.
The wrapped data key travels as the recipient, so any process with the key ring can open what another one sealed.
"""

import os
from collections import OrderedDict
from typing import Any, Final

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trialbridge.contracts.errors import Undecodable
from trialbridge.contracts.ids import NetworkId
from trialbridge.vault.keys import KeyWrapper

ALGORITHM: Final = 1
IV: Final = 5
KEY_ID: Final = 4
A256GCM: Final = 3
NETWORK: Final = "network"
"""Private text label: the key's scope, bound as protected header."""
USES_PER_KEY: Final = 1 << 26
"""Far below the 2**32 random nonces that SP 800-38D allows for one key."""
CACHED_KEYS: Final = 4_096
DEFAULT_SCOPE: Final = "default"
"""The key scope of values that belong to no network."""


class _Current:
    """The data key that a network's values are sealed with now."""

    __slots__ = ("cipher", "protected", "recipient", "uses")

    def __init__(self, cipher: AESGCM, protected: bytes, recipient: list[Any]) -> None:
        self.cipher = cipher
        self.protected = protected
        self.recipient = recipient
        self.uses = 0


class Sealer:
    """Seals and opens (implements `runtime.stage.wire.Seal`)."""

    def __init__(self, keys: KeyWrapper) -> None:
        """Take data keys from ``keys``."""
        self._keys = keys
        self._current: dict[str, _Current] = {}
        self._known: OrderedDict[bytes, AESGCM] = OrderedDict()

    async def seal(self, network: NetworkId, context: str, plaintext: bytes) -> bytes:
        """Return the COSE_Encrypt bytes of ``plaintext``, bound to ``context``."""
        key = self._current.get(network)
        if key is None or key.uses >= USES_PER_KEY:
            key = self._current[network] = await self._fresh(network)
        key.uses += 1
        nonce = os.urandom(12)
        sealed = key.cipher.encrypt(nonce, plaintext, _additional(key.protected, context))
        return cbor2.dumps([key.protected, {IV: nonce}, sealed, [key.recipient]])

    async def open(self, value: bytes, context: str) -> bytes:
        """Return the plaintext; raise `Undecodable` ``seal.*`` or the key service's `Refused`."""
        protected, nonce, sealed, key_id, wrapped, network = _parse(value)
        cipher = self._known.get(wrapped)
        if cipher is None:
            cipher = AESGCM(await self._keys.unwrap(key_id, wrapped, {NETWORK: network}))
            self._remember(wrapped, cipher)
        return _decrypt(cipher, nonce, sealed, _additional(protected, context))

    def open_now(self, value: bytes, context: str) -> bytes | None:
        """Return the plaintext where its data key is at hand, else None."""
        protected, nonce, sealed, _, wrapped, _ = _parse(value)
        cipher = self._known.get(wrapped)
        return None if cipher is None else _decrypt(cipher, nonce, sealed, _additional(protected, context))

    async def _fresh(self, network: str) -> _Current:
        made = await self._keys.data_key(network or DEFAULT_SCOPE, {NETWORK: network})
        cipher = AESGCM(made.plaintext)
        self._remember(made.wrapped, cipher)
        protected = cbor2.dumps({ALGORITHM: A256GCM, NETWORK: network}, canonical=True)
        return _Current(cipher, protected, [b"", {KEY_ID: made.key_id.encode()}, made.wrapped])

    def _remember(self, wrapped: bytes, cipher: AESGCM) -> None:
        self._known[wrapped] = cipher
        if len(self._known) > CACHED_KEYS:
            self._known.popitem(last=False)


def _additional(protected: bytes, context: str) -> bytes:
    """Return the Enc_structure of RFC 9052, section 5.3."""
    return cbor2.dumps(["Encrypt", protected, context.encode()])


def _decrypt(cipher: AESGCM, nonce: bytes, sealed: bytes, additional: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, sealed, additional)
    except (InvalidTag, ValueError):
        raise Undecodable(
            "seal.refused", "A sealed value does not open: it was changed, or moved from where it belongs."
        ) from None


def _parse(value: bytes) -> tuple[bytes, bytes, bytes, str, bytes, str]:
    """Return protected header, nonce, ciphertext, key id, wrapped key and network."""
    try:
        protected, unprotected, sealed, [[_, recipient, wrapped]] = cbor2.loads(value)
        header = cbor2.loads(protected)
        parts = (protected, unprotected[IV], sealed, recipient[KEY_ID], wrapped, header[NETWORK])
        algorithm = header[ALGORITHM]
    except (cbor2.CBORDecodeError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        raise Undecodable("seal.not-cose", "A sealed value is not the COSE_Encrypt that it should be.") from None
    kinds = (bytes, bytes, bytes, bytes, bytes, str)
    if algorithm != A256GCM or not all(isinstance(part, kind) for part, kind in zip(parts, kinds, strict=True)):
        raise Undecodable("seal.not-cose", "A sealed value is not the COSE_Encrypt that it should be.")
    protected, nonce, sealed, key_id, wrapped, network = parts
    return protected, nonce, sealed, key_id.decode("utf-8", "replace"), wrapped, network
