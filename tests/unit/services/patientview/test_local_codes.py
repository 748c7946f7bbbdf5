"""Records with codes of a feed's own: whatever comes first, record or decision, the view is the same, and undo brings it back."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.patientview.agents import handlers
from services.patientview.coding import code_id
from services.patientview.extraction import Extractor
from services.patientview.tables import TALLIES
from tests.unit.services.patientview.test_patientview import NORTH, delivery, newest
from trialbridge.contracts.documents import LOCAL_CODES, LocalCodeDoc
from trialbridge.contracts.events import CodeMapped, PatientViewChanged, RecordsReceived
from trialbridge.contracts.ids import SourceId, TenantId
from trialbridge.contracts.topics import CODE_MAPPINGS, EMR_RECORDS, LOCAL_CODES_SEEN, PATIENT_RECODINGS, PATIENT_VIEWS
from trialbridge.emr.facts import facts_of
from trialbridge.emr.localcodes.codes import LocalCode
from trialbridge.emr.patients import display_of, identifiers_of
from trialbridge.testkit.pseudonyms import SYNTHETIC
from trialbridge.testkit.stage import FakeStage

EXTRACTOR = Extractor(facts_of, identifiers_of, display_of)
SOURCE = SourceId("north/lis")
LOCAL = "urn:oid:1.2.3"


def person(local: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": local, "birthDate": "1960-01-01", "name": [{"family": f"Name {local}"}]}


def lab(name: str, code: str = "HGB", value: float = 9.5, updated: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    standard = code[0].isdigit()
    coding = {"system": "http://loinc.org" if standard else LOCAL, "code": code, "display": f"The {code}"}
    return {
        "resourceType": "Observation", "id": name, "status": "final", "code": {"coding": [coding]},
        "meta": {"lastUpdated": updated}, "valueQuantity": {"value": value, "unit": "g/dL", "code": "g/dL"},
    }  # fmt: skip


def identity(code: str, source: SourceId = SOURCE) -> str:
    return code_id(SYNTHETIC, NORTH, source, LocalCode("observation", LOCAL, code).identity)


def accepted(code: str, loinc: str = "718-7", version: int = 1, source: SourceId = SOURCE) -> CodeMapped:
    tenant = TenantId(source.partition("/")[0])
    return CodeMapped(
        network=NORTH, tenant=tenant, source=source, code=identity(code, source), version=version,
        since=version if loinc else 0, system="loinc" if loinc else "", value=loinc,
    )  # fmt: skip


def stage() -> FakeStage:
    return FakeStage(handlers(EXTRACTOR, SYNTHETIC))


async def hear(target: FakeStage, *events: RecordsReceived | CodeMapped) -> FakeStage:
    for number, one in enumerate(events):
        if isinstance(one, CodeMapped):
            await target.deliver(CODE_MAPPINGS, one.code, one, NORTH, cause=f"{one.code}/{one.version}/{number}")
        else:
            await target.deliver(EMR_RECORDS, one.key, one, NORTH)
    assert not target.set_aside
    return target


def view(target: FakeStage) -> PatientViewChanged:
    (found,) = newest(target).values()
    return found


def labs(target: FakeStage) -> list[dict[str, Any]]:
    return [one for one in msgspec.json.decode(view(target).facts) if one["kind"] == "lab"]


RECORD = delivery(SOURCE, "p1", person("p1"), lab("o1"), lab("o2", "PLT", 150), lab("o3", "2160-0", 1))


async def test_a_local_code_says_nothing_until_a_person_accepts_what_it_means() -> None:
    target = await hear(stage(), RECORD)
    assert [one["loinc"] for one in labs(target)] == ["2160-0"]
    await hear(target, accepted("HGB"))
    assert {(one["loinc"], one["evidence"].get("tables", "")) for one in labs(target)} == {
        ("2160-0", ""), ("718-7", "local codes v1"),
    }  # fmt: skip


async def test_undo_restores_the_view_byte_for_byte() -> None:
    target = await hear(stage(), RECORD)
    before = view(target)
    await hear(target, accepted("HGB"))
    assert view(target).digest != before.digest
    await hear(target, accepted("HGB", "", 2))
    assert (view(target).digest, view(target).facts) == (before.digest, before.facts)
    assert view(target).version == before.version + 2


async def test_records_and_decisions_give_the_same_view_in_any_order() -> None:
    events: tuple[RecordsReceived | CodeMapped, ...] = (
        RECORD,
        accepted("HGB"),
        accepted("PLT", "777-3", 2),
        accepted("HGB", "20509-6", 3),
    )
    digests = {view(await hear(stage(), *order)).digest for order in permutations(events)}
    assert len(digests) == 1


@settings(max_examples=25)
@given(st.lists(st.sampled_from(range(6)), min_size=6, max_size=14))
async def test_repeats_and_older_versions_change_nothing(order: Sequence[int]) -> None:
    newer = delivery(SOURCE, "p1", person("p1"), lab("o1", "HGB", 10.5, "2026-02-01T00:00:00Z"), day=2)
    events = (
        RECORD, newer, accepted("HGB"), accepted("PLT", "777-3", 2), accepted("HGB", "", 3), accepted("HGB", "718-7", 4),
    )  # fmt: skip
    target = await hear(stage(), *(events[number] for number in order), *events)
    assert view(target).digest == view(await hear(stage(), *events)).digest
    tally = target.values(TALLIES)[identity("HGB")]
    assert (tally.patients, tally.count) == (1, 1)


async def test_a_decision_holds_for_its_own_feed_alone() -> None:
    other = SourceId("hill/lis")
    target = await hear(stage(), RECORD, accepted("HGB", source=other))
    assert [one["loinc"] for one in labs(target)] == ["2160-0"]
    assert identity("HGB") != identity("HGB", other)


async def test_a_decision_reaches_whoever_holds_the_code_and_nobody_else() -> None:
    other = delivery(SOURCE, "p2", person("p2"), lab("o9", "PLT", 150))
    target = await hear(stage(), RECORD, other)
    target.take(PATIENT_RECODINGS)
    target.take(PATIENT_VIEWS)
    await hear(target, accepted("HGB"))
    assert {one.key for one in target.take(PATIENT_RECODINGS)} == {RECORD.key}
    assert len(target.take(PATIENT_VIEWS)) == 1


async def test_another_worker_finds_the_holders_again() -> None:
    first = await hear(stage(), RECORD)
    target = await hear(first.restarted(handlers(EXTRACTOR, SYNTHETIC)), accepted("HGB"))
    assert "718-7" in {one["loinc"] for one in labs(target)}


async def test_a_repeated_decision_sends_the_view_again() -> None:
    target = await hear(stage(), RECORD, accepted("HGB"))
    before = view(target)
    target.take(PATIENT_VIEWS)
    await hear(target, accepted("HGB"))
    (again,) = target.take(PATIENT_VIEWS)
    assert again.payload == before


def code_doc(target: FakeStage, code: str) -> LocalCodeDoc:
    return target.docs(LOCAL_CODES)[identity(code)]


async def test_the_queue_counts_patients_and_resources_and_follows_corrections() -> None:
    second = delivery(SOURCE, "p2", person("p2"), lab("o8"), lab("o9"))
    target = await hear(stage(), RECORD, second)
    doc = code_doc(target, "HGB")
    assert (doc.patients, doc.count, doc.tenant, doc.source, doc.kind) == (2, 3, "north", SOURCE, "observation")
    assert msgspec.json.decode(doc.said, type=LocalCode).display == "The HGB"
    corrected = delivery(SOURCE, "p1", lab("o1", "718-7", 9.5, "2026-02-01T00:00:00Z"), day=2)
    await hear(target, corrected)
    assert (code_doc(target, "HGB").patients, code_doc(target, "HGB").count) == (1, 2)
    assert (code_doc(target, "PLT").patients, code_doc(target, "PLT").count) == (1, 1)


async def test_an_accepted_code_stays_counted_for_its_undo() -> None:
    target = await hear(stage(), accepted("HGB"), RECORD)
    assert code_doc(target, "HGB").patients == 1


async def test_what_a_crash_lost_of_the_counts_comes_with_the_repeat() -> None:
    target = await hear(stage(), RECORD)
    expected = target.docs(LOCAL_CODES)
    target.state.documents.clear()
    await hear(target, RECORD)
    assert target.docs(LOCAL_CODES) == expected


@pytest.mark.parametrize("code", ["HGB", "PLT"])
async def test_words_of_a_code_do_not_depend_on_who_came_first(code: str) -> None:
    one = delivery(SOURCE, "p1", person("p1"), lab("o1", code))
    other = lab("o2", code)
    other["code"]["coding"][0]["display"] = "Another name"
    two = delivery(SOURCE, "p2", person("p2"), other)
    said = [code_doc(await hear(stage(), *order), code).said for order in ((one, two), (two, one))]
    assert said[0] == said[1]


def stain(name: str, question: str, answer: str, system: str = LOCAL) -> dict[str, Any]:
    """Return an Observation with a coded answer, its question by LOINC or by a code of the feed's own."""
    asked = {"system": "http://loinc.org" if question[0].isdigit() else LOCAL, "code": question}
    return {
        "resourceType": "Observation", "id": name, "status": "final", "code": {"coding": [asked]},
        "meta": {"lastUpdated": "2026-01-01T00:00:00Z"},
        "valueCodeableConcept": {"coding": [{"system": system, "code": answer, "display": "Nachgewiesen"}]},
    }  # fmt: skip


