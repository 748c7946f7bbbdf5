"""Rows of tables: a bad row is set aside alone, a bad cell is kept, and each cell has its fate."""

from decimal import Decimal

import pytest

from tests.unit.emr.csv.tables import assert_whole, convert_table, errors_of, resources_of
from trialbridge.emr.localcodes.finding import local_codes
from trialbridge.emr.records import Conversion

LAB = "mrn,observationId,status,code,codeSystem,displayName,value,valueCodeSystem,effectiveDate\n"


def lab(value: str, code: str = "718-7", on: str = "2026-01-02", status: str = "final") -> Conversion:
    return convert_table(f"{LAB}7,o1,{status},{code},LN,Name,{value},,{on}\n")


def observation(found: Conversion) -> dict[str, object]:
    (one,) = resources_of(found, "Observation")
    return one


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            "10.50 g/dL",
            {"value": Decimal("10.50"), "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
        ),
        ("7", {"value": Decimal(7)}),
        (
            "< 0.10 %",
            {
                "comparator": "<",
                "value": Decimal("0.10"),
                "unit": "%",
                "system": "http://unitsofmeasure.org",
                "code": "%",
            },
        ),
        (
            '"1,5 g/dL"',
            {"value": Decimal("1.5"), "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
        ),
        ("3 big tablets", {"value": Decimal(3), "unit": "big tablets"}),
    ],
)
def test_a_value_that_begins_with_a_number_is_a_quantity_and_keeps_its_digits(
    value: str, expected: dict[str, object]
) -> None:
    found = observation(lab(value))["valueQuantity"]
    assert found == expected
    assert isinstance(found, dict)
    assert str(found["value"]) == str(expected["value"])


@pytest.mark.parametrize(
    ("code", "system", "expected"),
    [
        ("718-7", "", "http://loinc.org"),
        ("HB", "", None),
        ("HB", "urn:oid:1.2", "urn:oid:1.2"),
        ("718-7", "LN", "http://loinc.org"),
    ],
)
def test_a_code_without_a_system_is_of_the_layouts_own_only_where_it_has_its_form(
    code: str, system: str, expected: str | None
) -> None:
    found = convert_table(f"{LAB}7,o1,final,{code},{system},Name,7 10e3/ul,,2026\n")
    (one,) = resources_of(found, "Observation")
    assert one["code"]["coding"][0].get("system") == expected
    assert one["valueQuantity"] == {"value": Decimal(7), "unit": "10e3/ul"}
    assert ("observation" in {held.kind for held in local_codes(one)}) is (expected != "http://loinc.org")
    assert_whole(found)


@pytest.mark.parametrize("value", ["positive", '"1,234 g/dL"', "10-20", "=1+1", "1e5"])
def test_any_other_value_is_text_and_nothing_is_guessed(value: str) -> None:
    assert observation(lab(value))["valueString"] == value.strip('"')


@pytest.mark.parametrize(
    ("written", "read"),
    [("2026", "2026"), ("2026-03", "2026-03"), ("03/2026", "2026-03"), ("2026-03-04", "2026-03-04"), ("03-04-2026", "2026-03-04"),
     ("20260304", "2026-03-04"), ("2026-03-04 10:20", "2026-03-04T10:20:00+00:00"),
     ("2026-03-04T10:20:30.5-05:00", "2026-03-04T10:20:30.5-05:00")],
)  # fmt: skip
def test_dates_stay_as_partial_as_they_are(written: str, read: str) -> None:
    assert observation(lab("1", on=written))["effectiveDateTime"] == read


@pytest.mark.parametrize("written", ["yesterday", "13-14-2026", "2026-02-30", "4.3.26", "2026-1"])
def test_a_bad_date_is_reported_with_its_cell_and_kept(written: str) -> None:
    found = lab("1", on=written)
    assert errors_of(found) == [("csv.bad-date", "entry table.csv, row[2], field effectiveDate")]
    one = observation(found)
    assert "effectiveDateTime" not in one
    assert written in str(one["extension"])
    assert written not in str(found.set_aside[0].error)
    assert_whole(found)


def test_a_word_that_fhir_does_not_have_is_reported_and_the_row_set_aside() -> None:
    found = convert_table(LAB + "7,o1,done,718-7,LN,N,1,,2026\n8,o2,final,718-7,LN,N,2,,2026\n")
    assert errors_of(found) == [("csv.unknown-code", "entry table.csv, row[2], field status")]
    assert [one.local_patient for one in found.patients] == ["8"]
    assert_whole(found)


