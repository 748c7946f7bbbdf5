"""What the stage remembers: source patients, the members of each network, and what contributes to each person."""

import msgspec

from trialbridge.contracts.events import Display, FactsContributed, Identifier
from trialbridge.contracts.ids import (
    Digest,
    LocalPatientId,
    NetworkId,
    PatientId,
    RecordId,
    SourceId,
    SourcePatientKey,
    TenantId,
)
from trialbridge.criteria.facts import AnyFact
from trialbridge.people.identity import Link
from trialbridge.people.members import Member
from trialbridge.runtime.effects import TableSpec


class Stamp(msgspec.Struct, frozen=True, order=True, array_like=True):
    """The age of a statement: comparable, and the same whatever came first."""

    time: str = ""
    """``meta.lastUpdated``, else when the delivery was received, as a sortable instant."""
    record: RecordId = RecordId("")
    content: str = ""
    """Digest of the content: settles what one delivery says twice."""


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest version of one resource; no facts where it was retracted or says nothing that matters here."""

    stamp: Stamp
    facts: tuple[AnyFact, ...] = ()


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest statement of who the source patient is."""

    stamp: Stamp = Stamp()
    identifiers: tuple[Identifier, ...] = ()
    display: Display = Display()


class SourcePatient(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that one source has said of one of its patients. One value each; the runtime splits what is large."""

    network: NetworkId
    tenant: TenantId = TenantId("")
    source: SourceId = SourceId("")
    local_patient: LocalPatientId = LocalPatientId("")
    resources: dict[str, Kept] = {}
    """By FHIR reference."""
    resource_identity: Identity = Identity()
    """Out of the Patient resource."""
    message_identity: Identity = Identity()
    """Out of the delivery itself (PID-3)."""
    as_of: str = ""
    demographics_seq: int = 0
    seq: int = 0
    """Of the contribution."""
    person: PatientId | None = None
    link_seq: int = 0
    past: tuple[PatientId, ...] = ()
    """Persons that this source patient belonged to before."""


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member of a network, its link, and whose links its statements have ever touched (to re-send them on a repeat)."""

    member: Member
    seq: int = -1
    """Of the newest demographics; -1 where only a merge named it."""
    link: Link | None = None
    link_seq: int = 0
    touched: tuple[SourcePatientKey, ...] = ()


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person's view as last sent; the contributions lie beside it."""

    keys: tuple[SourcePatientKey, ...] = ()
    """Every source patient that contributes or once did, sorted."""
    version: int = 0
    content: Digest = Digest("")
    """Of everything the view says, beyond its facts."""
    kinds: dict[str, Digest] = {}
    """One digest per kind of fact."""
    changed: tuple[str, ...] = ()


SOURCE_PATIENTS = TableSpec("source_patients", SourcePatient)
"""By source patient key."""
MEMBERS = TableSpec("members", Known)
"""By source patient key, in the partition of the network's one writer."""
HOLDERS = TableSpec("holders", tuple[SourcePatientKey, ...])
"""Sorted holders of a strong identifier, by a hash of network and identifier."""
PERSONS = TableSpec("persons", Person)
"""By patient id."""
CONTRIBUTIONS = TableSpec("contributions", FactsContributed)
"""By patient id and source patient key."""

ALL = (SOURCE_PATIENTS, MEMBERS, HOLDERS, PERSONS, CONTRIBUTIONS)
