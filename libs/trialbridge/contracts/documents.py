"""The documents kept in the document store: the read side that portal, auditors and operators see.

Every document has an ``id`` and a ``version``; a write with a version that is not newer changes nothing, so repeats are
harmless. A collection names its indexes and which fields are sealed at rest (encrypted under the network's data key).
"""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import msgspec

from trialbridge.contracts.errors import Place
from trialbridge.contracts.events import AuditRecorded, Change, CoverageRow, Gate, SourceFreshness


class Document(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Base of all documents."""

    id: str
    version: int
    network: str = ""
    """Whose data key seals the sealed fields; empty for documents without PHI."""


class TicketDoc(Document, frozen=True, kw_only=True):
    """A ticket's life."""

    tenant: str
    source: str
    object_uri: str
    object_version: str
    sha256: str
    size: int
    status: Literal["issued", "waiting", "redeemed", "refused", "expired", "orphaned"]
    issued: str
    updated: str
    code: str = ""
    message: str = ""
    place: Place = Place()
    attempts: int = 0
    patients: int = 0
    resources: int = 0
    set_aside: int = 0
    """Single records put into dead_letters while the rest went on."""
    media_type: str = ""
    created: str = ""
    """The delivery's business time, as the ticket says."""
    expires: str = ""
    key_ref: str = ""
    issue: int = 0
    """Newest issue that this document speaks of; 0 for an object that nobody ticketed."""
    account: msgspec.Raw = msgspec.Raw(b"{}")
    """What the conversion mapped, kept and dropped: counts by name, never content."""
    warnings: dict[str, int] = {}
    """Count by stable code."""


class RecordDoc(Document, frozen=True, kw_only=True):
    """One patient's delivery: the auditor's way from evidence to bundle."""

    ticket: str
    tenant: str
    source: str
    bundle_sha256: str
    object_uri: str
    object_version: str
    entries: tuple[str, ...] = ()
    resources: int = 0
    received: str = ""


class PatientDoc(Document, frozen=True, kw_only=True):
    """A person as their practices see them. Sealed: display, facts, survivors."""

    tenants: tuple[str, ...]
    digest: str
    display: msgspec.Raw = msgspec.Raw(b"{}")
    facts: msgspec.Raw = msgspec.Raw(b"[]")
    survivors: msgspec.Raw = msgspec.Raw(b"[]")
    """Winner and losers of each single-valued attribute (JSON of `people.survivorship.Survivor`)."""
    sources: tuple[SourceFreshness, ...] = ()
    records: tuple[str, ...] = ()
    removed: bool = False


class TrialDoc(Document, frozen=True, kw_only=True):
    """A registered trial."""

    lab: str
    title: str
    status: str
    digest: str
    definition: msgspec.Raw
    phase: str = ""
    drugs: tuple[str, ...] = ()
    sites: msgspec.Raw = msgspec.Raw(b"[]")
    review: bool = False
    effective: str = ""
    diagnostics: msgspec.Raw = msgspec.Raw(b"[]")


class RegulatoryDoc(Document, frozen=True, kw_only=True):
    """The regulatory status of a trial now; the id is the trial's."""

    approved: bool
    hold: bool
    hold_reason: str = ""
    authority: str = ""
    sites: dict[str, str] = {}
    effective: str = ""


MatchStatus = Literal["potentially", "held", "awaiting_review", "approved", "withdrawn", "closed"]
"""potentially: something is unknown, or fails now and may turn; held: eligible, a gate is closed; closed: no longer proposed,
never approved.
"""


class MatchDoc(Document, frozen=True, kw_only=True):
    """A match as it stands. Sealed: explanation."""

    tenants: tuple[str, ...]
    patient: str
    trial: str
    trial_title: str
    lab: str
    arm: str = ""
    dose: str = ""
    status: MatchStatus
    outcome: str
    gates: tuple[Gate, ...] = ()
    explanation: msgspec.Raw = msgspec.Raw(b"{}")
    explanation_digest: str = ""
    why_now: tuple[Change, ...] = ()
    cause: str = ""
    missing: int = 0
    """Number of unknowns that would settle it."""
    trial_version: int = 0
    trial_digest: str = ""
    view_version: int = 0
    view_digest: str = ""
    as_of: str = ""
    records: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    changed: str = ""
    """When the status last changed (processing time, for people)."""


class MatchEventDoc(Document, frozen=True, kw_only=True):
    """One step in a match's life; never overwritten. Sealed: explanation."""

    match: str
    tenants: tuple[str, ...]
    patient: str
    trial: str
    seq: int
    status: str
    outcome: str
    gates: tuple[Gate, ...] = ()
    explanation: msgspec.Raw = msgspec.Raw(b"{}")
    explanation_digest: str = ""
    why_now: tuple[Change, ...] = ()
    cause: str = ""
    trial_version: int = 0
    trial_digest: str = ""
    view_version: int = 0
    view_digest: str = ""
    as_of: str = ""
    records: tuple[str, ...] = ()
    at: str = ""


class NotificationDoc(Document, frozen=True, kw_only=True):
    """An entry in a practice's in-app inbox."""

    tenant: str
    kind: Literal["approved", "withdrawn"]
    match: str
    patient: str
    trial: str
    title: str
    reasons: tuple[str, ...] = ()
    created: str = ""
    read: bool = False


class DeliveryDoc(Document, frozen=True, kw_only=True):
    """A webhook's delivery log; the id is the webhook-id."""

    tenant: str
    endpoint: str
    notification: str
    status: Literal["pending", "delivered", "failed", "disabled"]
    attempts: int = 0
    last_code: int = 0
    last_error: str = ""
    next_at: str = ""
    body: str = ""
    """The thin payload as sent: ids only."""


class DeadLetterDoc(Document, frozen=True, kw_only=True):
    """A record or ticket set aside. Sealed: payload."""

    stage: str
    topic: str
    partition: int
    offset: int
    key: str
    code: str
    message: str
    place: Place = Place()
    tenant: str = ""
    ticket: str = ""
    first_seen: str = ""
    failures: int = 1
    """How often it failed: once, and once more after each replay that did not help."""
    event: str = ""
    """The record that failed; its replay is the same event again."""
    status: Literal["open", "replayed", "discarded"] = "open"
    reason: str = ""
    """Why it was discarded."""
    payload: bytes = b""
    payload_type: str = ""


class StageDoc(Document, frozen=True, kw_only=True):
    """A stage's counters for the operator's page, written by the stage's own heartbeat."""

    stage: str
    worker: str
    state: Literal["starting", "ready", "waiting", "stopped"]
    processed: int = 0
    emitted: int = 0
    dead_lettered: int = 0
    retried: int = 0
    lag: int = 0
    seconds: float = 0.0
    """How long batches took, summed over partitions (which overlap)."""
    updated: str = ""


class AuditDoc(Document, frozen=True, kw_only=True):
    """One audit event, as recorded."""

    actor: str
    tenant: str
    action: str
    subject: str
    at: str
    event: AuditRecorded


class CommandDoc(Document, frozen=True, kw_only=True):
    """What a person asked for through the portal; the stage named in ``to`` carries it out. Sealed: body.

    Version 1 is the request; the stage writes version 2 with the result. The id is the Idempotency-Key or derived.
    """

    to: Literal["trialfeed", "matchbook", "notifier", "coatcheck", "patientview"]
    kind: str
    """trialfeed: register_trial, set_trial_status, set_regulatory; matchbook: review_match; coatcheck: issue_ticket,
    replay, discard; notifier: redeliver; patientview: review_codes.
    """
    tenant: str
    actor: str
    body: msgspec.Raw
    status: Literal["requested", "done", "refused"] = "requested"
    code: str = ""
    message: str = ""
    requested: str = ""
    result: msgspec.Raw = msgspec.Raw(b"{}")


class WorklistMarkDoc(Document, frozen=True, kw_only=True):
    """What a practice's coordinator set for a match; the id is match id + tenant. The portal's own."""

    tenant: str
    match: str
    mark: Literal["new", "pending", "flagged", "not_eligible", "enrolled", "contacted", "eligible", "deferred"]
    previous: str = ""
    """For undo."""
    by: str = ""
    at: str = ""


class SessionDoc(Document, frozen=True, kw_only=True):
    """A signed-in session; the id is the SHA-256 of the cookie's token. The portal's own."""

    actor: str
    tenant: str
    role: str
    created: str
    seen: str
    csrf: str


class LocalCodeDoc(Document, frozen=True, kw_only=True):
    """A code of a feed's own, and how many of its patients' records hold it. Sealed: said."""

    tenant: str
    source: str
    kind: str
    patients: int
    """Source patients whose records hold it now."""
    count: int
    """Resources that hold it now."""
    said: msgspec.Raw = msgspec.Raw(b"{}")
    """JSON of `emr.localcodes.codes.LocalCode`: as the source writes it, capped; may be free text."""


class CodeTableDoc(Document, frozen=True, kw_only=True):
    """A feed's table of local codes, as people decided; the version is the table's. Sealed: entries, last."""

    tenant: str
    source: str
    digest: str
    """Of the mappings in force: the same mappings have the same digest, whatever the way to them."""
    accepted: int
    entries: msgspec.Raw = msgspec.Raw(b"{}")
    """JSON of ``dict[str, emr.localcodes.book.Entry]`` by the local code's id."""
    last: msgspec.Raw = msgspec.Raw(b"[]")
    """JSON of ``tuple[emr.localcodes.book.Change, ...]``: what this version changed."""


class CodeChangeDoc(Document, frozen=True, kw_only=True):
    """One step in the history of a feed's table; never overwritten. Sealed: said, before, after, note."""

    tenant: str
    source: str
    code: str
    """The local code's id."""
    kind: str
    action: Literal["accept", "reject", "undo"]
    number: int
    """Version of the table that it made."""
    actor: str
    at: str
    command: str = ""
    said: msgspec.Raw = msgspec.Raw(b"{}")
    before: msgspec.Raw = msgspec.Raw(b"null")
    """JSON of ``emr.localcodes.book.Standing | None``."""
    after: msgspec.Raw = msgspec.Raw(b"null")
    note: str = ""


class CoverageDoc(Document, frozen=True, kw_only=True):
    """What became of the populated source leaves of one feed on one day."""

    tenant: str
    source: str
    day: str
    deliveries: int
    rows: tuple[CoverageRow, ...] = ()
    """Summed over the day's deliveries, sorted."""


class SettingDoc(Document, frozen=True, kw_only=True):
    """A small piece of state of the demo driver or of an operator (``id`` names it)."""

    value: str


D = TypeVar("D", bound=Document)


@dataclass(frozen=True, slots=True)
class Collection(Generic[D]):
    """One collection: its document type, its indexes and its sealed fields."""

    name: str
    doc: type[D]
    indexes: tuple[tuple[str, ...], ...] = ()
    """Each a compound index, in order; a leading ``-`` means descending."""
    sealed: tuple[str, ...] = ()


TICKETS = Collection("tickets", TicketDoc, (("status", "-updated"), ("tenant", "-updated"), ("object_uri",)))
RECORDS = Collection("records", RecordDoc, (("ticket",),))
PATIENTS = Collection("patients", PatientDoc, (("tenants",),), ("display", "facts", "survivors"))
TRIALS = Collection("trials", TrialDoc, (("lab",),))
REGULATORY = Collection("regulatory", RegulatoryDoc)
MATCHES = Collection(
    "matches",
    MatchDoc,
    (("tenants", "status", "-changed"), ("trial", "status"), ("patient",), ("status", "-changed")),
    ("explanation", "why_now"),
)
MATCH_EVENTS = Collection("match_events", MatchEventDoc, (("match", "seq"), ("patient",)), ("explanation", "why_now"))
NOTIFICATIONS = Collection("notifications", NotificationDoc, (("tenant", "-created"), ("match",)))
DELIVERIES = Collection("deliveries", DeliveryDoc, (("status", "next_at"), ("notification",)))
DEAD_LETTERS = Collection(
    "dead_letters", DeadLetterDoc, (("status", "-first_seen"), ("code",), ("ticket",)), ("payload",)
)
STAGES = Collection("stages", StageDoc)
AUDITS = Collection("audits", AuditDoc, (("-at",), ("subject", "-at"), ("actor", "-at")))
COMMANDS = Collection("commands", CommandDoc, (("to", "status"), ("tenant", "-requested")), ("body",))
WORKLIST_MARKS = Collection("worklist_marks", WorklistMarkDoc, (("tenant", "match"),))
SESSIONS = Collection("sessions", SessionDoc, (("actor",),))
SETTINGS = Collection("settings", SettingDoc)
LOCAL_CODES = Collection(
    "local_codes", LocalCodeDoc, (("tenant", "-patients"), ("source", "-patients"), ("-patients",)), ("said",)
)
CODE_TABLES = Collection("code_tables", CodeTableDoc, (("tenant",),), ("entries", "last"))
CODE_CHANGES = Collection(
    "code_changes",
    CodeChangeDoc,
    (("code", "-number"), ("tenant", "-at"), ("source", "-at"), ("command",)),
    ("said", "before", "after", "note"),
)
COVERAGE = Collection("coverage", CoverageDoc, (("-day",), ("tenant", "-day"), ("source", "-day")))

ALL: tuple[Collection[Document], ...] = (  # type: ignore[assignment]  # Collection is invariant; the registry only reads
    TICKETS,
    RECORDS,
    PATIENTS,
    TRIALS,
    REGULATORY,
    MATCHES,
    MATCH_EVENTS,
    NOTIFICATIONS,
    DELIVERIES,
    DEAD_LETTERS,
    STAGES,
    AUDITS,
    COMMANDS,
    WORKLIST_MARKS,
    SESSIONS,
    SETTINGS,
    LOCAL_CODES,
    CODE_TABLES,
    CODE_CHANGES,
    COVERAGE,
)
