"""The desk where reviews come in: checks them against the match as it stands, and publishes decisions."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from trialbridge.contracts.documents import MATCHES, CommandDoc, MatchDoc
from trialbridge.contracts.errors import NOT_AS_DESCRIBED, Place, Refused
from trialbridge.contracts.events import MatchReviewed
from trialbridge.contracts.ids import Digest, MatchId, NetworkId, PatientId
from trialbridge.contracts.topics import MATCH_REVIEWS
from trialbridge.runtime.commands import Answer, Carrier
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.ports import DocumentStore


class ReviewAsked(msgspec.Struct, frozen=True):
    """The body of a ``review_match`` command."""

    match: MatchId
    decision: Literal["approve", "decline", "reopen"]
    explanation_digest: Digest
    """What the person saw."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """Carries out the commands to the matchbook."""

    documents: DocumentStore

    def kinds(self) -> dict[str, Carrier]:
        """Return what the desk does, by kind of command."""
        return {"review_match": self.review_match}

    async def review_match(self, command: CommandDoc, emitter: Emitter) -> Answer:
        """Publish a decision on a match as it stands; raise `Refused` ``review.…``. A repeat publishes the same event."""
        review = await self._review(command)
        await emitter.publish(MATCH_REVIEWS, review.patient, review, review.network, command.id)
        return Answer()

    async def _review(self, command: CommandDoc) -> MatchReviewed:
        try:
            asked = msgspec.json.decode(command.body, type=ReviewAsked)
        except NOT_AS_DESCRIBED:
            raise Refused(
                "review.malformed", "Give match, decision (approve, decline, reopen) and explanation_digest."
            ) from None
        match = _reviewable(await self.documents.get(MATCHES, asked.match), asked, command.tenant)
        return MatchReviewed(
            match=asked.match,
            network=NetworkId(match.network),
            patient=PatientId(match.patient),
            decision=asked.decision,
            actor=command.actor,
            explanation_digest=asked.explanation_digest,
            at=command.requested,
            note=asked.note,
            command=command.id,
        )


def _reviewable(match: MatchDoc | None, asked: ReviewAsked, tenant: str) -> MatchDoc:
    """Return the match where it may be reviewed so, by this tenant; raise `Refused` ``review.…`` where not."""
    if match is None or tenant not in match.tenants:
        raise Refused("review.unknown-match", "There is no such match.", Place(field="match"))
    if not any(gate.name == "review" for gate in match.gates):
        raise Refused("review.not-asked", "The trial does not ask for a review of its matches.", Place(field="match"))
    if asked.explanation_digest != match.explanation_digest:
        raise Refused(
            "review.outdated",
            "The match has changed since it was looked at; look again and decide anew.",
            Place(field="explanation_digest"),
        )
    return match
