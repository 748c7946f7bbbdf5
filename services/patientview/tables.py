"""What the stage remembers: source patients, the members of each network, and what contributes to each person."""

from typing import Final

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
from trialbridge.emr.localcodes.codes import LocalCode, Target
from trialbridge.people.identity import Link
from trialbridge.people.members import Member
from trialbridge.runtime.effects import TableSpec


class Stamp(msgspec.Struct, frozen=True, gc=False, order=True, array_like=True):
    """The age of a statement: comparable, and the same whatever came first."""

    time: str = ""
    """``meta.lastUpdated``, else when the delivery was received, as a sortable instant."""
    record: RecordId = RecordId("")
    content: str = ""
    """Digest of the content: settles what one delivery says twice."""


class Kept(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The newest version of one resource; no facts where it was retracted or says nothing that matters here."""

    stamp: Stamp
    facts: tuple[AnyFact, ...] = ()
    codes: tuple[str, ...] = ()
    """Ids of the local codes in it, whatever is decided of them."""
    resource: str = ""
    """JSON of the resource as delivered, where it holds local codes: its facts are extracted again when their meaning changes."""


class Identity(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The newest statement of who the source patient is."""

    stamp: Stamp = Stamp()
    identifiers: tuple[Identifier, ...] = ()
    display: Display = Display()


class SourcePatient(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
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
    local_codes: dict[str, LocalCode] = {}
    """What the ids in `Kept.codes` stand for."""


class Known(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A member of a network, its link, and whose links its statements have ever touched (to re-send them on a repeat)."""

    member: Member
    seq: int = -1
    """Of the newest demographics; -1 where only a merge named it."""
    link: Link | None = None
    link_seq: int = 0
    touched: tuple[SourcePatientKey, ...] = ()


class Person(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A person's view as last sent; the contributions lie beside it."""

    keys: tuple[SourcePatientKey, ...] = ()
    """Every source patient that contributes or once did, sorted."""
    version: int = 0
    content: Digest = Digest("")
    """Of everything the view says, beyond its facts."""
    kinds: dict[str, Digest] = {}
    """One digest per kind of fact."""
    changed: tuple[str, ...] = ()


class Accepted(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a local code means now; without a target nothing is accepted of it."""

    version: int
    since: int = 0
    target: Target | None = None


class Holding(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Which local codes a source patient's records hold; 0 for one that they held before the last change."""

    seq: int = -1
    counts: dict[str, int] = {}


class Tally(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How often a local code is there in its feed."""

    tenant: TenantId
    source: SourceId
    code: LocalCode
    patients: int = 0
    count: int = 0
    version: int = 0


KEPT: Final = 512
"""Of each partition: what one delivery of a patient touches is touched again within moments, then seldom for days."""
SOURCE_PATIENTS = TableSpec("source_patients", SourcePatient, kept=KEPT)
"""By source patient key."""
MEMBERS = TableSpec("members", Known, kept=KEPT)
"""By source patient key, in the partition of the network's one writer."""
HOLDERS = TableSpec("holders", tuple[SourcePatientKey, ...], kept=KEPT)
"""Sorted holders of a strong identifier, by a hash of network and identifier."""
PERSONS = TableSpec("persons", Person, kept=KEPT)
"""By patient id."""
CONTRIBUTIONS = TableSpec("contributions", FactsContributed, kept=KEPT)
"""By patient id and source patient key."""
ACCEPTED = TableSpec("accepted_codes", Accepted)
"""By local code id, in every partition."""
CODED_PATIENTS = TableSpec("coded_patients", tuple[str, ...])
"""Local codes that a source patient's records ever held, by source patient key."""
HOLDINGS = TableSpec("code_holdings", Holding)
"""By source patient key, in the partition of the feed's one counter."""
TALLIES = TableSpec("code_tallies", Tally)
"""By local code id, in the partition of the feed's one counter."""

ALL = (
    SOURCE_PATIENTS, MEMBERS, HOLDERS, PERSONS, CONTRIBUTIONS, ACCEPTED, CODED_PATIENTS, HOLDINGS, TALLIES,
)  # fmt: skip
