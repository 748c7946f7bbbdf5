"""What the tests of containers have in common: keys of two practices, and objects of each container."""

from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Final

import pytest

from trialbridge.contracts.ids import Digest, TenantId
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.vault import recipients
from trialbridge.vault.containers.model import Stored
from trialbridge.vault.containers.table import BY_NAME, CONTAINERS
from trialbridge.vault.keys import PrivateKind

NORTH, HILL = TenantId("north"), TenantId("hill")
NAMES: Final = [one.name for one in CONTAINERS]
PUBLIC: Final = ["age", "aws-encryption-sdk", "cms", "openpgp"]
"""Containers that are encrypted to a public key."""
KIND: Final = {"age": "age", "aws-encryption-sdk": "esdk", "cms": "cms", "openpgp": "openpgp"}
PLAIN: Final = b"PID|1||canary-4711^^^Birchwood\r" * 20
START: Final = datetime(2026, 6, 1, tzinfo=UTC)


@cache
def secret(kind: PrivateKind, tenant: str, number: int = 1) -> bytes:
    """Return a private key; the same one each time, since RSA keys take their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipients, "RSA_BITS", recipients.LEAST_RSA_BITS)
        return recipients.make(kind, tenant, START)


def keys(*tenants: str) -> MemoryKeys:
    """Return a key service in which each tenant has a private key of each kind."""
    held = MemoryKeys()
    held._ring = _filled(tenants)._ring
    return held


@cache
def _filled(tenants: tuple[str, ...]) -> MemoryKeys:
    """Return one such service: that keys are what they say is checked once."""
    held = MemoryKeys("north", "hill")
    for tenant in tenants or ("north", "hill"):
        for kind in recipients.KINDS:
            held.hold(tenant, kind, secret(kind, tenant))
    return held


def stored(body: bytes, metadata: dict[str, str] | None = None, tenant: TenantId = NORTH, **told: object) -> Stored:
    """Return an object with the ticket's digest of its bytes as they are."""
    return Stored(body, metadata or {}, tenant, Digest(sha256(body).hexdigest()), **told)  # type: ignore[arg-type]


async def sealed(name: str, held: MemoryKeys, plain: bytes = PLAIN, tenant: TenantId = NORTH) -> Stored:
    """Return an object in a container."""
    return stored(*await BY_NAME[name].seal(plain, tenant, held), tenant=tenant)
