"""Seals values of topics, tables and documents, by one data key per network and process.

The context (where the value stands) is authenticated with it: a value that was moved elsewhere does not open. The wrapped
data key travels with each value (`vault.cose`), so any process with the key ring can open what another one sealed.
"""

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trialbridge.contracts.errors import Undecodable
from trialbridge.contracts.ids import NetworkId
from trialbridge.vault import cose
from trialbridge.vault.cose import Recipient, Sealed
from trialbridge.vault.keys import KeyWrapper

USES_PER_KEY: Final = 1 << 26
"""Far below the 2**32 random nonces that SP 800-38D allows for one key."""
KEY_LIFE: Final = 900.0
"""Seconds that a data key stays in memory: so long does a rotated or withdrawn wrapping key go on to work."""
CACHED_KEYS: Final = 4_096
DRAWN: Final = 256
"""Nonces of one call of the system, which would else be a fifth of the work of sealing something small."""
DEFAULT_SCOPE: Final = "default"
"""The key scope of values that belong to no network."""


class _Nonces:
    """Random nonces, drawn from the system many at a time; a process that forks draws its own."""

    __slots__ = ("_drawn",)

    def __init__(self) -> None:
        self._drawn: list[bytes] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        """Use nothing of what was drawn."""
        self._drawn = []

    def next(self) -> bytes:
        """Return a nonce that was never used, in whichever thread: what is popped from a list, one thread gets."""
        while True:
            try:
                return self._drawn.pop()
            except IndexError:
                drawn = os.urandom(DRAWN * cose.NONCE_BYTES)
                size = cose.NONCE_BYTES
                self._drawn.extend([drawn[at : at + size] for at in range(0, len(drawn), size)])


_NONCES: Final = _Nonces()


class _Current:
    """The data key that a network's values are sealed with now."""

    __slots__ = ("born", "cipher", "protected", "recipient", "uses")

    def __init__(self, cipher: AESGCM, recipient: Recipient, born: float) -> None:
        self.cipher = cipher
        self.protected = cose.protected_header(recipient.network)
        self.recipient = recipient
        self.born = born
        self.uses = 0


class Sealer:
    """Seals and opens (implements `runtime.stage.wire.Seal`)."""

    def __init__(self, keys: KeyWrapper, now: Callable[[], float] = time.monotonic) -> None:
        """Take data keys from ``keys``; ``now`` returns seconds that never go back."""
        self._keys = keys
        self._now = now
        self._current: dict[str, _Current] = {}
        self._making: dict[str, asyncio.Future[_Current]] = {}
        self._known: OrderedDict[Recipient, tuple[AESGCM, float]] = OrderedDict()

    async def prepare(self, network: NetworkId) -> None:
        """Make the data key ready that a network's values are sealed with now; raises as `seal` does."""
        await self._key(network)

    async def _key(self, network: str) -> _Current:
        key = self._current.get(network)
        if key is None or key.uses >= USES_PER_KEY or key.born + KEY_LIFE < self._now():
            key = await self._renew(network)
        return key

    async def seal(self, network: NetworkId, context: str, plaintext: bytes) -> bytes:
        """Return the COSE_Encrypt bytes of ``plaintext``, bound to ``context``.

        Raises the key service's `Refused` ``key.unknown`` or `Unavailable`.
        """
        key = await self._key(network)
        key.uses += 1
        nonce = _NONCES.next()
        sealed = key.cipher.encrypt(nonce, plaintext, cose.additional_data(key.protected, context))
        return cose.write(Sealed(key.protected, nonce, sealed, key.recipient))

    async def open(self, value: bytes, context: str) -> bytes:
        """Return the plaintext; raise `Undecodable` ``seal.*`` or the key service's `Refused` or `Unavailable`."""
        sealed = cose.read(value)
        to = sealed.recipient
        cipher = self._recall(to)
        if cipher is None:
            cipher = AESGCM(await self._keys.unwrap(to.key_id, to.wrapped, {"network": to.network}))
            self._remember(to, cipher)
        return _decrypt(cipher, sealed, context)

    def open_now(self, value: bytes, context: str) -> bytes | None:
        """Return the plaintext where its data key is at hand, else None; raise `Undecodable` ``seal.*``."""
        sealed = cose.read(value)
        cipher = self._recall(sealed.recipient)
        return None if cipher is None else _decrypt(cipher, sealed, context)

    async def _renew(self, network: str) -> _Current:
        """Return a fresh data key; callers at the same time share one call of the key service."""
        making = self._making.get(network)
        if making is None:
            making = self._making[network] = asyncio.ensure_future(self._fresh(network))
            making.add_done_callback(lambda _: self._making.pop(network, None))
        return await asyncio.shield(making)

    async def _fresh(self, network: str) -> _Current:
        made = await self._keys.data_key(network or DEFAULT_SCOPE, {"network": network})
        key = _Current(AESGCM(made.plaintext), Recipient(network, made.key_id, made.wrapped), self._now())
        self._current[network] = key
        self._remember(key.recipient, key.cipher)
        return key

    def _remember(self, recipient: Recipient, cipher: AESGCM) -> None:
        self._known[recipient] = (cipher, self._now())
        if len(self._known) > CACHED_KEYS:
            self._known.popitem(last=False)

    def _recall(self, recipient: Recipient) -> AESGCM | None:
        found = self._known.get(recipient)
        if found is None or found[1] + KEY_LIFE < self._now():
            return None
        self._known.move_to_end(recipient)
        return found[0]


def _decrypt(cipher: AESGCM, sealed: Sealed, context: str) -> bytes:
    try:
        return cipher.decrypt(sealed.nonce, sealed.ciphertext, cose.additional_data(sealed.protected, context))
    except (InvalidTag, ValueError):
        raise Undecodable(
            "seal.refused", "A sealed value does not open: it was changed, or moved from where it belongs."
        ) from None