@pytest.mark.parametrize(
    ("row", "code", "where"),
    [
        (",o1,final,718-7,LN,N,1,,2026", "csv.no-patient", "entry table.csv, row[2], field mrn"),
        ("NULL,o1,final,718-7,LN,N,1,,2026", "csv.no-patient", "entry table.csv, row[2], field mrn"),
        ("7,o1,final,718-7,LN,N,1,,2026,,x", "csv.ragged-row", "entry table.csv, row[2]"),
        ('7,"o1"x,final,718-7,LN,N,1,,2026', "csv.bad-quoting", "entry table.csv, row[2]"),
        ("7,o1,final,,,,1,,2026", "csv.invalid", "entry table.csv, row[2], field code"),
    ],
)
def test_a_bad_row_is_set_aside_and_the_next_goes_on(row: str, code: str, where: str) -> None:
    found = convert_table(f"{LAB}{row}\n8,o2,final,718-7,LN,N,2,,2026\n")
    assert errors_of(found) == [(code, where)]
    assert [one.local_patient for one in found.patients] == ["8"]
    assert found.account["leaves"]["unaccounted"] == 0


def test_a_short_row_lacks_what_it_lacks() -> None:
    found = convert_table(LAB + "7,o1,final,718-7,LN,N,1\n")
    assert (errors_of(found), found.warnings) == ([], {"csv.short-row": 1})


def test_a_number_of_the_source_comes_once_with_one_content() -> None:
    row = "7,o1,final,718-7,LN,N,1,,2026\n"
    assert errors_of(convert_table(LAB + row + row)) == []
    found = convert_table(LAB + row + row.replace(",1,", ",2,"))
    assert errors_of(found) == [("csv.repeated-number", "entry table.csv, row[3]")]
    assert len(resources_of(found, "Observation")) == 1


def test_two_statements_of_one_day_without_numbers_are_two() -> None:
    head = "mrn,conditionId,diseaseStatusCode,diseaseStatusText,dateOfObservation\n"
    found = convert_table(head + "7,c1,271299001,worse,2026-10-01\n7,c1,359746009,stable,2026-10-01\n")
    assert len(resources_of(found, "Observation")) == 2


def test_unknown_columns_are_kept_and_words_for_nothing_dropped() -> None:
    found = convert_table(LAB.strip() + ",shoeSize\n7,o1,final,718-7,LN,NULL,1,N/A,2026,43\n")
    fates = {one["source"]: (one["fate"], one["where"]) for one in found.leaves.details()}
    assert fates["observation.shoeSize"] == ("kept", ["Observation.extension"])
    assert fates["observation.displayName"] == ("dropped", ["csv.null-word"])
    assert fates["observation.value"][0] == "mapped"
    assert fates["observation.mrn"] == ("mapped", ["Observation.subject.reference"])
    assert_whole(found)


def test_a_spreadsheets_formula_for_text_is_its_text_and_others_are_only_text() -> None:
    patient = "mrn,familyName,dateOfBirth\n"
    found = convert_table(patient + '"=""00123""",=HYPERLINK(1),1980\n')
    assert found.patients[0].local_patient == "00123"
    assert resources_of(found, "Patient")[0]["name"][0]["family"] == "=HYPERLINK(1)"
    assert found.warnings["csv.formula-like"] == 1


def test_control_characters_do_not_reach_fhir() -> None:
    found = convert_table("mrn,familyName,dateOfBirth\n7,A\x00b\x07c,1980\n")
    assert resources_of(found, "Patient")[0]["name"][0]["family"] == "A b c"
    assert_whole(found)


def test_where_others_tell_who_the_patients_are_a_table_of_results_makes_no_patient() -> None:
    body = LAB + "7,o1,final,718-7,LN,N,1,,2026\n"
    assert len(resources_of(convert_table(body), "Patient")) == 1
    found = convert_table(body, alone=False)
    assert resources_of(found, "Patient") == []
    assert [one.value for one in found.patients[0].identifiers] == ["7"]


def test_one_patient_for_each_record_number_and_the_full_one_wins() -> None:
    from tests.unit.emr.csv.tables import feed_of
    from trialbridge.emr.convert import convert
    from trialbridge.emr.records import Entry

    results = Entry("1", "text/csv", (LAB + "7,o1,final,718-7,LN,N,1,,2026\n").encode())
    people = Entry("2", "text/csv", b"mrn,familyName,dateOfBirth\n7,Birch,1980\n")
    for entries in ([results, people], [people, results]):
        found = convert(entries, feed_of())
        (patient,) = resources_of(found, "Patient")
        assert patient["name"] == [{"family": "Birch"}]
        assert_whole(found)


@pytest.mark.parametrize(
    ("code", "system", "profile"),
    [
        ("C50.911", "ICD-10-CM", "mcode-primary-cancer-condition"),
        ("C79.51", "ICD-10-CM", "mcode-secondary-cancer-condition"),
        ("I10", "ICD-10-CM", "us-core-condition"),
        ("254637007", "SCT", "mcode-primary-cancer-condition"),
    ],
)
def test_the_code_of_a_condition_names_its_profile(code: str, system: str, profile: str) -> None:
    found = convert_table(f"mrn,conditionId,codeSystem,code,displayName\n7,c1,{system},{code},Name\n")
    (one,) = resources_of(found, "Condition")
    assert [name.rpartition("/")[2] for name in one["meta"]["profile"]] == [profile]
