"""Claims and dummies through the whole stage: kept apart, counted, released, the same in any order, and cheap."""

from itertools import permutations
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.patientview.agents import handlers
from services.patientview.extraction import Extractor
from tests.unit.services.patientview.test_patientview import delivery, live, send
from trialbridge.contracts.events import Merge, RecordsReceived
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.contracts.topics import PATIENT_LINKS
from trialbridge.emr.facts import facts_of
from trialbridge.emr.patients import display_of, identifiers_of
from trialbridge.testkit.pseudonyms import SYNTHETIC
from trialbridge.testkit.stage import FakeStage

TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
ANN = {"gender": "female", "birthDate": "1951-03-04"}
ZED = {"gender": "male", "birthDate": "1999-09-09"}


def stage() -> FakeStage:
    return FakeStage(handlers(Extractor(facts_of, identifiers_of, display_of), SYNTHETIC))


def patient(local: str, *numbers: tuple[str, str], **who: Any) -> dict[str, Any]:
    identifiers = [
        {"system": "urn:oid:1.2.3", "value": value, "type": {"coding": [{"system": TYPES, "code": word}]}}
        for word, value in numbers
    ]
    return {"resourceType": "Patient", "id": local, "identifier": identifiers, **who}


def condition(local: str) -> dict[str, Any]:
    coding = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "B20"}
    return {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": f"Patient/{local}"},
        "code": {"coding": [coding]},
    }


VICTIM = delivery("north/ehr", "1", patient("1", ("MR", "0734512"), **ANN), condition("1"))
CLAIM = delivery("evil/ehr", "x", patient("x", ("MR", "0734512"), **ZED))
CORRECTED = delivery("evil/ehr", "x", patient("x", ("MR", "0734512"), **ANN), day=2)


def tenants(found: FakeStage) -> list[tuple[str, ...]]:
    return sorted(view.tenants for view in live(found).values())


async def test_a_claimed_number_reads_nothing_of_its_owner_and_is_counted() -> None:
    for order in permutations((VICTIM, CLAIM)):
        found = await send(stage(), *order)
        assert tenants(found) == [("evil",), ("north",)]
        assert found.warnings["identity.held"] > 0
        [theirs] = [view for view in live(found).values() if view.tenants == ("evil",)]
        assert b"B20" not in bytes(theirs.facts)


async def test_records_that_come_to_agree_are_released() -> None:
    for order in permutations((VICTIM, CLAIM, CORRECTED)):
        assert tenants(await send(stage(), *order)) == [("evil", "north")]


async def test_a_dummy_number_joins_nobody_and_costs_a_few_links_each() -> None:
    count = 200
    found = stage()
    for number in range(count):
        local = str(number)
        await send(found, delivery("north/ehr", local, patient(local, ("PI", "8888-NIX"), ("MR", f"M{number}"))))
    assert len(live(found)) == count
    assert len(found.emitted(PATIENT_LINKS)) < 3 * count
    assert found.warnings["identity.shared"] > 0


async def test_a_number_proves_again_once_its_source_merges_or_corrects() -> None:
    one, two = (delivery("n/adt", name, patient(name, ("MI", "1"), ("MR", "77"))) for name in "12")
    other = delivery("s/ehr", "9", patient("9", ("MR", "77")))
    merge = delivery("n/adt", "1", merges=(Merge(LocalPatientId("1"), LocalPatientId("2"), "2026-01-02"),), day=2)
    corrected = delivery("n/adt", "2", patient("2", ("MR", "78")), day=2)
    assert len(live(await send(stage(), one, two, other))) == 3
    for order in permutations((one, two, other, merge)):
        assert len(live(await send(stage(), *order))) == 1
    for order in permutations((one, two, other, corrected)):
        assert tenants(await send(stage(), *order)) == [("n",), ("n", "s")]


deliveries = st.lists(
    st.builds(
        lambda source, local, number, who, day: delivery(
            source, local, patient(local, ("MR", number), **who), day=day, name=f"{source}{local}{number}{who}{day}"
        ),
        st.sampled_from(["n/ehr", "n/lab", "evil/ehr"]),
        st.sampled_from("12"),
        st.sampled_from(["71", "72"]),
        st.sampled_from([ANN, ZED, {}]),
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40)
@given(deliveries, st.integers(0, 2**16))
async def test_any_order_holds_and_ties_the_same(records: list[RecordsReceived], seed: int) -> None:
    expected = live(await send(stage(), *records))
    shuffled = records + records[: len(records) // 2]
    Random(seed).shuffle(shuffled)
    assert live(await send(stage(), *shuffled)) == expected
