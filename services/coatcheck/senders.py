"""Who may hand in tickets over HTTP: API keys, each bound to one tenant and one network."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trialbridge.contracts.errors import Misconfigured
from trialbridge.contracts.ids import NetworkId, TenantId
from trialbridge.runtime.settings import read_secret

LEAST_KEY: Final = 24
"""Characters of the shortest key that is taken."""


@dataclass(frozen=True, slots=True)
class Sender:
    """A tenant that hands in tickets, for one network."""

    tenant: TenantId
    network: NetworkId


class Senders:
    """Finds the sender of an API key. Keys are kept as digests and compared in constant time."""

    def __init__(self, keys: Mapping[str, Sender]) -> None:
        """Keep the senders by key."""
        self._known = [(_digest(key), sender) for key, sender in keys.items()]

    def of(self, key: str) -> Sender | None:
        """Return the key's sender, None for an unknown key."""
        asked, found = _digest(key), None
        for known, sender in self._known:
            if hmac.compare_digest(known, asked):
                found = sender
        return found


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def read_senders(path: Path) -> Senders:
    """Return the senders in a secret file of lines ``TENANT NETWORK KEY``.

    Raises:
        Misconfigured: ``settings.secret-unreadable``, ``settings.api-keys-invalid`` with the line's number.
    """
    keys: dict[str, Sender] = {}
    for number, line in enumerate(read_secret(path, "TRIALBRIDGE_API_KEYS_FILE").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 3 or len(words[2]) < LEAST_KEY:  # noqa: PLR2004 - tenant, network, key
            raise Misconfigured(
                "settings.api-keys-invalid",
                f"TRIALBRIDGE_API_KEYS_FILE, line {number}: must be TENANT NETWORK KEY, the key of {LEAST_KEY} "
                "characters or more.",
            )
        keys[words[2]] = Sender(TenantId(words[0]), NetworkId(words[1]))
    return Senders(keys)
