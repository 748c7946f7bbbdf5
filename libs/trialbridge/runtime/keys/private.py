"""Private keys into a key ring. A room of its own: only who holds keys needs the libraries that read them, no service does."""

from pathlib import Path

import msgspec

from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.keys.ring import Ring, Scope, change_ring, number_of, private_of, read_ring
from trialbridge.vault import recipients
from trialbridge.vault.keys import PrivateKind


def with_private(ring: Ring, scope: str, kind: PrivateKind, secret: bytes) -> Ring:
    """Return the ring with a private key more; the older ones of its kind still open.

    Raises `Refused` ``key.broken`` where it is none of the kind, `Misconfigured` ``keyring.no-scope``.
    """
    recipients.public(kind, secret)
    own = ring.scopes.get(scope)
    if own is None:
        raise Misconfigured(
            "keyring.no-scope", f"The key ring knows no {scope}; trialbridge keys add {scope} makes it known."
        )
    number = 1 + max((number_of(key.name) for key in private_of(ring, scope, kind)), default=0)
    changed = Scope(own.current, own.keys, {**own.private, f"{scope}/{kind}/{number}": secret})
    return msgspec.structs.replace(ring, scopes={**ring.scopes, scope: changed})


def add_private(path: Path, scope: str, kind: PrivateKind, secret: bytes) -> str:
    """Add a private key that senders encrypt to; return its name. Raises as `with_private` does, and `Misconfigured` ``keyring.*``."""
    change_ring(path, lambda ring: with_private(ring, scope, kind, secret))
    return private_of(read_ring(path), scope, kind)[0].name
