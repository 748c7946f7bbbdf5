"""From a bundle's plaintext to one delivery for each patient: unfold, convert, group, split. No I/O: runs beside the loop."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from services.coatcheck.containers.limits import Limits
from services.coatcheck.containers.unpack import OCTETS, Spoiled, unpack
from trialbridge.contracts.documents import RecordDoc
from trialbridge.contracts.errors import Poison, Refused
from trialbridge.contracts.events import RecordsReceived, TicketIssued
from trialbridge.contracts.ids import Pseudonyms, record_id
from trialbridge.emr.convert import TABLES, convert
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Entry, Feed, PatientRecords, SetAside
from trialbridge.emr.split import split_records

PART_BYTES: Final = 512 * 1024
"""JSON of one part of a patient's resources; what is larger is split further on its way (ADR 0003)."""
KEPT_BYTES: Final = 1024 * 1024
"""Largest bad record kept with its dead letter; the bundle stays in the coat check anyway."""
MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".json": "application/fhir+json",
    ".ndjson": "application/fhir+ndjson",
    ".hl7": "x-application/hl7-v2+er7",
    ".er7": "x-application/hl7-v2+er7",
}
"""By the endings of file names inside archives; any other file is what the ticket says."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came out of a bundle."""

    records: tuple[RecordsReceived, ...]
    documents: tuple[RecordDoc, ...]
    patients: int
    resources: int
    set_aside: tuple[SetAside, ...]
    warnings: Mapping[str, int] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)


def open_delivery(
    plain: bytes, ticket: TicketIssued, pseudonyms: Pseudonyms, limits: Limits, max_faults: int
) -> Delivery:
    """Return the deliveries in a bundle: the same bytes, ticket and tables give the same result.

    Raises:
        Refused: ``container.*`` where it cannot be unfolded, ``bundle.too-many-faults``.
    """
    spoiled: list[SetAside] = []
    feed = Feed(ticket.network, ticket.tenant, ticket.source, ticket.created)
    conversion = convert(_entries(plain, ticket, limits, spoiled), feed)
    set_aside = tuple(_located(one, ticket) for one in (*spoiled, *conversion.set_aside))
    if len(set_aside) > max_faults:
        raise Refused("bundle.too-many-faults", f"More than {max_faults} records are bad; nothing of it was taken.")
    rows = [row for patient in conversion.patients for row in _parts(patient, ticket, pseudonyms)]
    return Delivery(
        tuple(record for record, _ in rows),
        tuple(doc for _, doc in rows),
        len(conversion.patients),
        sum(doc.resources for _, doc in rows),
        set_aside,
        conversion.warnings,
        conversion.account,
    )


def _entries(plain: bytes, ticket: TicketIssued, limits: Limits, spoiled: list[SetAside]) -> Iterator[Entry]:
    for one in unpack(plain, limits):
        if isinstance(one, Spoiled):
            spoiled.append(SetAside(one.error, one.payload, OCTETS))
        else:
            yield Entry(one.entry, MEDIA_TYPES.get(one.suffix, ticket.media_type), one.body)


def _located(one: SetAside, ticket: TicketIssued) -> SetAside:
    """Return the bad record with the bundle in its place, and without its bytes where they are too many."""
    place = msgspec.structs.replace(one.error.place, bundle=ticket.object_uri)
    kept = one.payload if len(one.payload) <= KEPT_BYTES else b""
    return SetAside(Poison(one.error.code, one.error.message, place), kept, one.payload_type)


def _parts(
    patient: PatientRecords, ticket: TicketIssued, pseudonyms: Pseudonyms
) -> Iterator[tuple[RecordsReceived, RecordDoc]]:
    key = pseudonyms.source_patient(ticket.network, ticket.source, patient.local_patient)
    for number, resources in enumerate(split_records(patient, PART_BYTES)):
        identity = record_id(ticket.ticket, key, number)
        record = RecordsReceived(
            record=identity,
            network=ticket.network,
            tenant=ticket.tenant,
            source=ticket.source,
            local_patient=patient.local_patient,
            key=key,
            ticket=ticket.ticket,
            bundle_sha256=ticket.sha256,
            received=ticket.created,
            resources=msgspec.Raw(encode(list(resources))),
            identifiers=patient.identifiers,
            # Once is enough: a merge is a statement about two patients, not about these resources.
            merges=patient.merges if number == 0 else (),
            tables=TABLES,
        )
        document = RecordDoc(
            id=identity,
            version=ticket.issue,
            network=ticket.network,
            ticket=ticket.ticket,
            tenant=ticket.tenant,
            source=ticket.source,
            bundle_sha256=ticket.sha256,
            object_uri=ticket.object_uri,
            object_version=ticket.object_version,
            entries=patient.entries,
            resources=len(resources),
            received=ticket.created,
        )
        yield record, document
