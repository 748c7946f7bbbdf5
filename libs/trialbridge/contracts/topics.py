"""The closed registry of topics. Docs, ``infra/kafka/topics.yaml`` and the AsyncAPI document are generated from it."""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from trialbridge.contracts import events as e

P = TypeVar("P", bound=e.Payload)

KIB = 1024
MESSAGE_LIMIT = 900 * KIB
"""No message is larger than this, sealed and framed; a larger record travels in parts (ADR 0003)."""
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Topic(Generic[P]):
    """One topic: what its messages are, who writes and reads them, and how long they stay."""

    name: str
    key: str
    """What the partition is computed from (murmur2 of the key, as Kafka's default partitioner)."""
    payload: type[P]
    version: int
    writers: tuple[str, ...]
    """Services. The coat check also writes what it replays of dead letters, to the topic that each came from."""
    readers: tuple[str, ...]
    sealed: bool
    """True where values are encrypted under the network's data key."""
    about: str
    spread: Literal["keyed", "broadcast"] = "keyed"
    """``broadcast``: each record is written once to every partition."""
    retention_ms: int | None = 14 * DAY_MS
    """None: compacted, kept for good."""

    @property
    def type(self) -> str:
        """Return the CloudEvents type of the payload, for example ``trialbridge.emr_tickets.v1``."""
        return f"trialbridge.{self.name}.v{self.version}"

    @property
    def compacted(self) -> bool:
        """Return whether only the newest record of each key is kept."""
        return self.retention_ms is None


EMR_TICKETS = Topic(
    "emr_tickets",
    "ticket id",
    e.TicketIssued,
    1,
    ("coatcheck",),
    ("coatcheck",),
    False,
    "A claim ticket for an encrypted bundle in object storage.",
)
EMR_RECORDS = Topic(
    "emr_records",
    "network + source + local patient id",
    e.RecordsReceived,
    1,
    ("coatcheck", "gateway"),
    ("patientview",),
    True,
    "All records of one patient from one bundle or message, as FHIR R4, with provenance.",
)
PATIENT_DEMOGRAPHICS = Topic(
    "patient_demographics",
    "network",
    e.DemographicsSeen,
    1,
    ("patientview",),
    ("patientview",),
    True,
    "New or changed identifying data, sent to the one writer of links of a network.",
)
PATIENT_LINKS = Topic(
    "patient_links",
    "network + source + local patient id",
    e.PatientLinked,
    1,
    ("patientview",),
    ("patientview",),
    True,
    "A source record belongs to a person.",
)
PATIENT_CONTRIBUTIONS = Topic(
    "patient_contributions",
    "patient id",
    e.FactsContributed,
    1,
    ("patientview",),
    ("patientview",),
    True,
    "What one source knows of one person now.",
)
PATIENT_VIEWS = Topic(
    "patient_views",
    "patient id",
    e.PatientViewChanged,
    1,
    ("patientview",),
    ("matcher",),
    True,
    "A new version of a person's view: facts, changed kinds, evidence references.",
    retention_ms=None,
)
TRIAL_CRITERIA = Topic(
    "trial_criteria",
    "trial id",
    e.TrialPublished,
    1,
    ("trialfeed",),
    ("matcher", "matchbook"),
    False,
    "A trial's compiled criteria version, arms, sites and status.",
    spread="broadcast",
    retention_ms=None,
)
REGULATORY_STATUS = Topic(
    "regulatory_status",
    "trial id",
    e.RegulatoryStatusSet,
    1,
    ("trialfeed",),
    ("matchbook",),
    False,
    "Approvals, holds and site activations with their effective time.",
    spread="broadcast",
    retention_ms=None,
)
CALENDAR_DAYS = Topic(
    "calendar_days",
    "the word day",
    e.DayBegan,
    1,
    ("trialfeed",),
    ("matcher",),
    False,
    "The date on which verdicts are evaluated from now on.",
    spread="broadcast",
    retention_ms=None,
)
TRIAL_MATCHES = Topic(
    "trial_matches",
    "patient id",
    e.MatchChanged,
    1,
    ("matcher",),
    ("matchbook",),
    True,
    "A match's life as the engine sees it: proposed, changed, withdrawn, with verdict and evidence per criterion.",
)
MATCH_REVIEWS = Topic(
    "match_reviews",
    "patient id",
    e.MatchReviewed,
    1,
    ("matchbook",),
    ("matchbook",),
    True,
    "A named person's decision on a match whose trial asks for review.",
)
APPROVED_PATIENTS = Topic(
    "approved_patients",
    "patient id",
    e.ApprovalDecided,
    1,
    ("matchbook",),
    ("notifier",),
    True,
    "A match that passed every gate, or the withdrawal of one.",
)
LINEAGE = Topic(
    "lineage",
    "event trace id",
    e.LineageRecorded,
    1,
    ("every stage",),
    ("matchbook",),
    False,
    "What each stage did to an event; never PHI.",
)
AUDIT = Topic(
    "audit",
    "actor",
    e.AuditRecorded,
    1,
    ("coatcheck", "patientview", "trialfeed", "matchbook", "notifier"),
    ("matchbook",),
    True,
    "Which service did, or refused, what someone had asked for. (What people see is recorded in the document store.)",
    retention_ms=2_190 * DAY_MS,
)
DEAD_LETTERS = Topic(
    "dead_letters",
    "origin topic + key",
    e.DeadLettered,
    1,
    ("every stage",),
    ("matchbook",),
    True,
    "What could not be processed, with a stable reason code, its origin and its payload.",
    retention_ms=90 * DAY_MS,
)
LOCAL_CODES_SEEN = Topic(
    "local_codes_seen",
    "network + source",
    e.LocalCodesSeen,
    1,
    ("patientview",),
    ("patientview",),
    True,
    "Which local codes one source patient's records hold now, sent to the one counter of a feed.",
)
CODE_MAPPINGS = Topic(
    "code_mappings",
    "local code id",
    e.CodeMapped,
    1,
    ("patientview",),
    ("patientview",),
    True,
    "What a feed's local code means from now on, as a person decided.",
    spread="broadcast",
    retention_ms=None,
)
PATIENT_RECODINGS = Topic(
    "patient_recodings",
    "network + source + local patient id",
    e.PatientRecoded,
    1,
    ("patientview",),
    ("patientview",),
    False,
    "A mapping changed that a source patient's records depend on: its facts are extracted again.",
)
FEED_COVERAGE = Topic(
    "feed_coverage",
    "network + source",
    e.FeedConverted,
    1,
    ("coatcheck", "gateway"),
    ("matchbook",),
    False,
    "What a conversion mapped, kept and dropped of a delivery: counts by place, never content.",
)

ALL: tuple[Topic[e.Payload], ...] = (  # type: ignore[assignment]  # Topic is invariant; the registry only reads
    EMR_TICKETS,
    EMR_RECORDS,
    PATIENT_DEMOGRAPHICS,
    PATIENT_LINKS,
    PATIENT_CONTRIBUTIONS,
    PATIENT_VIEWS,
    TRIAL_CRITERIA,
    REGULATORY_STATUS,
    CALENDAR_DAYS,
    TRIAL_MATCHES,
    MATCH_REVIEWS,
    APPROVED_PATIENTS,
    LINEAGE,
    AUDIT,
    DEAD_LETTERS,
    LOCAL_CODES_SEEN,
    CODE_MAPPINGS,
    PATIENT_RECODINGS,
    FEED_COVERAGE,
)
BY_NAME: dict[str, Topic[e.Payload]] = {topic.name: topic for topic in ALL}
