"""What travels in topics: immutable, versioned payloads, named in the past tense.

One message holds a batch of records of one partition (see `contracts.topics`); each record wraps one payload of this module.
Times are RFC 3339 strings in UTC unless a field says that it is a FHIR partial date. Fields typed `msgspec.Raw` are JSON that
the carriers pass on unread; the docstring names the type that their readers decode.

A payload only ever gains optional fields. Anything else is a new version with its own type and an upcaster.
"""

from typing import Literal

import msgspec

from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import (
    ArmCode,
    Digest,
    DoseCode,
    EventId,
    LocalPatientId,
    MatchId,
    NetworkId,
    PatientId,
    RecordId,
    SourceId,
    SourcePatientKey,
    TenantId,
    TicketId,
    TrialId,
)


class Payload(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """Base of all payloads."""


class TicketIssued(Payload, frozen=True, kw_only=True):
    """A claim ticket for one immutable object in storage (topic emr_tickets)."""

    ticket: TicketId
    network: NetworkId
    tenant: TenantId
    source: SourceId
    object_uri: str
    """``s3://bucket/key`` or ``file:///…``, without the version."""
    object_version: str
    size: int
    """Bytes of the object as stored (encrypted)."""
    sha256: Digest
    """Of the object as stored."""
    media_type: str
    """Of the innermost content, for example ``application/fhir+ndjson`` or ``x-application/hl7-v2+er7``; containers are detected."""
    created: str
    expires: str
    key_ref: str = ""
    """The wrapping key that the sender says was used; empty where the envelope names it."""
    issue: int = 1
    """Counts re-issues (replay); the ticket's id stays."""


class Merge(msgspec.Struct, frozen=True, gc=False):
    """A source says that ``retired`` is the same patient as ``survivor`` (HL7 v2 A40)."""

    survivor: LocalPatientId
    retired: LocalPatientId
    at: str


class Identifier(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A patient identifier as the source gives it."""

    system: str
    value: str
    type: str = ""
    """HL7 table 0203 code: MR, NI, SS, MB …"""


class RecordsReceived(Payload, frozen=True, kw_only=True):
    """All records of one patient out of one bundle or message, or a part of them (topic emr_records)."""

    record: RecordId
    network: NetworkId
    tenant: TenantId
    source: SourceId
    local_patient: LocalPatientId
    key: SourcePatientKey
    ticket: TicketId
    bundle_sha256: Digest
    received: str
    """The ticket's creation: the delivery's business time, the same in every replay."""
    resources: msgspec.Raw
    """JSON array of FHIR R4 resources; references among them stay inside the part or resolve by id."""
    identifiers: tuple[Identifier, ...] = ()
    merges: tuple[Merge, ...] = ()
    tables: str = ""
    """Versions of converter and mapping tables, for replay."""


class DemographicsSeen(Payload, frozen=True, kw_only=True):
    """A source patient's identifying data is new or changed (topic patient_demographics, one writer per network)."""

    network: NetworkId
    key: SourcePatientKey
    source: SourceId
    local_patient: LocalPatientId
    seq: int
    """Grows with each change of this source patient."""
    identifiers: tuple[Identifier, ...] = ()
    birth_date: str = ""
    """Partial date; empty where none is recorded."""
    sex: str = ""
    """FHIR administrative gender; empty where none is recorded."""
    merged_into: SourcePatientKey | None = None


class PatientLinked(Payload, frozen=True, kw_only=True):
    """A source record belongs to a person (topic patient_links)."""

    network: NetworkId
    key: SourcePatientKey
    patient: PatientId
    previous: PatientId | None = None
    seq: int
    """Grows with each change of this source patient's link."""
    score: float = 1.0
    reasons: tuple[str, ...] = ()
    """Stable words, never values: ``identifier:MR``, ``merge``, ``alone``, ``held:MR``, ``shared:PI``, ``conflict:NI``."""


class FactsContributed(Payload, frozen=True, kw_only=True):
    """What one source knows of one person now; replaces what it contributed before (topic patient_contributions)."""

    network: NetworkId
    patient: PatientId
    key: SourcePatientKey
    tenant: TenantId
    source: SourceId
    seq: int
    """Grows with each change of this source patient, across moves between persons."""
    removed: bool = False
    """True when the source record moved to another person: the contribution is taken out."""
    facts: msgspec.Raw = msgspec.Raw(b"[]")
    """JSON of ``tuple[AnyFact, ...]`` (criteria.facts)."""
    display: msgspec.Raw = msgspec.Raw(b"{}")
    """JSON of `Display`."""
    records: tuple[RecordId, ...] = ()
    as_of: str = ""
    """Newest ``received`` among the records."""


class Display(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """How people recognise the patient; PHI, shown to the practices that already hold it."""

    name: str = ""
    birth_date: str = ""
    sex: str = ""
    local_ids: dict[str, str] = {}
    """Local patient id (MRN) by tenant."""


class SourceFreshness(msgspec.Struct, frozen=True, gc=False):
    """When a source last said something about the patient."""

    source: SourceId
    tenant: TenantId
    received: str


class PatientViewChanged(Payload, frozen=True, kw_only=True):
    """A new version of a person's view (topic patient_views, compacted)."""

    network: NetworkId
    patient: PatientId
    version: int
    """Grows by one with each change of content; carries no meaning beyond order."""
    digest: Digest
    """Of the canonical facts: the same records in any order give the same digest."""
    tenants: tuple[TenantId, ...] = ()
    """Practices that hold the patient, sorted."""
    facts: msgspec.Raw = msgspec.Raw(b"[]")
    """JSON of ``tuple[AnyFact, ...]`` (criteria.facts), in canonical order."""
    changed: tuple[str, ...] = ()
    """Fact kinds that differ from the previous version, sorted."""
    display: msgspec.Raw = msgspec.Raw(b"{}")
    """JSON of `Display`."""
    sources: tuple[SourceFreshness, ...] = ()
    records: tuple[RecordId, ...] = ()
    removed: bool = False
    """True when no source contributes any more (all moved to another person)."""


class Site(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A place where a trial recruits."""

    id: str
    name: str = ""
    status: Literal["recruiting", "not_yet_recruiting", "suspended", "closed"] = "recruiting"
    country: str = ""
    region: str = ""
    latitude: float | None = None
    longitude: float | None = None
    """Degrees, north and east positive; criteria on the distance to a site need them."""


class TrialPublished(Payload, frozen=True, kw_only=True):
    """A trial's new version (topic trial_criteria, broadcast to every partition, compacted)."""

    trial: TrialId
    version: int
    digest: Digest
    """Of the canonical definition."""
    lab: TenantId
    title: str
    status: Literal["open", "suspended", "closed"]
    definition: msgspec.Raw
    """JSON of the normalised trial (criteria.trials), arms, dose levels and criteria."""
    sites: tuple[Site, ...] = ()
    review: bool = False
    """True where the lab wants a named person to approve each match."""
    phase: str = ""
    drugs: tuple[str, ...] = ()
    effective: str = ""


class RegulatoryStatusSet(Payload, frozen=True, kw_only=True):
    """An approval, a hold or a site activation (topic regulatory_status, broadcast, compacted)."""

    trial: TrialId
    seq: int
    """Grows with each statement about this trial."""
    approved: bool
    """An ethics or competent authority's approval is in force."""
    hold: bool = False
    hold_reason: str = ""
    authority: str = ""
    sites: dict[str, Literal["active", "inactive"]] = {}
    """Site activation by site id; a site not named here is as its trial says."""
    effective: str = ""


class DayBegan(Payload, frozen=True, kw_only=True):
    """The date on which verdicts are evaluated from now on (topic calendar_days, broadcast)."""

    date: str
    """ISO date."""
    zone: str = "UTC"


class Change(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One line of "why now": a criterion whose verdict differs from the previous explanation."""

    path: str
    before: str
    after: str
    reason: str = ""


class MatchChanged(Payload, frozen=True, kw_only=True):
    """A match was proposed, changed or withdrawn by the engine (topic trial_matches)."""

    match: MatchId
    network: NetworkId
    patient: PatientId
    tenants: tuple[TenantId, ...]
    trial: TrialId
    arm: ArmCode | None = None
    dose: DoseCode | None = None
    seq: int
    """Grows with each change of this match."""
    event: Literal["proposed", "changed", "withdrawn"]
    outcome: Literal["eligible", "potentially", "not_eligible"]
    explanation: msgspec.Raw
    """JSON of `criteria.verdicts.Explanation`."""
    explanation_digest: Digest
    trial_version: int
    trial_digest: Digest
    view_version: int
    view_digest: Digest
    as_of: str
    """ISO date of the evaluation."""
    why_now: tuple[Change, ...] = ()
    cause: str = ""
    """What made the engine look again: patient, trial, time."""
    consent: Literal["permit", "deny", "unknown"] = "unknown"
    records: tuple[RecordId, ...] = ()


class Gate(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One gate between an eligible match and its approval."""

    name: Literal["clinical", "regulatory", "consent", "site", "trial", "review"]
    open: bool
    reason: str
    by: str = ""
    """Who or what decided: an authority, a site id, an actor."""


class MatchReviewed(Payload, frozen=True, kw_only=True):
    """A named person's decision on a match, where a trial asks for review (topic match_reviews)."""

    match: MatchId
    network: NetworkId
    patient: PatientId
    decision: Literal["approve", "decline", "reopen"]
    actor: str
    explanation_digest: Digest
    """What the person saw; a decision on an older explanation does not count."""
    at: str
    note: str = ""
    """Sealed with the message; may hold what people write."""
    command: str = ""


class ApprovalDecided(Payload, frozen=True, kw_only=True):
    """A match passed every gate, or an approved match was withdrawn (topic approved_patients)."""

    match: MatchId
    network: NetworkId
    patient: PatientId
    tenants: tuple[TenantId, ...]
    trial: TrialId
    arm: ArmCode | None = None
    dose: DoseCode | None = None
    seq: int
    """Grows with each decision on this match."""
    decision: Literal["approved", "withdrawn"]
    gates: tuple[Gate, ...]
    explanation_digest: Digest
    trial_title: str = ""
    trial_version: int
    view_digest: Digest
    as_of: str
    reasons: tuple[str, ...] = ()
    """Plain sentences without PHI: criteria met, or why it was withdrawn."""
    why_now: tuple[Change, ...] = ()


class LineageRecorded(Payload, frozen=True, kw_only=True):
    """What a stage did to an event (topic lineage). Never PHI."""

    trace: str
    stage: str
    event: EventId
    topic: str
    outcome: Literal["done", "retried", "dead-lettered"]
    subject: str = ""
    """An opaque id: ticket, record, patient, match."""
    emitted: int = 0
    warnings: dict[str, int] = {}
    """Count by stable code."""
    at: str = ""


class AuditRecorded(Payload, frozen=True, kw_only=True):
    """Who saw or did what, when and why (topic audit)."""

    id: str
    actor: str
    tenant: TenantId
    role: str
    action: str
    """From the closed list in `ledger.actions`: ``source:subject:action``."""
    subject: str
    at: str
    outcome: Literal["success", "denied", "failure"] = "success"
    reason: str = ""
    request: str = ""


class DeadLettered(Payload, frozen=True, kw_only=True):
    """What could not be processed (topic dead_letters)."""

    id: str
    """Derived from origin, code and place: the same failure again, after a replay as well, is the same entry."""
    stage: str
    topic: str
    partition: int
    offset: int
    key: str
    event: EventId
    code: str
    message: str
    place: Place = Place()
    tenant: TenantId = TenantId("")
    ticket: TicketId | None = None
    first_seen: str = ""
    payload: bytes = b""
    """The record as it was (JSON); the whole message is sealed as its topic's registry entry says."""
    payload_type: str = ""
    traceparent: str = ""


class LocalCodeHeld(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A code of a feed's own in one source patient's records; its words may be free text."""

    code: str
    """The id of the local code (`Pseudonyms.local_code`)."""
    kind: str
    count: int
    """Resources that hold it."""
    system: str = ""
    value: str = ""
    display: str = ""
    unit: str = ""


class LocalCodesSeen(Payload, frozen=True, kw_only=True):
    """Which local codes a source patient's records hold now; replaces what was said before (topic local_codes_seen)."""

    network: NetworkId
    tenant: TenantId
    source: SourceId
    key: SourcePatientKey
    seq: int
    """Grows with each change of this source patient."""
    codes: tuple[LocalCodeHeld, ...] = ()


class CodeMapped(Payload, frozen=True, kw_only=True):
    """What a feed's local code means from now on, as a person decided (topic code_mappings, broadcast, compacted)."""

    network: NetworkId
    tenant: TenantId
    source: SourceId
    code: str
    version: int
    """Of the feed's table with this decision."""
    since: int = 0
    """Version of the table in which the standing decision was made; an undo brings an older one back. 0 where none stands."""
    system: str = ""
    """Of the standard code, as a word (`emr.localcodes.codes.SYSTEMS`); empty where no mapping is accepted."""
    value: str = ""
    display: str = ""


class PatientRecoded(Payload, frozen=True, kw_only=True):
    """A mapping that a source patient's records depend on has changed (topic patient_recodings)."""

    network: NetworkId
    key: SourcePatientKey


class CoverageRow(msgspec.Struct, frozen=True, gc=False, order=True):
    """How many populated source leaves of one place went the same way."""

    format: str
    section: str
    """Segment, section or resource type of the source."""
    fate: Literal["mapped", "kept", "dropped", "unaccounted"]
    reason: str
    """Why it was dropped; empty otherwise."""
    count: int


class FeedConverted(Payload, frozen=True, kw_only=True):
    """What a conversion mapped, kept and dropped of a delivery; replaces what was said of it before (topic feed_coverage)."""

    network: NetworkId
    tenant: TenantId
    source: SourceId
    delivery: str
    """The ticket's id, or what else stands for what was converted."""
    issue: int
    """Grows with each conversion of the same delivery."""
    day: str
    """ISO date of the delivery's business time."""
    rows: tuple[CoverageRow, ...] = ()
