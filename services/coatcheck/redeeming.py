"""Redeems a ticket: fetch the pinned version, verify size and digest, decrypt, and hand over to the conversion."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Final

from services.coatcheck.containers.limits import Limits
from services.coatcheck.conversion import Delivery, open_delivery
from trialbridge.contracts.errors import Place, Refused
from trialbridge.contracts.events import TicketIssued
from trialbridge.runtime.ports import KeyService, ObjectInfo, ObjectStore
from trialbridge.vault.envelope import open_object

AT_ONCE: Final = 1
"""Bundles converted at the same time: conversion needs the interpreter to itself and holds a bundle in memory."""


@dataclass(frozen=True, slots=True)
class Redeemer:
    """Opens bundles."""

    objects: ObjectStore
    keys: KeyService
    limits: Limits = field(default_factory=Limits)
    max_object: int = 512 * 1024 * 1024
    """Bytes of the largest bundle that is fetched."""
    max_faults: int = 1000
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def redeem(self, ticket: TicketIssued) -> Delivery | None:
        """Return what the ticket's bundle holds, or None while the object is not there.

        Raises:
            Refused: ``object.*`` (not the one that was ticketed), ``envelope.*`` and ``key.*`` (does not open),
                ``container.*`` and ``bundle.*`` (cannot be unfolded or converted).
            Unavailable: the store or the key service is away.
        """
        info = await self.objects.head(ticket.object_uri, ticket.object_version)
        if info is None:
            return None
        async with self._turns:
            stored = await self._fetch(ticket, info)
            plain = await open_object(stored, info.metadata, self.keys, tenant=ticket.tenant)
            del stored
            return await asyncio.to_thread(
                open_delivery, plain, ticket, self.keys.pseudonyms(), self.limits, self.max_faults
            )

    async def _fetch(self, ticket: TicketIssued, info: ObjectInfo) -> bytes:
        """Return the stored bytes, which are those that were ticketed."""
        if max(ticket.size, info.size) > self.max_object:
            raise Refused("object.too-large", f"A bundle may have {self.max_object} bytes at most; split it.")
        if info.size != ticket.size:
            raise _not_the_one("size")
        body, hasher = bytearray(), hashlib.sha256()
        async for chunk in self.objects.read(ticket.object_uri, ticket.object_version, max_bytes=ticket.size):
            hasher.update(chunk)
            body += chunk
        if len(body) != ticket.size:
            raise _not_the_one("size")
        if hasher.hexdigest() != ticket.sha256:
            raise _not_the_one("sha256")
        return bytes(body)


def _not_the_one(field: str) -> Refused:
    return Refused(
        f"object.{field}-mismatch",
        f"The stored object is not the one that was ticketed: its {field} differs. Send it again under a new key.",
        Place(field=field),
    )
