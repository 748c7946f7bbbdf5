"""The use cases of the matchbook: what the engine, the labs, the authorities and the reviewers say decides how a match stands.

Whatever comes, the standing is worked out anew from all that the tables hold, so that repeats and other orders are harmless.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from services.matchbook.gates import check_trial, gates_of
from services.matchbook.papers import event_doc, match_doc
from services.matchbook.standing import Cause, Ground, step
from services.matchbook.tables import REGULATORY, REVIEWS, STANDINGS, TRIALS, Heard, Standing
from trialbridge.contracts.documents import MATCH_EVENTS, MATCHES
from trialbridge.contracts.events import MatchChanged, MatchReviewed, Payload, RegulatoryStatusSet, TrialPublished
from trialbridge.contracts.ids import MatchId, TrialId
from trialbridge.contracts.topics import APPROVED_PATIENTS
from trialbridge.people.survivorship import instant
from trialbridge.runtime.effects import Effects, Received

REVIEWS_KEPT = 8
_BREATH = 50


@dataclass(frozen=True, slots=True)
class Handlers:
    """The stage's handlers; ``now`` gives the processing time that people see, nothing else depends on it."""

    now: Callable[[], datetime]
    _of_trial: dict[int, dict[TrialId, set[MatchId]]] = field(default_factory=dict)
    """By partition: which matches a trial has. May name too many, never too few; made from the table when first needed."""

    def forget(self, partition: int) -> None:
        """Drop what was derived from a partition that goes elsewhere."""
        self._of_trial.pop(partition, None)

    async def take_match(self, record: Received[MatchChanged], effects: Effects) -> None:
        """Take in what the engine says of a match."""
        said = record.payload
        before = effects.table(STANDINGS).get(said.match)
        newest = said if before is None or before.match.seq < said.seq else before.match
        self._work_out(before, newest, self._cause(record, "engine"), effects)

    async def take_review(self, record: Received[MatchReviewed], effects: Effects) -> None:
        """Take in what a named person decided; kept even where the match it is about has not come yet."""
        given = record.payload
        table = effects.table(REVIEWS)
        held = table.get(given.match) or Heard()
        heard = Heard(_with(held.reviews, given))
        if heard != held:
            table.put(given.match, heard, given.network)
        before = effects.table(STANDINGS).get(given.match)
        if before is not None:
            self._work_out(before, before.match, self._cause(record, "review"), effects)

    async def take_trial(self, record: Received[TrialPublished], effects: Effects) -> None:
        """Take in a trial's version; every match of the trial is worked out anew."""
        trial = record.payload
        check_trial(trial)
        table = effects.table(TRIALS)
        known = table.get(trial.trial)
        if known is None or known.version < trial.version:
            table.put(trial.trial, trial)
        await self._revisit(trial.trial, self._cause(record, "trial"), effects)

    async def take_regulatory(self, record: Received[RegulatoryStatusSet], effects: Effects) -> None:
        """Take in an authority's statement; every match of the trial is worked out anew."""
        status = record.payload
        table = effects.table(REGULATORY)
        known = table.get(status.trial)
        if known is None or known.seq < status.seq:
            table.put(status.trial, status)
        await self._revisit(status.trial, self._cause(record, "regulatory"), effects)

    def _cause(self, record: Received[Payload], word: str) -> Cause:
        return Cause(record.id, word, self.now().isoformat())

    async def _revisit(self, trial: TrialId, cause: Cause, effects: Effects) -> None:
        """Work out the trial's matches; those that neither change nor changed by this very record say nothing."""
        table = effects.table(STANDINGS)
        for count, match in enumerate(sorted(self._matches_of(trial, effects))):
            before = table.get(match)
            if before is not None:
                self._work_out(before, before.match, cause, effects, quiet=True)
            if count % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)

    def _work_out(
        self, before: Standing | None, match: MatchChanged, cause: Cause, effects: Effects, *, quiet: bool = False
    ) -> None:
        trial = effects.table(TRIALS).get(match.trial)
        regulatory = effects.table(REGULATORY).get(match.trial)
        reviews = (effects.table(REVIEWS).get(match.match) or Heard()).reviews
        ground = Ground(match, trial, gates_of(match, trial, regulatory, reviews), reviews)
        after = step(before, ground, cause)
        if after is not before:
            effects.table(STANDINGS).put(match.match, after, match.network)
            if before is None:
                self._note(match, effects.partition)
        if not quiet or after.by == cause.event:
            _tell(after, effects, repeat=after is before)

    def _note(self, match: MatchChanged, partition: int) -> None:
        if partition in self._of_trial:
            self._of_trial[partition].setdefault(match.trial, set()).add(match.match)

    def _matches_of(self, trial: TrialId, effects: Effects) -> set[MatchId]:
        if effects.partition not in self._of_trial:
            found: dict[TrialId, set[MatchId]] = {}
            for match, standing in effects.table(STANDINGS).items():
                found.setdefault(standing.match.trial, set()).add(MatchId(match))
            self._of_trial[effects.partition] = found
        return self._of_trial[effects.partition].get(trial, set())


def _tell(standing: Standing, effects: Effects, *, repeat: bool) -> None:
    """Write the documents; send the step's decisions, and on a repeat the newest ones there are."""
    effects.save(MATCHES, match_doc(standing))
    effects.save(MATCH_EVENTS, event_doc(standing))
    if repeat or standing.decided == standing.version:
        for decision in standing.decisions:
            effects.emit(APPROVED_PATIENTS, decision.patient, decision, decision.network)


def _with(reviews: tuple[MatchReviewed, ...], given: MatchReviewed) -> tuple[MatchReviewed, ...]:
    """Return the newest review of each explanation, newest first, whatever the order in which they came."""
    newest: dict[str, MatchReviewed] = {}
    for review in sorted((*reviews, given), key=lambda one: (instant(one.at), one.command, one.actor, one.decision)):
        newest.pop(review.explanation_digest, None)
        newest[review.explanation_digest] = review
    return tuple(reversed(newest.values()))[:REVIEWS_KEPT]
