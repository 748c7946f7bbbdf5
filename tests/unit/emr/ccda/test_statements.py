"""Single statements: statuses, negation, nulls, choices of values, identifiers, and what nobody has a rule for."""

from typing import Any

import pytest

from tests.unit.emr.ccda.documents import convert_document, of_type, resources_of
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.records import Conversion, Entry, Feed

T = "2.16.840.1.113883.10.20.22.4."
HEAD = (
    '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<id root="1.2.3" extension="{version}"/><setId root="1.2.3" extension="set"/><effectiveTime value="{time}"/>'
    '<recordTarget><patientRole><id root="1.2.4" extension="P"/></patientRole></recordTarget>'
    "<component><structuredBody><component><section>"
)
TAIL = "</section></component></structuredBody></component></ClinicalDocument>"


def document(*entries: str, version: str = "1", time: str = "20261120101500-0600") -> bytes:
    inside = "".join(f"<entry>{one}</entry>" for one in entries)
    return f"{HEAD.format(version=version, time=time)}{inside}{TAIL}".encode()


def observation(inside: str, attributes: str = 'classCode="OBS" moodCode="EVN"', template: str = "2") -> str:
    return f'<observation {attributes}><templateId root="{T}{template}"/>{inside}</observation>'


def only(kind: str, *entries: str) -> dict[str, Any]:
    (found,) = of_type(convert_document(document(*entries)), kind)
    return found


CODE = '<id root="1.2.5" extension="1"/><code code="718-7" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/>'


@pytest.mark.parametrize(
    ("value", "element", "shown"),
    [
        ('xsi:type="PQ" value="1.50" unit="mg"', "valueQuantity", "1.50"),
        ('xsi:type="PQ" value=".5"', "valueQuantity", "0.5"),
        ('xsi:type="REAL" value="2.0"', "valueQuantity", "2.0"),
        ('xsi:type="INT" value="3"', "valueInteger", "3"),
        ('xsi:type="INT" value="3.5"', "valueQuantity", "3.5"),
        ('xsi:type="BL" value="true"', "valueBoolean", "True"),
        ('xsi:type="TS" value="2026"', "valueDateTime", "2026"),
        ('value="7" unit="g"', "valueQuantity", "7"),
        ('xsi:type="hl7:PQ" value="7"', "valueQuantity", "7"),
    ],
)
def test_values_by_their_type(value: str, element: str, shown: str) -> None:
    found = only("Observation", observation(f"{CODE}<value {value}/>"))[element]
    assert str(found["value"] if isinstance(found, dict) else found) == shown


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ('<low value="1" unit="g"/><high value="2" unit="g"/>', ("valueRange", None)),
        ('<low value="1"/>', ("valueQuantity", ">=")),
        ('<low value="1" inclusive="false"/>', ("valueQuantity", ">")),
        ('<high value="1"/>', ("valueQuantity", "<=")),
        ('<low nullFlavor="NINF"/><high value="1" inclusive="false"/>', ("valueQuantity", "<")),
    ],
)
def test_intervals_of_quantities(inside: str, expected: tuple[str, str | None]) -> None:
    found = only("Observation", observation(f'{CODE}<value xsi:type="IVL_PQ">{inside}</value>'))
    assert found[expected[0]].get("comparator") == expected[1]


def test_text_and_ratios() -> None:
    text = only("Observation", observation(f'{CODE}<value xsi:type="ST">  many  </value>'))
    assert text["valueString"] == "many"
    ratio = '<value xsi:type="RTO_PQ_PQ"><numerator value="1" unit="mg"/><denominator value="2" unit="mL"/></value>'
    assert only("Observation", observation(CODE + ratio))["valueRatio"]["denominator"]["unit"] == "mL"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("completed", "final"),
        ("active", "preliminary"),
        ("aborted", "cancelled"),
        ("nullified", "entered-in-error"),
        ("odd", "unknown"),
    ],
)
def test_statuses(given: str, status: str) -> None:
    found = only("Observation", observation(CODE.replace("completed", given)))
    assert found["status"] == status


def test_a_missing_value_says_why() -> None:
    found = only("Observation", observation(f'{CODE}<value xsi:type="PQ" nullFlavor="MSK"/>'))
    assert found["dataAbsentReason"]["coding"][0]["code"] == "masked"


def test_a_negated_observation_has_no_value_that_could_be_read() -> None:
    found = only(
        "Observation", observation(f'{CODE}<value xsi:type="PQ" value="1"/>', 'moodCode="EVN" negationInd="true"')
    )
    assert not any(key.startswith("value") for key in found)
    assert found["extension"][0]["valueQuantity"]["value"] == 1


