"""From converted records to the run's hash: views, matches and gates in memory, on the synthetic network and its trials."""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from random import Random
from typing import TypeVar

import msgspec
import pytest

import trialbridge.testkit
from services.matchbook.agents import handlers as book_handlers
from services.matchbook.canonical import run_hash
from services.matchbook.handlers import Handlers as Book
from services.matcher.agents import handlers as matcher_handlers
from services.matcher.handlers import Handlers as Matcher
from services.patientview.agents import handlers as view_handlers
from services.patientview.extraction import Extractor
from trialbridge.contracts.documents import MATCHES
from trialbridge.contracts.events import DayBegan, Payload, RecordsReceived, RegulatoryStatusSet, TrialPublished
from trialbridge.contracts.ids import Digest, NetworkId, TenantId, TicketId, TrialId, record_id
from trialbridge.contracts.topics import (
    CALENDAR_DAYS,
    EMR_RECORDS,
    PATIENT_VIEWS,
    REGULATORY_STATUS,
    TRIAL_CRITERIA,
    TRIAL_MATCHES,
    Topic,
)
from trialbridge.criteria.compiler import compile_text
from trialbridge.emr.convert import convert
from trialbridge.emr.facts import facts_of
from trialbridge.emr.jsontext import encode
from trialbridge.emr.patients import display_of, identifiers_of
from trialbridge.emr.records import Entry, Feed
from trialbridge.runtime.serve import utc_now
from trialbridge.testkit.fakes import MemoryDocuments
from trialbridge.testkit.packing import ndjson
from trialbridge.testkit.placing import Delivery
from trialbridge.testkit.pseudonyms import SYNTHETIC
from trialbridge.testkit.stage import FakeStage
from trialbridge.testkit.world import AS_OF, make_world

P = TypeVar("P", bound=Payload)
NOBODY = NetworkId("")
TRIALS = Path(trialbridge.testkit.__file__).parent / "trials"
PEOPLE = 30


def records(delivery: Delivery, number: int, network: NetworkId) -> list[RecordsReceived]:
    """Return what the coat check would send for one delivery."""
    source = delivery.source
    received = f"{AS_OF}T{6 if delivery.wave == 'initial' else 12:02d}:00:00Z"
    media = "application/fhir+ndjson" if delivery.resources else "x-application/hl7-v2+er7"
    body = ndjson(delivery.resources) if delivery.resources else "".join(delivery.messages).encode()
    found = convert([Entry("all", media, body)], Feed(network, source.tenant, source.id, received))
    assert not found.set_aside
    sent = []
    for patient in found.patients:
        key = SYNTHETIC.source_patient(network, source.id, patient.local_patient)
        ticket = TicketId(f"tkt_{number}")
        sent.append(
            RecordsReceived(
                record=record_id(ticket, key, 0),
                network=network,
                tenant=source.tenant,
                source=source.id,
                local_patient=patient.local_patient,
                key=key,
                ticket=ticket,
                bundle_sha256=Digest("0"),
                received=received,
                resources=msgspec.Raw(encode(patient.resources)),
                identifiers=patient.identifiers,
                merges=patient.merges,
            )
        )
    return sent


@cache
def everything() -> tuple[RecordsReceived, ...]:
    world = make_world(patients=PEOPLE)
    return tuple(one for number, each in enumerate(world.deliveries) for one in records(each, number, world.network))


@cache
def programmes() -> tuple[TrialPublished, ...]:
    found = []
    for path in sorted(TRIALS.glob("*.yaml")):
        compiled = compile_text(path.read_text(), path.name)
        trial = compiled.trial
        if trial is None:
            continue
        found.append(
            TrialPublished(
                trial=TrialId(trial.id),
                version=1,
                digest=Digest(compiled.digest),
                lab=TenantId(trial.lab),
                title=trial.title,
                status=trial.status,
                definition=msgspec.Raw(compiled.definition),
                sites=trial.sites,
                review=trial.review,
            )
        )
    assert len(found) >= 10
    return tuple(found)


class Way:
    """Three stages in a row; each record goes all the way before the next one comes."""

    def __init__(self) -> None:
        self.views = FakeStage(view_handlers(Extractor(facts_of, identifiers_of, display_of), SYNTHETIC))
        self.matcher = FakeStage(matcher_handlers(Matcher()))
        self.book = FakeStage(book_handlers(Book(utc_now)))

    async def register(self, trials: Iterable[TrialPublished]) -> None:
        await self.matcher.deliver(CALENDAR_DAYS, "day", DayBegan(date=AS_OF.isoformat()), NOBODY)
        for trial in trials:
            approved = RegulatoryStatusSet(trial=trial.trial, seq=1, approved=True, authority="EMA")
            await self.matcher.deliver(TRIAL_CRITERIA, trial.trial, trial, NOBODY)
            await self.book.deliver(TRIAL_CRITERIA, trial.trial, trial, NOBODY)
            await self.book.deliver(REGULATORY_STATUS, trial.trial, approved, NOBODY)
        await self.drain()

    async def deliver(self, given: Iterable[RecordsReceived]) -> None:
        for one in given:
            await self.views.deliver(EMR_RECORDS, one.key, one, one.network)
            await self.drain()

    async def drain(self) -> None:
        await self._pass(PATIENT_VIEWS, self.views, self.matcher)
        await self._pass(TRIAL_MATCHES, self.matcher, self.book)

    async def _pass(self, topic: Topic[P], giver: FakeStage, taker: FakeStage) -> None:
        for sent in giver.take(topic):
            await taker.deliver(topic, sent.key, sent.payload, sent.network, cause=sent.id)

    async def hash(self) -> tuple[str, dict[str, int]]:
        documents = MemoryDocuments()
        await documents.upsert(MATCHES, list(self.book.docs(MATCHES).values()))
        return await run_hash(documents)


async def run(order: Iterable[RecordsReceived], *, trials_last: bool = False) -> Way:
    way = Way()
    if trials_last:
        await way.deliver(order)
        await way.register(programmes())
    else:
        await way.register(programmes())
        await way.deliver(order)
    return way


async def test_the_synthetic_network_finds_every_kind_of_match() -> None:
    way = await run(everything())
    _, counts = await way.hash()
    assert [*way.views.set_aside, *way.matcher.set_aside, *way.book.set_aside] == []
    assert counts["approved"] > 0
    assert counts["potentially"] > 0
    outcomes = Counter(doc.outcome for doc in way.book.docs(MATCHES).values())
    assert outcomes["eligible"] >= counts["approved"]


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_order_of_deliveries_with_repeats_comes_to_the_same_hash(seed: int) -> None:
    expected, _ = await (await run(everything())).hash()
    noise = Random(seed)
    order = [*everything(), *noise.sample(everything(), len(everything()) // 3)]
    noise.shuffle(order)
    assert (await (await run(order)).hash())[0] == expected


async def test_trials_that_come_after_the_patients_find_the_same() -> None:
    expected, _ = await (await run(everything())).hash()
    assert (await (await run(everything(), trials_last=True)).hash())[0] == expected
