"""OAuth 2.0 client credentials (RFC 6749, 4.4): access tokens of five minutes that every process of an installation takes.

A token names its client and its end, under an HMAC (RFC 2104) of a key that is derived from the installation's own; nothing is
stored, and a client that is taken out of the file is refused at once after a restart.
"""

import asyncio
import base64
import binascii
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from services.gateway.clients import Client, Clients, same
from trialbridge.access.passwords import verify_password
from trialbridge.contracts.ids import Pseudonyms

SCOPE: Final = "hl7v2:write"
LIFE: Final = 300
"""Seconds."""
AT_ONCE: Final = 2
"""Secrets checked at the same time; each takes 32 MiB and some time."""
ATTEMPTS: Final = 5
PAUSE: Final = 60.0
"""Seconds that a client must wait after so many wrong secrets."""
REMEMBERED: Final = 10_000
_PURPOSE: Final = b"trialbridge gateway access token v1"


class TooManyAttemptsError(Exception):
    """The client gave so many wrong secrets that it must wait."""


@dataclass(slots=True)
class Tokens:
    """Issues and reads access tokens."""

    clients: Clients
    key: bytes = field(repr=False)
    now: Callable[[], datetime]
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _failures: dict[str, tuple[int, float]] = field(default_factory=dict)

    async def issue(self, name: str, secret: str) -> str | None:
        """Return a token for a client and its secret, None where they do not belong together; an unknown name takes as long.

        Raises `TooManyAttemptsError` after five wrong secrets within a minute, whether or not there is such a client.
        """
        moment = self.now().timestamp()
        count, since = self._failures.get(name, (0, moment))
        if count >= ATTEMPTS and moment - since < PAUSE:
            raise TooManyAttemptsError
        client = self.clients.named(name)
        stored = client.secret if client is not None and client.secret else None
        async with self._turns:
            right = await asyncio.to_thread(verify_password, secret, stored)
        if not right or client is None:
            self._note_failure(name, moment)
            return None
        self._failures.pop(name, None)
        body = f"{name}\n{int(moment) + LIFE}".encode()
        return f"{_text(body)}.{_text(self._mark(body))}"

    def _note_failure(self, name: str, moment: float) -> None:
        if len(self._failures) >= REMEMBERED:
            self._failures = {one: kept for one, kept in self._failures.items() if moment - kept[1] < PAUSE}
        count, since = self._failures.get(name, (0, moment))
        self._failures[name] = (1, moment) if moment - since >= PAUSE else (count + 1, since)

    def client_of(self, token: str) -> Client | None:
        """Return the client of a token that is ours and has not ended."""
        body = token.partition(".")[0]
        try:
            raw = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
            name, _, end = raw.decode().rpartition("\n")
            ends = int(end)
        except (binascii.Error, ValueError):
            return None
        # The whole text is compared: base64 has several ways to say the same bytes.
        if not same(token, f"{_text(raw)}.{_text(self._mark(raw))}") or ends <= self.now().timestamp():
            return None
        return self.clients.named(name)

    def _mark(self, body: bytes) -> bytes:
        return hmac.new(self.key, body, sha256).digest()


def signing_key(pseudonyms: Pseudonyms) -> bytes:
    """Return the key of access tokens, derived from the installation's own key for this purpose alone."""
    return hmac.new(pseudonyms.key, _PURPOSE, sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
