"""Corrections come under the id of what they correct; merges, links, moves and cancellations are events."""

import pytest

from tests.unit.emr.hl7v2.samples import FEED, every, message, of_type, read
from trialbridge.contracts.ids import RecordId
from trialbridge.emr.facts import facts_of


def resulted(status: str) -> str:
    rows = [row.split("|") for row in message("ORU_R01").split("\r")]
    for row in rows:
        if row[:2] == ["OBX", "1"]:
            row[11] = status
    return "\r".join("|".join(row) for row in rows)


def hemoglobin(text: str) -> dict[str, object]:
    return next(one for one in of_type(read(text), "Observation") if one["code"]["coding"][0]["code"] == "718-7")


@pytest.mark.parametrize(
    ("sent", "status", "counts"),
    [("F", "final", True), ("C", "corrected", True), ("D", "entered-in-error", False),
     ("W", "entered-in-error", False),     ("X", "cancelled", False)],
)  # fmt: skip
def test_a_corrected_or_withdrawn_result_keeps_its_id(sent: str, status: str, counts: bool) -> None:
    found = hemoglobin(resulted(sent))
    assert found["id"] == hemoglobin(resulted("F"))["id"]
    assert found["status"] == status
    facts = facts_of(every(read(resulted(sent))), FEED.source, RecordId("r"))
    assert any("718-7" in repr(one) for some in facts.values() for one in some) is counts


@pytest.mark.parametrize(
    ("control", "status"), [("NW", "active"), ("CA", "active"), ("OC", "revoked"), ("DC", "revoked"), ("HD", "active")]
)
def test_the_order_control_says_how_an_order_stands(control: str, status: str) -> None:
    text = message("ORM_O01").replace("ORC|NW|P1^EHR|F1^LAB||SC", f"ORC|{control}|P1^EHR|F1^LAB||")
    [request] = of_type(read(text), "ServiceRequest")
    assert request["status"] == status


@pytest.mark.parametrize("name", ["ADT_A18", "ADT_A34", "ADT_A40", "ADT_A47"])
def test_a_merge_is_an_event_and_a_link(name: str) -> None:
    found = read(message(name))
    merges = {(one.survivor, one.retired) for patient in found.patients for one in patient.merges}
    first = "4710" if name == "ADT_A47" else "99"
    assert ("4711", first) in merges
    linked = [link for one in of_type(found, "Patient") for link in one.get("link", ())]
    assert first in {link["other"]["identifier"]["value"] for link in linked}
    assert {link["type"] for link in linked} == {"replaces"}


def test_two_patients_can_be_merged_in_one_message() -> None:
    found = read(message("ADT_A40"))
    assert {(one.survivor, one.retired) for patient in found.patients for one in patient.merges} == {
        ("4711", "99"),
        ("4712", "98"),
    }


def test_a_link_joins_and_an_unlink_goes_to_a_person() -> None:
    linked, unlinked = read(message("ADT_A24")), read(message("ADT_A37"))
    assert [(one.survivor, one.retired) for patient in linked.patients for one in patient.merges] == [("4711", "4712")]
    assert [one.error.code for one in unlinked.set_aside] == ["v2.unlink"]
    assert not [one for patient in unlinked.patients for one in patient.merges]


def test_a_moved_visit_is_taken_from_who_had_it() -> None:
    found = read(message("ADT_A45"))
    by_local = {str(one.local_patient): one.resources for one in found.patients}
    [before] = by_local["99"]
    assert (before["resourceType"], before["status"]) == ("Encounter", "entered-in-error")
    assert [one["status"] for one in by_local["4711"] if one["resourceType"] == "Encounter"] == ["in-progress"]


def test_a_move_at_the_edge_of_the_calendar_is_set_aside() -> None:
    found = read(message("ADT_A45").replace("20260601090000-0400", "99991231235959-1400"))
    assert "fhir.beyond-calendar" in {one.error.code for one in found.set_aside}
    assert every(found) == []


@pytest.mark.parametrize(
    ("event", "status"), [("A01", "in-progress"), ("A03", "finished"), ("A05", "planned"), ("A11", "cancelled"), ("A13", "in-progress"),
                          ("A23", "entered-in-error")],
)  # fmt: skip
def test_a_visit_stands_as_its_event_says(event: str, status: str) -> None:
    [visit] = of_type(read(message("ADT_A11").replace("A11", event)), "Encounter")
    assert visit["status"] == status
    assert visit["id"] == of_type(read(message("ADT_A11")), "Encounter")[0]["id"]


def test_a_deleted_person_is_not_active() -> None:
    [person] = of_type(read(message("ADT_A28").replace("A28", "A29")), "Patient")
    assert person["active"] is False


def test_a_deleted_diagnosis_is_entered_in_error_without_a_clinical_status() -> None:
    text = message("ADT_A08").replace(
        "DG1|1||C34.1^Lung, upper lobe^I10C||202604|F", "DG1|1||C34.1^Lung, upper lobe^I10C||202604|F" + "|" * 15 + "D"
    )
    [before], [after] = of_type(read(message("ADT_A08")), "Condition"), of_type(read(text), "Condition")
    assert before["id"] == after["id"]
    assert after["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in after
