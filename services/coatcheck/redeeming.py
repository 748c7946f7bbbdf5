"""Redeems a ticket: fetch the pinned version, verify size and digest, decrypt, and hand over to the conversion."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from services.coatcheck.containers.flows import KEPT, Flow
from services.coatcheck.containers.limits import Limits
from services.coatcheck.conversion import Delivery, open_deliveries
from trialbridge.contracts.errors import NOT_AS_DESCRIBED, Place, Refused
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import SourceId
from trialbridge.emr.csv.mapping import FeedMapping
from trialbridge.runtime.objects.naming import split_uri
from trialbridge.runtime.ports import KeyService, ObjectInfo, ObjectStore
from trialbridge.vault.containers.model import Stored
from trialbridge.vault.containers.s3 import wants_instructions
from trialbridge.vault.containers.table import open_bundle

AT_ONCE: Final = 1
"""Bundles converted at the same time: conversion needs the interpreter to itself and holds a bundle in memory."""
INSTRUCTIONS: Final = ".instruction"
"""Ends the key of an object's instruction file, as the S3 encryption client names it."""
INSTRUCTIONS_LIMIT: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Redeemer:
    """Opens bundles."""

    objects: ObjectStore
    keys: KeyService
    limits: Limits = field(default_factory=Limits)
    max_object: int = 512 * 1024 * 1024
    """Bytes of the largest bundle that is fetched."""
    max_faults: int = 1000
    mappings: Mapping[SourceId, FeedMapping] = field(default_factory=dict)
    """Of the feeds that have one."""
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def redeem(self, ticket: TicketIssued) -> "AsyncGenerator[Delivery, None] | None":
        """Return what the ticket's bundle holds, a batch at a time, or None while the object is not there.

        Raises:
            Refused: ``object.*`` (not the one that was ticketed), ``envelope.*`` and ``key.*`` (does not open),
                ``container.*`` and ``bundle.*`` (cannot be unfolded or converted).
            Unavailable: the store or the key service is away.
        """
        info = await self.objects.head(ticket.object_uri, ticket.object_version)
        if info is None:
            return None
        return self._deliveries(ticket, info)

    async def _deliveries(self, ticket: TicketIssued, info: ObjectInfo) -> AsyncGenerator[Delivery, None]:
        async with self._turns:
            stored = await self._fetch(ticket, info)
            told = await self._instructions(ticket, info)
            most = min(self.limits.total_bytes, max(self.limits.ratio_from, self.limits.ratio * len(stored)))
            sealed = Stored(stored, info.metadata, ticket.tenant, ticket.sha256, told, most)
            plain = await open_bundle(sealed, self.keys)
            body: bytes | Flow = plain.whole() if plain.size <= KEPT else Flow(plain.pieces)
            del stored, sealed
            size = min(plain.size, ticket.size)
            mapping = self.mappings.get(ticket.source)
            names = self.keys.pseudonyms()
            found = open_deliveries(body, size, ticket, names, self.limits, self.max_faults, mapping)
            while (delivery := await asyncio.to_thread(next, found, None)) is not None:
                yield delivery

    async def _instructions(self, ticket: TicketIssued, info: ObjectInfo) -> Mapping[str, str]:
        """Return the content of the object's instruction file; empty where its metadata say enough, or there is none.

        The ticket does not pin it, and need not: what stands there is authenticated with the data key.
        """
        if not wants_instructions(info.metadata):
            return {}
        _, _, key = split_uri(ticket.object_uri + INSTRUCTIONS)
        async for one in self.objects.list(key):
            if one.uri == ticket.object_uri + INSTRUCTIONS:
                pieces = [
                    piece async for piece in self.objects.read(one.uri, one.version, max_bytes=INSTRUCTIONS_LIMIT)
                ]
                try:
                    return msgspec.json.decode(b"".join(pieces), type=dict[str, str])
                except NOT_AS_DESCRIBED:
                    raise Refused(
                        "envelope.broken",
                        "The instruction file is not a JSON object of strings.",
                        Place(field="instructions"),
                    ) from None
        return {}

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