@pytest.mark.parametrize(
    ("inside", "clinical", "verified"),
    [
        ("", "active", "confirmed"),
        ('<effectiveTime><low value="2020"/><high value="2021"/></effectiveTime>', "resolved", "confirmed"),
        ('<effectiveTime><high nullFlavor="UNK"/></effectiveTime>', "resolved", "confirmed"),
        ('<effectiveTime><high nullFlavor="NA"/></effectiveTime>', "active", "confirmed"),
    ],
)
def test_problems_that_are_over(inside: str, clinical: str, verified: str) -> None:
    problem = observation(
        f'{CODE}{inside}<value xsi:type="CD" code="1" codeSystem="2.16.840.1.113883.6.96"/>', template="4"
    )
    found = only("Condition", problem)
    assert found["clinicalStatus"]["coding"][0]["code"] == clinical
    assert found["verificationStatus"]["coding"][0]["code"] == verified


def test_a_nullified_problem_is_entered_in_error_and_has_no_clinical_status() -> None:
    problem = observation(CODE.replace("completed", "nullified") + '<value xsi:type="CD" code="1"/>', template="4")
    found = only("Condition", problem)
    assert found["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in found


def test_one_identifier_for_several_statements_gives_several_resources_and_a_repetition_gives_one() -> None:
    first = observation(CODE + '<value xsi:type="PQ" value="1"/>')
    other_code = first.replace("718-7", "777-3")
    other_value = first.replace('value="1"', 'value="2"')
    found = of_type(convert_document(document(first, other_code, other_value, first)), "Observation")
    assert sorted(str(one["valueQuantity"]["value"]) + one["code"]["coding"][0]["code"] for one in found) == [
        "1718-7",
        "1777-3",
        "2718-7",
    ]


def test_statements_without_identifiers_keep_their_ids_when_others_come_before_them() -> None:
    one = observation('<code code="718-7"/><statusCode code="completed"/><effectiveTime value="2026"/>')
    other = one.replace("718-7", "777-3")
    alone = {one["id"] for one in of_type(convert_document(document(one)), "Observation")}
    both = {one["id"] for one in of_type(convert_document(document(other, one)), "Observation")}
    assert alone < both


def test_what_nobody_has_a_rule_for_is_kept() -> None:
    found = only("Basic", '<thing code="x"><inner value="7">words</inner></thing>')
    kept = {one["extension"][0]["valueString"]: one["extension"][1]["valueString"] for one in found["extension"]}
    assert kept == {"entry/thing/@code": "x", "entry/thing/inner/@value": "7", "entry/thing/inner/#text": "words"}


def test_a_bad_date_is_reported_with_its_place_and_the_rest_goes_on() -> None:
    good = observation(CODE)
    found = convert_document(
        document(good, observation(CODE.replace('"1"', '"2"') + '<effectiveTime value="20261301"/>'))
    )
    (error,) = [one.error for one in found.set_aside]
    assert error.code == "ccda.bad-date"
    assert str(error.place) == "entry document.xml, section[1]/entry[2], field entry/observation/effectiveTime/@value"
    assert len(of_type(found, "Observation")) == 2


def versions(found: Conversion) -> set[str]:
    return {one["meta"]["lastUpdated"] for one in resources_of(found)}


def test_a_later_version_of_a_document_takes_the_place_of_the_earlier_one() -> None:
    feed = Feed(NetworkId("n"), TenantId("t"), SourceId("n/t/s"), "2026-11-21T08:00:00Z")
    entry = observation(CODE + '<value xsi:type="PQ" value="{}"/>')
    first = Entry("1.xml", "application/cda+xml", document(entry.format(1), version="1", time="20261101080000+0000"))
    second = Entry("2.xml", "text/xml", document(entry.format(2), version="2", time="20261102080000+0000"))
    for order in ([first, second], [second, first]):
        found = convert(order, feed)
        (result,) = of_type(found, "Observation")
        assert result["valueQuantity"]["value"] == 2
        assert [one["date"] for one in of_type(found, "Composition")] == ["2026-11-02T08:00:00+00:00"]
        assert versions(found) == {"2026-11-02T08:00:00+00:00"}
        assert found.account["superseded"] > 0


def test_times_without_a_zone_get_the_document_s() -> None:
    found = only("Observation", observation(CODE + '<effectiveTime value="202611190800"/>'))
    assert found["effectiveDateTime"] == "2026-11-19T08:00:00-06:00"
