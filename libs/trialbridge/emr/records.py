"""What goes into a conversion and what comes out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trialbridge.contracts.errors import Poison
from trialbridge.contracts.events import Identifier, Merge
from trialbridge.contracts.ids import LocalPatientId, NetworkId, SourceId, TenantId

Resource = dict[str, Any]
"""A FHIR R4 resource as plain values; decimals are `Decimal` and keep their digits."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Whose records these are, and when they were delivered (RFC 3339)."""

    network: NetworkId
    tenant: TenantId
    source: SourceId
    received: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One file out of a bundle, decrypted and decompressed."""

    name: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class SetAside:
    """One bad record: the others go on."""

    error: Poison
    payload: bytes
    payload_type: str


@dataclass(frozen=True, slots=True)
class PatientRecords:
    """All records of one patient out of one bundle."""

    local_patient: LocalPatientId
    resources: tuple[Resource, ...]
    identifiers: tuple[Identifier, ...] = ()
    merges: tuple[Merge, ...] = ()
    entries: tuple[str, ...] = ()
    """Names of the entries that they come from."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What a converter found about one patient in one place."""

    local_patient: LocalPatientId
    resources: tuple[Resource, ...]
    identifiers: tuple[Identifier, ...] = ()
    merges: tuple[Merge, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversion:
    """A whole bundle, converted."""

    patients: tuple[PatientRecords, ...]
    """By local patient id."""
    set_aside: tuple[SetAside, ...]
    warnings: Mapping[str, int] = field(default_factory=dict)
    account: Mapping[str, Any] = field(default_factory=dict)


Converter = Callable[[Entry, Feed, "Warnings"], Iterator[Piece | SetAside]]
"""One for each format: reads an entry and yields what is about each patient, and what was set aside."""


class Warnings:
    """Counts what is worth a look, by stable code."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.counts: dict[str, int] = {}

    def note(self, code: str) -> None:
        """Count one."""
        self.counts[code] = self.counts.get(code, 0) + 1
