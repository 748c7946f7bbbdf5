"""Users with passwords, out of a file: a JSON list of ``{"name", "tenant", "role", "hash"}``."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from trialbridge.access.passwords import verify_password, well_formed
from trialbridge.access.scopes import Role, Session
from trialbridge.contracts.errors import Misconfigured
from trialbridge.contracts.ids import TenantId
from trialbridge.runtime.settings import read_secret

ATTEMPTS: Final = 5
FROM_ADDRESS: Final = 20
AT_ONCE: Final = 2
"""Passwords checked at the same time; each takes 32 MiB and some time."""
PAUSE: Final = timedelta(minutes=1)
REMEMBERED: Final = 10_000


class User(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the file."""

    name: str
    tenant: str
    role: Role
    hash: str


def load_users(path: Path | None) -> dict[tuple[str, str, str], User]:
    """Return the users by tenant, role and name.

    Raises:
        Misconfigured: ``settings.users-invalid`` if the file is not as described, or open to others.
    """
    if path is None:
        return {}
    try:
        users = msgspec.json.decode(read_secret(path, "TRIALBRIDGE_USERS_FILE"), type=list[User])
    except msgspec.MsgspecError:
        raise Misconfigured(
            "settings.users-invalid", 'TRIALBRIDGE_USERS_FILE: must be a list of {"name", "tenant", "role", "hash"}.'
        ) from None
    if any(not well_formed(user.hash) for user in users):
        raise Misconfigured("settings.users-invalid", "TRIALBRIDGE_USERS_FILE: a hash is not a scrypt hash of ours.")
    return {(user.tenant, user.role, user.name): user for user in users}


class Gatekeeper:
    """Checks passwords. After five wrong ones for a name, or twenty from one address, it asks to wait a minute."""

    def __init__(self, users: Mapping[tuple[str, str, str], User]) -> None:
        """Know ``users``."""
        self._users = users
        self._failures: dict[tuple[str, ...], tuple[int, datetime]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    @property
    def open(self) -> bool:
        """Return whether anybody can sign in with a password."""
        return bool(self._users)

    def waits(self, tenant: str, role: str, name: str, address: str, now: datetime) -> bool:
        """Return whether this name or this address must wait, whether or not the name exists."""
        return self._spent((tenant, role, name), ATTEMPTS, now) or self._spent((address,), FROM_ADDRESS, now)

    async def check(
        self, tenant: str, role: str, name: str, password: str, address: str, now: datetime
    ) -> Session | None:
        """Return who signed in, or None. The costly hash runs beside the event loop, only a few at a time."""
        key = (tenant, role, name)
        user = self._users.get(key)
        async with self._turns:
            right = await asyncio.to_thread(verify_password, password, user.hash if user else None)
        if right and user is not None:
            self._failures.pop(key, None)
            return Session(user.name, TenantId(user.tenant), user.role)
        self._count_failure(key, now)
        self._count_failure((address,), now)
        return None

    def _spent(self, key: tuple[str, ...], most: int, now: datetime) -> bool:
        count, since = self._failures.get(key, (0, now))
        return count >= most and now - since < PAUSE

    def _count_failure(self, key: tuple[str, ...], now: datetime) -> None:
        if len(self._failures) >= REMEMBERED:
            self._failures = {one: kept for one, kept in self._failures.items() if now - kept[1] < PAUSE}
        count, since = self._failures.get(key, (0, now))
        self._failures[key] = (1, now) if now - since >= PAUSE else (count + 1, now)
