"""OpenPGP messages (gpg): public-key recipients and integrity protection required; read a piece at a time.

Nothing in a message names a tenant, and its sender need not sign: whose it is, the ticket's digest binds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trialbridge.contracts.errors import Refused
from trialbridge.contracts.ids import TenantId
from trialbridge.vault.containers.model import (
    Chunks,
    KeyHolder,
    Stored,
    newest,
    not_for_us,
    private_keys,
    usable,
)
from trialbridge.vault.containers.openpgp_content import content
from trialbridge.vault.containers.openpgp_head import BY_KEY_ID, FITTING, Head, is_message, read_head
from trialbridge.vault.containers.openpgp_packets import binary
from trialbridge.vault.containers.openpgp_sealed import in_chunks, with_code
from trialbridge.vault.containers.openpgp_secret import SecretKey, secret_keys
from trialbridge.vault.containers.openpgp_session import Session, session_of
from trialbridge.vault.recipients import openpgp_key


@dataclass(frozen=True, slots=True)
class OpenPgp:
    """Messages for a tenant's OpenPGP key."""

    name: str = "openpgp"

    def fits(self, stored: Stored) -> bool:
        """Return whether it begins as an OpenPGP message does."""
        return is_message(stored.body)

    async def open(self, stored: Stored, keys: KeyHolder) -> Chunks:
        """Return the decryption; raises as `Container.open` says."""
        head = read_head(binary(stored.body))
        held = await private_keys(keys, stored.tenant, "openpgp")
        session = _session(head, usable(held, lambda key: secret_keys(key.secret)))
        return lambda: _decrypted(stored, session)

    async def seal(self, plain: bytes, tenant: TenantId, keys: KeyHolder) -> tuple[bytes, dict[str, str]]:
        """Return a message for the tenant's newest key that can be read."""
        from openpgp.util import encrypt_message_to_recipient_bytes

        held = await private_keys(keys, tenant, "openpgp")
        recipient = newest(held, lambda key: openpgp_key(key.secret)).to_public_key()
        return encrypt_message_to_recipient_bytes(plain, recipient, version="seipd-v1"), {}


def _session(head: Head, held: Sequence[Sequence[SecretKey]]) -> Session:
    """Return the session key of whichever key the message names; raise `Refused` ``key.refused``."""
    for key in (one for several in held for one in several):
        for sealed in head.sessions:
            name = key.key_id if sealed.version == BY_KEY_ID else key.fingerprint
            if sealed.recipient == name and sealed.version == FITTING[head.version]:
                return session_of(sealed, key)
    raise not_for_us()


def _decrypted(stored: Stored, session: Session) -> Iterator[bytes]:
    head = read_head(binary(stored.body))
    plain = with_code(head.sealed, session) if head.version == 1 else in_chunks(head.sealed, session)
    try:
        for piece in content(plain, stored.most):
            yield bytes(piece)
    except Refused:
        # What is said of a content is said of a verified one: how a changed one fails would tell what is in it.
        for _ in plain:
            pass
        raise
