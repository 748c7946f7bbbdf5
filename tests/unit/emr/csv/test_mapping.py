"""The mapping file: a hospital's own columns, words, units and dates; refused with path and nearest spelling where it is wrong."""

import jsonschema_rs
import pytest
import yaml

from tests.unit.emr.csv.tables import assert_whole, convert_table, errors_of, resources_of
from trialbridge.contracts.errors import Refused
from trialbridge.emr.csv.mapping import read_mapping, schema

LABS = """
version: 1
csv:
  dates: [DD.MM.YYYY, DD-MMM-YYYY]
  nulls: [entfällt]
  mrn_system: urn:oid:1.2.3
  files:
    - layout: observation
      columns:
        mrn: PATNR
        observationId: NR
        code: TEST
        value: WERT
        unit: EINHEIT
        effectiveDate: DATUM
        status: {value: final}
      codes:
        code:
          HB: {code: 718-7, system: http://loinc.org, display: Hemoglobin}
      units: {g/dl: g/dL}
      drop: {BEMERKUNG: free text that nobody needs}
"""
OWN = "PATNR;NR;TEST;WERT;EINHEIT;DATUM;BEMERKUNG\n7;1;HB;10,5;g/dl;03.04.2026;nett\n7;2;XX;3;;3-apr-2026;entfällt\n"


def test_own_columns_words_units_and_dates_are_read() -> None:
    found = convert_table(OWN, mapping=LABS)
    assert errors_of(found) == []
    hemoglobin, other = sorted(resources_of(found, "Observation"), key=lambda one: str(one["identifier"]))
    assert hemoglobin["code"] == {
        "coding": [{"system": "http://loinc.org", "code": "718-7", "display": "Hemoglobin"}],
        "text": "HB",
    }
    quantity = hemoglobin["valueQuantity"]
    assert (str(quantity["value"]), quantity["unit"], quantity["code"]) == ("10.5", "g/dl", "g/dL")
    assert hemoglobin["effectiveDateTime"] == other["effectiveDateTime"] == "2026-04-03"
    (patient,) = resources_of(found, "Patient")
    assert patient["identifier"][0]["system"] == "urn:oid:1.2.3"
    fates = {(one["source"], one["fate"]): one["where"] for one in found.leaves.details()}
    assert fates["observation.BEMERKUNG", "dropped"] == ["csv.not-wanted"]
    assert fates["observation.TEST", "mapped"]
    assert_whole(found)


def test_words_of_lists_are_translated() -> None:
    mapping = """
version: 1
csv:
  files:
    - name: leute*
      layout: patient
      columns: {mrn: ID, gender: Geschlecht, dateOfBirth: geboren}
      codes: {gender: {w: female, m: male}}
"""
    body = "ID,Geschlecht,geboren\n7,w,1980\n"
    (patient,) = resources_of(convert_table(body, "leute-1.csv", mapping), "Patient")
    assert patient["gender"] == "female"
    assert errors_of(convert_table(body, "other.csv", mapping)) == [("csv.unknown-layout", "entry other.csv, row[1]")]


def test_dates_of_a_mapping_leave_no_room_for_the_order_of_others() -> None:
    body = OWN.replace("03.04.2026", "03/04/2026")
    assert errors_of(convert_table(body, mapping=LABS)) == [("csv.bad-date", "entry table.csv, row[2], field DATUM")]


def test_a_column_that_the_mapping_needs_is_missed() -> None:
    found = convert_table(OWN.replace("PATNR", "PAT"), mapping=LABS.replace("layout:", "header: [NR]\n      layout:"))
    assert errors_of(found) == [("csv.no-column", "entry table.csv, row[1], field mrn")]


@pytest.mark.parametrize(
    ("text", "code", "path", "advice"),
    [
        ("version: 1\ncvs: {}\n", "mapping.unknown-key", "cvs", "did you mean 'csv'?"),
        ("version: 1\ncsv: {files: [{layot: patient}]}\n", "mapping.unknown-key", "csv.files[0].layot", "'layout'"),
        ("version: 1\ncsv: {files: [{layout: pacient}]}\n", "mapping.invalid", "csv.files[0].layout", "'patient'"),
        (
            "version: 1\ncsv: {files: [{layout: patient, columns: {famlyName: A}}]}\n",
            "mapping.invalid", "csv.files[0].columns.famlyName", "'familyName'",
        ),
        ("version: 1\ncsv: {files: [{layout: patient, columns: {mrn: {}}}]}\n", "mapping.invalid", "csv.files[0].columns.mrn", "either"),
        ("version: 1\ncsv: {dates: [DD.MM.YY]}\n", "mapping.invalid", "csv.dates[0]", "two digits"),
        ("version: 1\ncsv: {files: [{layout: patient, columns: [mrn]}]}\n", "mapping.invalid", "csv.files[0].columns", "object"),
        ("version: 2\n", "mapping.invalid", "version", ""),
        ("csv: {}\n", "mapping.invalid", "the file as a whole", "version"),
        ("version: 1\nversion: 1\n", "mapping.broken", None, ""),
        ("version: 1\nsource: &a x\ncsv: {charset: *a}\n", "mapping.broken", None, "aliases"),
        ("{", "mapping.broken", None, ""),
        ("- 1\n", "mapping.invalid", "the file as a whole", ""),
        (
            "version: 1\ngenomics: {samples: {A: {patient: '7', panel: soild}}, panels: {solid: {genes: [EGFR]}}}\n",
            "mapping.invalid", "genomics.samples.A.panel", "'solid'",
        ),
        ("version: 1\ngenomics: {panels: {p: {genes: [EGFR], source: tumour}}}\n", "mapping.invalid", "genomics.panels", ""),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_refused_with_path_and_advice(text: str, code: str, path: str | None, advice: str) -> None:
    with pytest.raises(Refused) as caught:
        read_mapping(text.encode(), "m.yaml")
    assert caught.value.code == code
    assert (caught.value.place.field or "").startswith(path or "")
    assert advice in caught.value.message


def test_the_schema_takes_what_is_read() -> None:
    validator = jsonschema_rs.validator_for(schema())
    document = yaml.safe_load(LABS)
    assert validator.is_valid(document)
    document["csv"]["files"][0]["layot"] = "x"
    assert not validator.is_valid(document)


def test_the_stamp_follows_the_content_and_not_its_spelling() -> None:
    one = read_mapping(b"version: 1\ncsv: {nulls: [x], charset: cp1252}\n", "a")
    same = read_mapping(b'{"csv": {"charset": "cp1252", "nulls": ["x"]}, "version": 1}', "b")
    other = read_mapping(b"version: 1\ncsv: {nulls: [y], charset: cp1252}\n", "a")
    assert one.stamp() == same.stamp() != other.stamp()
