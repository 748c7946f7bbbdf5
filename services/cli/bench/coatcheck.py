"""``python -m services.cli.bench.coatcheck [megabytes] [container]``: the coat check end to end: speed per core, and memory."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from math import inf
from typing import Any, Final

import orjson

from services.cli.bench.machine import in_a_process
from services.coatcheck.handlers import Handlers
from services.coatcheck.redeeming import Redeemer
from services.coatcheck.tickets import make_ticket
from trialbridge.contracts.documents import TICKETS, TicketDoc
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import EventId, NetworkId, SourceId, digest
from trialbridge.contracts.topics import EMR_RECORDS, EMR_TICKETS
from trialbridge.emr.convert import convert
from trialbridge.emr.records import Entry, Feed
from trialbridge.emr.sniff import NDJSON
from trialbridge.runtime.effects import Received
from trialbridge.runtime.ports import ObjectInfo
from trialbridge.runtime.stage.lane import Lane, Links, Outgoing, Spot
from trialbridge.testkit.coatcheck_bench import MEGABYTE, TENANT, gzipped_blocks, keys, least_seconds
from trialbridge.testkit.fakes import MemoryDocuments, MemoryObjects
from trialbridge.testkit.memory import peak_megabytes
from trialbridge.vault.containers.model import Stored
from trialbridge.vault.containers.table import BY_NAME
from trialbridge.vault.seal import Sealer

MEGABYTES: Final = 30
NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
NETWORK: Final = NetworkId("default")
FEED: Final = Feed(NETWORK, TENANT, SourceId("north/ehr"), "2026-05-31T20:00:00Z")


class Discarded(MemoryDocuments):
    """Documents of which only tickets are kept: the others would be memory that is not the coat check's."""

    async def upsert(self, collection: Any, docs: Sequence[Any]) -> int:
        """Keep tickets."""
        return await super().upsert(collection, docs) if collection is TICKETS else len(docs)


class Dropped:
    """A log that takes everything and keeps nothing (implements `lane.Sender`)."""

    async def send(
        self, topic: str, partition: int, key: bytes, value: bytes | None, headers: Mapping[str, bytes]
    ) -> Awaitable[object]:
        """Drop one message."""
        del topic, partition, key, value, headers
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def durable(self, sent: Iterable[Awaitable[object]]) -> None:
        """Return at once."""
        del sent

    async def write(self, runs: Mapping[Spot, Sequence[Outgoing]]) -> None:
        """Drop messages."""
        del runs


def measure(megabytes: float = MEGABYTES, container: str = "s3-v2") -> dict[str, Any]:
    """Return bytes, seconds of the processor, megabytes per second, the ratio to the least work, and the largest size in memory.

    From the stored object to sealed records in the log, all by the service's own handler; the log itself drops them.
    """
    return in_a_process(measure_here, megabytes, container)


def measure_here(megabytes: float, container: str) -> dict[str, Any]:
    """Return the figures of this process."""
    return asyncio.run(_measure(megabytes, container))


async def _measure(megabytes: float, container: str) -> dict[str, Any]:
    held = keys()
    plain, size = gzipped_blocks(megabytes)
    body, metadata = await BY_NAME[container].seal(plain, TENANT, held)
    del plain
    objects, documents = MemoryObjects(), Discarded()
    ticket = _ticket(await objects.put("bundle", body, metadata), body)
    lane = Lane(Links("coatcheck", 4, Dropped(), documents, Sealer(held), lambda: NOW), 0)
    lane.begin(_received(ticket))
    list(
        convert([Entry("1", NDJSON, b'{"resourceType":"Patient","id":"p"}')], FEED).patients
    )  # a service reads its tables once
    start = time.process_time()
    handlers = Handlers(Redeemer(objects, held), documents, lambda: NOW)
    await handlers.redeem_ticket(_received(ticket), lane)
    records = lane.emitted[EMR_RECORDS.name]
    await lane.flush()
    seconds = time.process_time() - start
    peak = peak_megabytes()
    least = await least_seconds(Stored(body, metadata, TENANT, ticket.sha256), held)
    doc = await documents.get(TICKETS, ticket.ticket)
    return _figures(container, size, len(body), records, doc) | {
        "seconds": round(seconds, 3),
        "mb_per_second": round(size / MEGABYTE / seconds, 1),
        "least_seconds": round(least, 3),
        "times_the_least": round(seconds / least, 1),
        "peak_mb": peak,
    }


def _figures(container: str, size: int, stored: int, records: int, doc: TicketDoc | None) -> dict[str, Any]:
    status, resources, patients = (doc.status, doc.resources, doc.patients) if doc else ("", 0, 0)
    return {
        "container": container, "bytes": size, "stored_bytes": stored, "status": status, "patients": patients,
        "resources": resources, "records": records,
    }  # fmt: skip


def _received(ticket: TicketIssued) -> Received[TicketIssued]:
    return Received(EventId("e"), ticket.ticket, ticket, NETWORK, EMR_TICKETS.name, 0, 0, "0" * 31 + "1")


def _ticket(info: ObjectInfo, body: bytes) -> TicketIssued:
    return make_ticket(
        info, digest(body), network=NETWORK, tenant=TENANT, source=SourceId("north/ehr"), media_type=NDJSON,
        created="2026-05-31T20:00:00Z", expires="2026-06-08T00:00:00Z",
    )  # fmt: skip


def asked(given: Sequence[str]) -> tuple[float, str]:
    """Return megabytes and container out of the words of a command line; raise `SystemExit` that says what they may be."""
    size, container, *more = (*given, *(str(MEGABYTES), "s3-v2")[len(given) :])
    if container not in BY_NAME:
        raise SystemExit(f"There is no container {container}. There are: {', '.join(sorted(BY_NAME))}.")
    try:
        megabytes = float(size)
    except ValueError:
        megabytes = 0.0
    if more or not 0 < megabytes < inf:
        raise SystemExit("Usage: python -m services.cli.bench.coatcheck [megabytes] [container]")
    return megabytes, container


def main() -> None:
    """Write one line of JSON."""
    sys.stdout.buffer.write(orjson.dumps(measure_here(*asked(sys.argv[1:]))) + b"\n")


if __name__ == "__main__":
    main()
