"""The public samples of the mCODE extraction layouts: all valid, nothing dangling, every cell accounted for."""

import csv
from pathlib import Path

import pytest

from tests.unit.emr.csv.tables import assert_whole, convert_table, errors_of, resources_of
from trialbridge.emr.jsontext import canonical
from trialbridge.emr.sniff import media_type_of

KINDS = {
    "adverse-event-information": ("AdverseEvent", 3),
    "appointment-information": ("Appointment", 3),
    "cancer-disease-status-information": ("Observation", 3),
    "cancer-related-medication-administration-information": ("MedicationAdministration", 3),
    "cancer-related-medication-request-information": ("MedicationRequest", 3),
    "clinical-trial-information": ("ResearchSubject", 3),
    "condition-information": ("Condition", 3),
    "ctc-adverse-event-information": ("AdverseEvent", 3),
    "encounter-information": ("Encounter", 3),
    "observation-information": ("Observation", 3),
    "patient-information": ("Patient", 3),
    "patient-mrns": ("Patient", 4),
    "procedure-information": ("Procedure", 4),
    "staging-information": ("Observation", 17),
    "treatment-plan-change-information": ("CarePlan", 3),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_sample_becomes_valid_resources_and_every_cell_is_accounted_for(shared_data: Path, name: str) -> None:
    body = (shared_data / "mcode-csv" / f"{name}.csv").read_bytes()
    assert media_type_of(f"{name}.csv", body) == "text/csv"
    found = convert_table(body, f"{name}.csv")
    assert errors_of(found) == []
    kind, count = KINDS[name]
    assert len(resources_of(found, kind)) == count
    assert_whole(found)
    rows = list(csv.reader(body.decode().splitlines()))
    cells = sum(bool(cell.strip()) for row in rows[1:] for cell in row)
    leaves = found.account["leaves"]
    assert leaves["leaves"] == cells
    assert leaves["mapped"] + leaves["kept"] == cells
    assert leaves["mapped"] / cells >= 0.89


def test_the_name_of_a_file_is_not_needed(shared_data: Path) -> None:
    for name in KINDS:
        body = (shared_data / "mcode-csv" / f"{name}.csv").read_bytes()
        assert canonical(resources_of(convert_table(body, "1"))) == canonical(
            resources_of(convert_table(body, f"{name}.csv"))
        )
