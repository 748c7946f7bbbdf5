"""What the coat check is measured on: bundles of synthetic FHIR of any size, and the least that anyone must do with their bytes."""

import re
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import orjson

from trialbridge.contracts.ids import TenantId
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.testkit.packing import ndjson
from trialbridge.testkit.world import make_world
from trialbridge.vault import recipients
from trialbridge.vault.containers.model import Stored
from trialbridge.vault.containers.table import open_bundle

TENANT: Final = TenantId("north")
PATIENTS: Final = 200
"""People of one block; a larger bundle repeats the block under other ids."""
MEGABYTE: Final = 1_000_000
_IDS: Final = re.compile(rb'("id":"|"reference":"[A-Za-z]+/)')


def blocks(megabytes: float) -> Iterator[bytes]:
    """Yield NDJSON of about so many megabytes (10**6 bytes), whole lines, a few of them at a time."""
    world = make_world(patients=PATIENTS)
    block = ndjson(resource for each in world.deliveries for resource in each.resources)
    left, copy = int(megabytes * MEGABYTE), 0
    while left > 0:
        copy += 1
        renamed = _IDS.sub(rb"\1b%d-" % copy, block)
        end = len(renamed) if len(renamed) <= left else renamed.rfind(b"\n", 0, max(left, 4096)) + 1
        yield renamed[:end]
        left -= max(end, 1)


def gzipped_blocks(megabytes: float) -> tuple[bytes, int]:
    """Return gzip of such NDJSON, made in little memory, and the number of its bytes."""
    squeeze, out, total = zlib.compressobj(6, zlib.DEFLATED, 31), bytearray(), 0
    for block in blocks(megabytes):
        total += len(block)
        out += squeeze.compress(block)
    out += squeeze.flush()
    return bytes(out), total


def keys() -> MemoryKeys:
    """Return a key service in which one tenant has a private key of each kind."""
    held = MemoryKeys(TENANT)
    for kind in recipients.KINDS:
        held.hold(TENANT, kind, recipients.make(kind, TENANT, datetime(2026, 6, 1, tzinfo=UTC)))
    return held


async def least_seconds(stored: Stored, held: MemoryKeys) -> float:
    """Return the processor seconds of decryption, gunzip and orjson alone on a bundle's bytes."""
    start = time.process_time()
    plain = await open_bundle(stored, held)
    inflate, rest = zlib.decompressobj(31), b""
    for piece in plain.pieces():
        lines = (rest + inflate.decompress(piece)).split(b"\n")
        rest = lines.pop()
        for line in lines:
            orjson.loads(line)
    return time.process_time() - start
