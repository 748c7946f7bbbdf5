"""What a diagnosis or an allergy says of itself is said once: a suspected one is not confirmed too; units and limits are as written."""

from decimal import Decimal

import pytest

from tests.unit.emr.hl7v2.samples import FEED, of_type, read
from trialbridge.contracts.ids import RecordId
from trialbridge.criteria import facts as f
from trialbridge.emr.facts import facts_of
from trialbridge.emr.records import Conversion

HEAD = "MSH|^~\\&|A|B|C|D|20260101||ADT^A08|1|P|2.5.1\rPID|1||77^^^HOSP^MR||Roe^Rita||19600101|F\rPV1|1|O\r"


def states(found: Conversion, kind: str, element: str) -> list[list[str]]:
    """Return the codes of a status of each resource of a type."""
    return [[one["code"] for one in resource.get(element, {}).get("coding", ())] for resource in of_type(found, kind)]


@pytest.mark.parametrize(
    ("kind", "action", "verification", "clinical"),
    [("W", "A", ["provisional"], ["active"]), ("F", "A", ["confirmed"], ["active"]), ("F", "", ["confirmed"], ["active"]),
     ("W", "D", ["entered-in-error"], [])],
)  # fmt: skip
def test_a_diagnosis_has_one_verification(kind: str, action: str, verification: list[str], clinical: list[str]) -> None:
    found = read(f"{HEAD}DG1|1||C34.1^Lung^I10C||20260101|{kind}||||||||||||||D1|{action}\r")
    assert states(found, "Condition", "verificationStatus") == [verification]
    assert states(found, "Condition", "clinicalStatus") == [clinical]
    assert found.account["leaves"]["unaccounted"] == 0


@pytest.mark.parametrize(("status", "expected"), [("I", "inactive"), ("A", "active"), ("", "active")])
def test_an_allergy_is_active_or_not(status: str, expected: str) -> None:
    found = read(f"{HEAD}IAM|1|DA|PCN^Penicillin^L|SV||A|||||||||||{status}\r")
    assert states(found, "AllergyIntolerance", "clinicalStatus") == [[expected]]


@pytest.mark.parametrize(
    ("unit", "quantity"),
    [("g/dL", {"unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"}), ("TAB^Tablet", {"unit": "TAB"}),
     ("giga.l-1", {"unit": "giga.l-1"}), ("IU/L^units^L", {"unit": "units", "system": "urn:id:L", "code": "IU/L"})],
)  # fmt: skip
def test_a_unit_without_a_system_is_ucums_where_it_is_written_so(unit: str, quantity: dict[str, str]) -> None:
    oru = HEAD.replace("ADT^A08", "ORU^R01")
    found = read(f"{oru}OBR|1|1|2|CBC^CBC^L|||20260101\rOBX|1|NM|718-7^Hgb^LN||10.50|{unit}|||||F\r")
    [result] = [one for one in of_type(found, "Observation") if "valueQuantity" in one]
    assert {key: one for key, one in result["valueQuantity"].items() if key != "value"} == quantity
    assert found.account["leaves"]["unaccounted"] == 0


@pytest.mark.parametrize(
    ("written", "low", "high", "text"),
    [("7-40", 7, 40, None), ("<=40", None, 40, "<=40"), ("< 40.0", None, Decimal("40.0"), "< 40.0"), (">60", 60, None, ">60"),
     ("negative", None, None, "negative"), ("<", None, None, "<")],
)  # fmt: skip
def test_limits_of_normal_are_numbers_where_they_are_written_so(
    written: str, low: object, high: object, text: str | None
) -> None:
    oru = HEAD.replace("ADT^A08", "ORU^R01")
    found = read(f"{oru}OBR|1|1|2|ALT^ALT^L|||20260101\rOBX|1|NM|1742-6^ALT^LN||85|U/L|{written}||||F\r")
    [result] = [one for one in of_type(found, "Observation") if "referenceRange" in one]
    [limits] = result["referenceRange"]
    assert [limits.get(end, {}).get("value") for end in ("low", "high")] == [low, high]
    assert limits.get("text") == text
    assert found.account["leaves"]["unaccounted"] == 0
    told = [one for some in facts_of([result], FEED.source, RecordId("r")).values() for one in some]
    assert [(one.lower_limit, one.upper_limit) for one in told if isinstance(one, f.Lab)] == [(low, high)]
