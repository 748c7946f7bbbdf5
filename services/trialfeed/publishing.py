"""What goes out of the trial feed: events that are pure functions of what is stored, so sending them again is a repeat."""

from typing import Final, Literal, cast

import msgspec

from trialbridge.contracts.documents import REGULATORY, TRIALS, RegulatoryDoc, TrialDoc
from trialbridge.contracts.events import RegulatoryStatusSet, Site, TrialPublished
from trialbridge.contracts.ids import Digest, NetworkId, TenantId, TrialId
from trialbridge.contracts.topics import REGULATORY_STATUS, TRIAL_CRITERIA
from trialbridge.runtime.effects import Emitter
from trialbridge.runtime.paging import every
from trialbridge.runtime.ports import DocumentStore, Query

NO_NETWORK: Final = NetworkId("")
"""Trials and what authorities say of them belong to no network."""


def published(doc: TrialDoc) -> TrialPublished:
    """Return the event of a trial's stored version."""
    return TrialPublished(
        trial=TrialId(doc.id),
        version=doc.version,
        digest=Digest(doc.digest),
        lab=TenantId(doc.lab),
        title=doc.title,
        status=cast("Literal['open', 'suspended', 'closed']", doc.status),
        definition=doc.definition,
        sites=msgspec.json.decode(doc.sites, type=tuple[Site, ...]),
        review=doc.review,
        phase=doc.phase,
        drugs=doc.drugs,
        effective=doc.effective,
    )


def stated(doc: RegulatoryDoc) -> RegulatoryStatusSet:
    """Return the event of a stored statement."""
    return RegulatoryStatusSet(
        trial=TrialId(doc.id),
        seq=doc.version,
        approved=doc.approved,
        hold=doc.hold,
        hold_reason=doc.hold_reason,
        authority=doc.authority,
        sites=cast("dict[str, Literal['active', 'inactive']]", doc.sites),
        effective=doc.effective,
    )


async def publish_trial(doc: TrialDoc, emitter: Emitter) -> None:
    """Send a trial's stored version."""
    await emitter.publish(TRIAL_CRITERIA, doc.id, published(doc), NO_NETWORK, f"{doc.id}/{doc.version}")


async def publish_statement(doc: RegulatoryDoc, emitter: Emitter) -> None:
    """Send a stored statement."""
    await emitter.publish(REGULATORY_STATUS, doc.id, stated(doc), NO_NETWORK, f"{doc.id}/{doc.version}")


async def publish_everything(documents: DocumentStore, emitter: Emitter) -> int:
    """Send every trial and statement as stored: what was written before a crash and not sent goes out now. Return how many."""
    count = 0
    async for trial in every(documents, TRIALS, Query(limit=100)):
        await publish_trial(trial, emitter)
        count += 1
    async for statement in every(documents, REGULATORY, Query(limit=100)):
        await publish_statement(statement, emitter)
        count += 1
    return count
