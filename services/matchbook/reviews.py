"""The desk where reviews come in: polls for commands, checks them against the match as it stands, and publishes decisions."""

import asyncio
from dataclasses import dataclass
from typing import Literal

import msgspec

from trialbridge.contracts.documents import COMMANDS, MATCHES, CommandDoc, MatchDoc
from trialbridge.contracts.errors import NOT_AS_DESCRIBED, Place, Refused
from trialbridge.contracts.events import MatchReviewed
from trialbridge.contracts.ids import Digest, MatchId, NetworkId, PatientId
from trialbridge.contracts.topics import MATCH_REVIEWS
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query

KIND = "review_match"
_PAGE = 100


class ReviewAsked(msgspec.Struct, frozen=True):
    """The body of a ``review_match`` command."""

    match: MatchId
    decision: Literal["approve", "decline", "reopen"]
    explanation_digest: Digest
    """What the person saw."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """A background loop over the commands to the matchbook."""

    documents: DocumentStore
    interval: float
    """Seconds between two looks."""

    async def __call__(self, emitter: Emitter) -> None:
        """Look for commands until cancelled; raises `Unavailable` when store or log are away."""
        while True:
            await self.carry_out(emitter)
            await asyncio.sleep(self.interval)

    async def carry_out(self, emitter: Emitter) -> int:
        """Carry out all commands that wait, oldest first, and return how many there were."""
        asked = Query(where={"to": "matchbook", "status": "requested"}, sort="requested", limit=_PAGE)
        commands = await collect(self.documents, COMMANDS, asked)
        for command in commands:
            await self.documents.upsert(COMMANDS, [await self._answered(command, emitter)])
        return len(commands)

    async def _answered(self, command: CommandDoc, emitter: Emitter) -> CommandDoc:
        """Return the command's second version. Published first: a crash in between publishes the same decision again."""
        try:
            review = await self._review(command)
        except Refused as error:
            return msgspec.structs.replace(command, version=2, status="refused", code=error.code, message=error.message)
        await emitter.publish(MATCH_REVIEWS, review.patient, review, review.network, command.id)
        return msgspec.structs.replace(command, version=2, status="done")

    async def _review(self, command: CommandDoc) -> MatchReviewed:
        if command.kind != KIND:
            raise Refused("command.unknown-kind", f"The matchbook knows the command {KIND} only.", Place(field="kind"))
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
