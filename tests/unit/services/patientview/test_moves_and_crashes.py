"""A source patient moves between persons while the worker dies: whatever was lost and read again, it lives under one person."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import msgspec
import pytest

from services.patientview.agents import handlers
from tests.unit.services.patientview.test_patientview import EXTRACTOR, NORTH, delivery, ecog, patient
from trialbridge.contracts.events import FactsContributed, PatientLinked, RecordsReceived
from trialbridge.contracts.ids import PatientId
from trialbridge.contracts.topics import EMR_RECORDS, PATIENT_CONTRIBUTIONS, PATIENT_LINKS
from trialbridge.runtime.effects import HandlerTable
from trialbridge.testkit.pseudonyms import SYNTHETIC
from trialbridge.testkit.stage import FakeStage, State

Event = RecordsReceived | PatientLinked


def record(day: int) -> RecordsReceived:
    return delivery("a/ehr", "1", patient("1"), ecog("o", day % 5), day=day)


def link(person: str, seq: int) -> PatientLinked:
    return PatientLinked(network=NORTH, key=record(1).key, patient=PatientId(person), seq=seq, reasons=("alone",))


RECORDS = [record(1), record(2), record(3)]
LINKS = [link("pat_A", 1), link("pat_B", 2), link("pat_C", 3), link("pat_A", 4)]


def front() -> HandlerTable:
    """Return the handlers of the two topics that one source patient's state is made of."""
    every = handlers(EXTRACTOR, SYNTHETIC)
    return {topic: every[topic] for topic in (EMR_RECORDS, PATIENT_LINKS)}


def orders(records: Sequence[Event], links: Sequence[Event]) -> list[list[Event]]:
    """Return every way to read two topics, each in its own order."""
    size = len(records) + len(links)
    found = []
    for places in combinations(range(size), len(records)):
        one, other = iter(records), iter(links)
        found.append([next(one) if place in places else next(other) for place in range(size)])
    return found


async def handle(stage: FakeStage, events: Sequence[Event]) -> list[FactsContributed]:
    for event in events:
        topic: Any = EMR_RECORDS if isinstance(event, RecordsReceived) else PATIENT_LINKS
        await stage.deliver(topic, event.key, event, NORTH)
    return [one.payload for one in stage.take(PATIENT_CONTRIBUTIONS)]


def living(sent: Sequence[FactsContributed]) -> dict[str, bytes]:
    """Return what each person holds after all that was sent, as `fold_view` takes it in: the greatest number, the first of equals."""
    rows: dict[str, FactsContributed] = {}
    for one in sent:
        if one.patient not in rows or rows[one.patient].seq < one.seq:
            rows[one.patient] = one
    return {person: bytes(row.facts) for person, row in rows.items() if not row.removed}


@pytest.mark.parametrize("links", [LINKS[:2], LINKS[:3], LINKS])
async def test_after_a_crash_and_any_order_of_reading_again_one_person_holds_the_newest(links: list[Event]) -> None:
    ways = orders(RECORDS[: 5 - len(links)] or RECORDS[:1], links)
    [expected] = {msgspec.json.encode(living(await handle(FakeStage(front()), way))) for way in ways}
    for before in ways:
        for durable in range(len(before)):
            for lost in range(durable + 1, len(before) + 1):
                stage = FakeStage(front())
                sent = await handle(stage, before[:durable])
                tables = {slot: dict(rows) for slot, rows in stage.state.tables.items()}
                # Handled, their outputs durable, their table changes not: both topics are read again from here, in any order.
                sent += await handle(stage, before[durable:lost])
                left = before[durable:]
                for again in orders(
                    [one for one in left if isinstance(one, RecordsReceived)],
                    [one for one in left if isinstance(one, PatientLinked)],
                ):
                    state = State({slot: dict(rows) for slot, rows in tables.items()})
                    after = await handle(FakeStage(front(), state=state), again)
                    assert msgspec.json.encode(living([*sent, *after])) == expected