def means(question: str, answer: str, target: str, version: int) -> CodeMapped:
    name = code_id(SYNTHETIC, NORTH, SOURCE, LocalCode("answer", f"{question} {LOCAL}", answer).identity)
    return CodeMapped(
        network=NORTH, tenant=TenantId("north"), source=SOURCE, code=name, version=version, since=version if target else 0,
        system="snomed" if target else "", value=target,
    )  # fmt: skip


def markers(target: FakeStage) -> set[tuple[str, str]]:
    return {
        (one["marker"], one["status"]) for one in msgspec.json.decode(view(target).facts) if one["kind"] == "marker"
    }


def open_answers(target: FakeStage) -> set[tuple[str, str]]:
    """Return question and answer of what the feed's counter was last told to hold."""
    told = {record.key: record.payload for record in target.emitted(LOCAL_CODES_SEEN)}
    return {(one.unit, one.value) for seen in told.values() for one in seen.codes if one.kind == "answer"}


STAINS = delivery(
    SOURCE, "p1", person("p1"), stain("e", "85337-4", "P"), stain("p", "85339-0", "P"), stain("h", "HER", "P")
)


async def test_a_local_answer_says_nothing_until_a_person_accepts_what_it_means_for_its_question() -> None:
    target = await hear(stage(), STAINS)
    assert markers(target) == set()
    assert open_answers(target) == {("85337-4", "P"), ("85339-0", "P")}
    await hear(target, means("85337-4", "P", "10828004", 1))
    assert markers(target) == {("ER", "positive")}
    await hear(target, means("85337-4", "P", "", 2))
    assert markers(target) == set()


async def test_an_answer_is_looked_at_once_its_question_is_known() -> None:
    target = await hear(stage(), STAINS, accepted("HER", "85319-2"))
    assert ("85319-2", "P") in open_answers(target)
    await hear(target, means("85319-2", "P", "10828004", 2))
    assert markers(target) == {("HER2", "positive")}


async def test_questions_answers_and_records_give_the_same_view_in_any_order() -> None:
    events: tuple[RecordsReceived | CodeMapped, ...] = (
        STAINS,
        accepted("HER", "85319-2"),
        means("85319-2", "P", "10828004", 2),
        means("85337-4", "P", "260385009", 3),
    )
    digests = {view(await hear(stage(), *order)).digest for order in permutations(events)}
    assert len(digests) == 1


async def test_an_answer_that_is_read_is_no_local_code() -> None:
    target = await hear(
        stage(), delivery(SOURCE, "p1", person("p1"), stain("e", "85337-4", "10828004", "http://snomed.info/sct"))
    )
    assert markers(target) == {("ER", "positive")}
    assert open_answers(target) == set()
