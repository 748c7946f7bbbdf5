"""age (age-encryption.org/v1): X25519 recipients; chunks of 64 KiB, each authenticated.

Anyone who knows the public key can make such a file, and nothing in it names a tenant: whose it is, the ticket's digest binds.
Passphrases (scrypt) are refused, since guessing one costs the sender nothing and us a lot of memory.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from trialbridge.contracts.ids import TenantId
from trialbridge.vault.containers.model import (
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
from trialbridge.vault.containers.pump import Sink, pumped
from trialbridge.vault.recipients import identity_of

if TYPE_CHECKING:
    import pyrage

MAGIC: Final = b"age-encryption.org/v1\n"
ARMOUR: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
HEAD_LIMIT: Final = 64 * 1024
"""Bytes of the longest header."""
STANZA_LIMIT: Final = 64
"""Recipients of one file."""


@dataclass(frozen=True, slots=True)
class Age:
    """Files for a tenant's age recipient."""

    name: str = "age"

    def fits(self, stored: Stored) -> bool:
        """Return whether it begins as an age file does, in binary or armoured."""
        return stored.body.startswith((MAGIC, ARMOUR))

    async def open(self, stored: Stored, keys: KeyHolder) -> Chunks:
        """Return the decryption; raises as `Container.open` says."""
        import pyrage

        check_head(stored.body)
        held = await private_keys(keys, stored.tenant, "age")
        identities = usable(held, _identity)

        def write(sink: Sink) -> None:
            try:
                pyrage.decrypt_io(io.BytesIO(stored.body), sink, identities)
            except pyrage.DecryptError:
                raise not_for_us() from None
            except (OSError, ValueError):
                raise changed() from None

        def chunks() -> Iterator[bytes]:
            return pumped(write)

        return chunks

    async def seal(self, plain: bytes, tenant: TenantId, keys: KeyHolder) -> tuple[bytes, dict[str, str]]:
        """Return a file for the tenant's newest recipient."""
        import pyrage

        recipient = newest(await private_keys(keys, tenant, "age"), _identity).to_public()
        return bytes(pyrage.encrypt(plain, [recipient])), {}


def _identity(key: PrivateKey) -> "pyrage.x25519.Identity":
    return identity_of(key.secret)


def check_head(body: bytes) -> None:
    """Return where the header may be handed to the library; raise `Refused` ``envelope.unsupported`` or ``envelope.broken``."""
    if body.startswith(ARMOUR):
        raise refused("unsupported", "An armoured age file is not taken; encrypt without --armor.")
    end = body.find(b"\n---", 0, HEAD_LIMIT)
    if not body.startswith(MAGIC) or end < 0:
        raise refused("broken", "The age header has no end, or is too long.")
    stanzas = [line.split(b" ")[1:2] for line in body[:end].split(b"\n") if line.startswith(b"-> ")]
    if [b"scrypt"] in stanzas:
        raise refused("unsupported", "A passphrase (scrypt) is not taken; encrypt to the tenant's age recipient.")
    if [b"X25519"] not in stanzas:
        raise refused("unsupported", "The file has no X25519 recipient; encrypt to the tenant's age recipient.")
    if len(stanzas) > STANZA_LIMIT:
        raise refused("unsupported", f"The file has more than {STANZA_LIMIT} recipients.")
