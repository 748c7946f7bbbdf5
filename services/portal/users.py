"""Users with passwords, out of a file: a JSON list of ``{"name", "tenant", "role", "hash"}``."""

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
    """Checks passwords; after five wrong ones for a name it asks to wait a minute."""

    def __init__(self, users: Mapping[tuple[str, str, str], User]) -> None:
        """Know ``users``."""
        self._users = users
        self._failures: dict[tuple[str, str, str], tuple[int, datetime]] = {}

    @property
    def open(self) -> bool:
        """Return whether anybody can sign in with a password."""
        return bool(self._users)

    def waits(self, tenant: str, role: str, name: str, now: datetime) -> bool:
        """Return whether this name must wait, whether or not it exists."""
        count, since = self._failures.get((tenant, role, name), (0, now))
        return count >= ATTEMPTS and now - since < PAUSE

    def check(self, tenant: str, role: str, name: str, password: str, now: datetime) -> Session | None:
        """Return who signed in, or None. Takes a noticeable time (scrypt): call it off the event loop."""
        key = (tenant, role, name)
        user = self._users.get(key)
        if verify_password(password, user.hash if user else None) and user is not None:
            self._failures.pop(key, None)
            return Session(user.name, TenantId(user.tenant), user.role)
        self._count_failure(key, now)
        return None

    def _count_failure(self, key: tuple[str, str, str], now: datetime) -> None:
        if len(self._failures) >= REMEMBERED:
            self._failures.clear()
        count, since = self._failures.get(key, (0, now))
        self._failures[key] = (1, now) if now - since >= PAUSE else (count + 1, now)
