"""From a bundle's plaintext to one delivery for each patient: unfold, convert, group, split. No I/O: runs beside the loop."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from services.coatcheck.batches import CUT, UncutError, batched, cut
from services.coatcheck.containers.flows import Flow
from services.coatcheck.containers.limits import Limits
from services.coatcheck.containers.unpack import OCTETS, Companion, Found, Large, Spoiled, unpack
from trialbridge.contracts.documents import RecordDoc
from trialbridge.contracts.errors import Place, Poison, Refused
from trialbridge.contracts.events import RecordsReceived, TicketIssued
from trialbridge.contracts.ids import LocalPatientId, Pseudonyms, record_id
from trialbridge.emr.convert import TABLES, convert
from trialbridge.emr.coverage import coverage
from trialbridge.emr.csv.mapping import FeedMapping
from trialbridge.emr.fhir.medications import with_medication
from trialbridge.emr.jsontext import decode, encode
from trialbridge.emr.records import Entry, Feed, PatientRecords, Resource, SetAside

PART_BYTES: Final = 512 * 1024
"""JSON of one part of a patient's resources; what is larger is split further on its way (ADR 0003)."""
KEPT_BYTES: Final = 1024 * 1024
"""Largest bad record kept with its dead letter; the bundle stays in the coat check anyway."""
MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".json": "application/fhir+json",
    ".ndjson": "application/fhir+ndjson",
    ".jsonl": "application/fhir+ndjson",
    ".xml": "application/xml",
    ".csv": "text/csv",
    ".tsv": "text/csv",
    ".vcf": "text/vcf",
    ".maf": "text/maf",
    ".hl7": "x-application/hl7-v2+er7",
    ".er7": "x-application/hl7-v2+er7",
}
"""By the endings of file names inside archives; any other file is what the ticket says."""


COMPANION: Final = "bundle.companion-file"
"""Counts files that a package of documents has beside them."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came out of a bundle, or of a batch of its entries: large bundles come in several."""

    records: tuple[RecordsReceived, ...]
    documents: tuple[RecordDoc, ...]
    patients: int
    """Of whom no batch before had anything."""
    resources: int
    set_aside: tuple[SetAside, ...]
    warnings: Mapping[str, int] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)


def open_deliveries(
    plain: bytes | Flow,
    size: int,
    ticket: TicketIssued,
    pseudonyms: Pseudonyms,
    limits: Limits,
    max_faults: int,
    mapping: FeedMapping | None = None,
) -> Iterator[Delivery]:
    """Yield the deliveries in a bundle, at least one: the same bytes, ticket and tables give the same ones.

    Args:
        plain: The bundle's plaintext, of ``size`` bytes.
        size: What the caps are measured by.
        ticket: Whose it is.
        pseudonyms: Derive the keys of patients.
        limits: How far it may unfold.
        max_faults: How many single records may be bad.
        mapping: The feed's own columns, words, samples and panels.

    Raises:
        Refused: ``container.*`` where it cannot be unfolded, ``bundle.too-many-faults``; both may come after deliveries.
    """
    run = _Run(ticket, pseudonyms, mapping)
    faults = 0
    for batch in batched(run.entries(unpack(plain, limits, size))):
        found = run.delivery(batch)
        faults += len(found.set_aside)
        if faults > max_faults:
            raise Refused(
                "bundle.too-many-faults", f"More than {max_faults} records are bad; nothing more of it was taken."
            )
        yield found


