"""Distinct id types, and the pure functions that derive an id from its cause.

Every derived id is ``<prefix>_`` followed by the first 128 bits of a SHA-256 in lower-case hex. The hash runs over the
parts as netstrings (``<length>:<bytes>,``), so that no two lists of parts share an encoding. The same cause gives
the same id on every machine and in every replay. Ids that stand for identifiers of people are keyed besides (`Pseudonyms`).
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NewType

NetworkId = NewType("NetworkId", str)
"""A group of practices that agreed to share one view per patient."""
TenantId = NewType("TenantId", str)
"""An organisation that signs in: a practice, a laboratory, or the operator."""
SourceId = NewType("SourceId", str)
"""A feed of records: one system at one tenant, for example ``north-clinic/ehr``."""
LocalPatientId = NewType("LocalPatientId", str)
"""The patient's identifier inside one source."""
SourcePatientKey = NewType("SourcePatientKey", str)
"""Network, source and local patient id in one key; the partition key of source records."""
PatientId = NewType("PatientId", str)
"""One person within one network, across all sources."""
TicketId = NewType("TicketId", str)
RecordId = NewType("RecordId", str)
"""All records of one patient from one bundle or message."""
EventId = NewType("EventId", str)
TrialId = NewType("TrialId", str)
ArmCode = NewType("ArmCode", str)
DoseCode = NewType("DoseCode", str)
MatchId = NewType("MatchId", str)
Digest = NewType("Digest", str)
"""A SHA-256 in lower-case hex (64 characters)."""


def digest(data: bytes) -> Digest:
    """Return the SHA-256 of ``data`` in lower-case hex."""
    return Digest(hashlib.sha256(data).hexdigest())


def derive(prefix: str, parts: Iterable[str]) -> str:
    """Return ``prefix_`` plus 32 hex digits that depend on every part and on the order of the parts."""
    return f"{prefix}_{hashlib.sha256(_netstrings(parts)).hexdigest()[:32]}"


def _netstrings(parts: Iterable[str]) -> bytes:
    given = tuple(parts)
    text = "".join([f"{len(part)}:{part}," for part in given])
    if text.isascii():
        return text.encode()
    return b"".join([b"%d:%b," % (len(raw), raw) for raw in [part.encode() for part in given]])


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Derives the ids that stand for people's identifiers, keyed (RFC 2104 HMAC-SHA-256).

    Identifiers are few enough to be tried out one by one; without the key, an id tells nobody which one it stands for.
    """

    key: bytes = field(repr=False)

    def source_patient(self, network: NetworkId, source: SourceId, local: LocalPatientId) -> SourcePatientKey:
        """Return the partition key of a source patient: ``spk_…`` of network, source and local id."""
        return SourcePatientKey(self._derive("spk", (network, source, local)))

    def patient(self, network: NetworkId, anchor: str) -> PatientId:
        """Return the person's id from the network and the anchor that identity resolution chose (an identifier or a source key)."""
        return PatientId(self._derive("pat", (network, anchor)))

    def identifier(self, network: NetworkId, name: str) -> str:
        """Return the table key of an identifier: ``idf_…``."""
        return self._derive("idf", (network, name))

    def local_code(self, network: NetworkId, source: SourceId, code: Iterable[str]) -> str:
        """Return the id of a feed's local code: ``lcd_…``; its parts may be free text that somebody wrote."""
        return self._derive("lcd", (network, source, *code))

    def _derive(self, prefix: str, parts: Iterable[str]) -> str:
        return f"{prefix}_{hmac.digest(self.key, _netstrings(parts), hashlib.sha256).hex()[:32]}"


def ticket_id(tenant: TenantId, object_uri: str, object_version: str) -> TicketId:
    """Return the ticket's id: the same pinned object of the same tenant is always the same ticket."""
    return TicketId(derive("tkt", (tenant, object_uri, object_version)))


def record_id(ticket: TicketId, key: SourcePatientKey, part: int) -> RecordId:
    """Return the id of one patient's records out of one ticket; ``part`` counts from 0 when they needed several messages."""
    return RecordId(derive("rec", (ticket, key, str(part))))


def event_id(topic: str, cause: str, key: str) -> EventId:
    """Return the id of an event: a pure function of the topic, of the cause that made it and of the key it is about."""
    return EventId(derive("evt", (topic, cause, key)))


def match_id(
    network: NetworkId, patient: PatientId, trial: TrialId, arm: ArmCode | None, dose: DoseCode | None
) -> MatchId:
    """Return the id of a match for its whole life: one patient against one trial, arm and dose level.

    What the match says at a moment (criteria version, evidence, verdicts) is named by the digest of its explanation.
    """
    return MatchId(derive("mat", (network, patient, trial, arm or "", dose or "")))


def feed_id(network: NetworkId, source: SourceId) -> str:
    """Return the id of a feed: ``fed_…``; what is decided or counted per feed is keyed by it."""
    return derive("fed", (network, source))