class _Run:
    """What one bundle's batches have in common."""

    def __init__(self, ticket: TicketIssued, pseudonyms: Pseudonyms, mapping: FeedMapping | None) -> None:
        """Begin at the first."""
        self._ticket = ticket
        self._pseudonyms = pseudonyms
        self._feed = Feed(ticket.network, ticket.tenant, ticket.source, ticket.created, mapping=mapping)
        self._tables = f"{TABLES} {mapping.stamp()}" if mapping is not None else TABLES
        self._spoiled: list[SetAside] = []
        self._companions = 0
        self._parts: dict[LocalPatientId, int] = {}
        """How many parts each patient has had."""
        self._lines: dict[str, int] = {}
        """How many lines or messages of each entry were cut off before."""
        self._medications: dict[str, Resource] = {}
        """Those of earlier batches, that later ones may refer to."""

    def entries(self, found: Iterator[Found]) -> Iterator[Entry]:
        """Yield what is to be converted, and note what spoiled."""
        for one in found:
            if isinstance(one, Spoiled):
                self._spoiled.append(SetAside(one.error, one.payload, OCTETS))
            elif isinstance(one, Companion):
                self._companions += 1
            elif isinstance(one, Large):
                try:
                    yield from cut(one, self._type(one.suffix))
                except UncutError:
                    error = Refused(
                        "container.entry-too-large",
                        "An entry of this type is too large; split it.",
                        Place(entry=one.entry),
                    )
                    self._spoiled.append(SetAside(error, b"", OCTETS))
            else:
                yield Entry(one.entry, self._type(one.suffix), one.body)

    def _type(self, suffix: str) -> str:
        return MEDIA_TYPES.get(suffix, self._ticket.media_type)

    def delivery(self, batch: list[Entry]) -> Delivery:
        """Return what a batch becomes."""
        conversion = convert(batch, self._feed, as_texts=True)
        set_aside = tuple(
            _located(one, self._ticket) for one in (*self._spoiled, *map(self._shifted, conversion.set_aside))
        )
        self._spoiled = []
        warnings = dict(conversion.warnings)
        if self._companions:
            warnings[COMPANION], self._companions = self._companions, 0
        before = len(self._parts)
        rows = [row for patient in conversion.patients for row in self._rows(self._completed(patient))]
        for entry in batch:
            self._lines[entry.name] = self._lines.get(entry.name, 0) + _count(entry)
        self._medications |= {
            f"Medication/{one['id']}": one for one in conversion.shared if one["resourceType"] == "Medication"
        }
        return Delivery(
            tuple(record for record, _ in rows),
            tuple(doc for _, doc in rows),
            len(self._parts) - before,
            sum(doc.resources for _, doc in rows),
            set_aside,
            warnings,
            {**conversion.account, "coverage": coverage(conversion.leaves)},
        )

    def _shifted(self, one: SetAside) -> SetAside:
        """Return a bad record with its place in the whole entry, where that was cut."""
        place = one.error.place
        before = self._lines.get(place.entry or "", 0)
        if not before or place.message is None:
            return one
        moved = msgspec.structs.replace(place, message=place.message + before)
        return SetAside(Poison(one.error.code, one.error.message, moved), one.payload, one.payload_type)

    def _completed(self, patient: PatientRecords) -> PatientRecords:
        """Return a patient's records with the medications that earlier batches told."""
        if not self._medications:
            return patient
        return dataclasses.replace(patient, texts=tuple(map(self._with_medication, patient.texts)))

    def _with_medication(self, text: bytes) -> bytes:
        if b'"medicationReference"' not in text:
            return text
        resource = decode(text, Place())
        found = with_medication(resource, self._medications)
        return text if found is resource else encode(found)

    def _rows(self, patient: PatientRecords) -> Iterator[tuple[RecordsReceived, RecordDoc]]:
        local = patient.local_patient
        for position, run in enumerate(_runs(patient)):
            number = self._parts.get(local, 0)
            self._parts[local] = number + 1
            # Once is enough: a merge is a statement about two patients, not about these resources.
            told = patient if position == 0 else dataclasses.replace(patient, merges=())
            record, document = _row(self._ticket, self._pseudonyms, told, number, run)
            yield msgspec.structs.replace(record, tables=self._tables), document


def _runs(patient: PatientRecords) -> Iterator[list[bytes]]:
    """Yield runs of a patient's resources of about `PART_BYTES` of JSON, written once (see `emr.split`)."""
    run: list[bytes] = []
    size = 0
    for text in patient.texts:
        if run and size + len(text) > PART_BYTES:
            yield run
            run, size = [], 0
        run.append(text)
        size += len(text)
    yield run


def _count(entry: Entry) -> int:
    """Return how many places of their own the records in a part of an entry have."""
    between = CUT.get(entry.media_type.split(";")[0].strip().lower())
    return 0 if between is None else len(between.findall(entry.body))


def _located(one: SetAside, ticket: TicketIssued) -> SetAside:
    """Return the bad record with the bundle in its place, and without its bytes where they are too many."""
    place = msgspec.structs.replace(one.error.place, bundle=ticket.object_uri)
    kept = one.payload if len(one.payload) <= KEPT_BYTES else b""
    return SetAside(Poison(one.error.code, one.error.message, place), kept, one.payload_type)


def _row(
    ticket: TicketIssued, pseudonyms: Pseudonyms, patient: PatientRecords, number: int, run: list[bytes]
) -> tuple[RecordsReceived, RecordDoc]:
    """Return one part of a patient's records, with its document."""
    key = pseudonyms.source_patient(ticket.network, ticket.source, patient.local_patient)
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
        resources=msgspec.Raw(b"[" + b",".join(run) + b"]"),
        identifiers=patient.identifiers,
        merges=patient.merges,
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
        resources=len(run),
        received=ticket.created,
    )
    return record, document


def joined(accounts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the account of a whole bundle out of its batches': counts are added, at every depth."""
    total: dict[str, Any] = {}
    for account in accounts:
        for name, value in account.items():
            before = total.get(name)
            if isinstance(value, Mapping):
                total[name] = joined((before or {}, value))
            elif isinstance(value, int) and isinstance(before, int):
                total[name] = before + value
            else:
                total[name] = value
    return total
