"""Tables and variant files on the command line: a folder of them speaks of the same patients, with or without a mapping file."""

import gzip
from pathlib import Path

import orjson
import pytest

from tests.unit.emr.genomics.files import egfr, vcf
from tests.unit.services.cli.conftest import Invoke, lines

MAPPING = """
version: 1
genomics:
  samples: {T1: {patient: "7", panel: solid}}
  panels: {solid: {genes: [EGFR, KRAS]}}
"""
TRIAL = {
    "id": "T-EGFR",
    "title": "EGFR",
    "phase": "II",
    "lab": "l",
    "criteria": {
        "all": [
            {"age": {"min": 18}},
            {"diagnosis": {"oncotree": ["LUNG"]}},
            {"variant": {"gene": "EGFR", "protein_change": ["p.L858R"]}},
            {"wild_type": {"gene": "KRAS"}},
        ]
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one patient's tables and compressed VCF, its mapping and a trial beside it."""
    made = tmp_path / "records"
    made.mkdir()
    (made / "patient-information.csv").write_text("mrn,familyName,gender,dateOfBirth\n7,Birch,female,1960-02-03\n")
    (made / "condition-information.csv").write_text(
        "mrn,conditionId,codeSystem,code,displayName,clinicalStatus\n7,c1,ICD-10-CM,C34.11,Lung cancer,active\n"
    )
    (made / "run.vcf.gz").write_bytes(gzip.compress(vcf(egfr())))
    (tmp_path / "mapping.yaml").write_text(MAPPING)
    (tmp_path / "trial.json").write_bytes(orjson.dumps(TRIAL))
    return made


def test_a_folder_of_tables_and_variant_files_is_one_patient_judged_as_a_whole(cli: Invoke, folder: Path) -> None:
    given = ("match", folder, folder.parent / "trial.json", "--as-of", "2026-06-01", "--json")
    result = cli(*given, "--mapping", folder.parent / "mapping.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    (found,) = lines(result.stdout)
    assert (found["patient"], found["outcome"]) == ("7", "eligible")
    assert all(one["evidence"] for one in found["criteria"] if one["kind"] != "all")


def test_without_a_mapping_the_sample_is_of_nobody_and_says_nothing(cli: Invoke, folder: Path) -> None:
    result = cli("match", folder, folder.parent / "trial.json", "--as-of", "2026-06-01", "--json")
    assert result.exit_code == 1
    assert "genomics.unknown-sample" in result.stderr
    (found,) = lines(result.stdout)
    assert found["outcome"] == "potentially"


def test_a_folder_is_converted_with_one_patient_and_its_account(cli: Invoke, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = cli(
        "convert",
        folder,
        "--out",
        out,
        "--mapping",
        tmp_path / "mapping.yaml",
        "--account",
        tmp_path / "account",
        "--json",
    )
    assert result.exit_code == 0
    report = orjson.loads(result.stdout)
    assert report["resources"] == {"Condition": 1, "DiagnosticReport": 1, "Observation": 2, "Patient": 1}
    assert report["account"]["leaves"]["unaccounted"] == 0
    patient = orjson.loads((out / "Patient.ndjson").read_bytes())
    condition = orjson.loads((out / "Condition.ndjson").read_bytes())
    assert condition["subject"]["reference"] == f"Patient/{patient['id']}"
    rows = [orjson.loads(line) for line in (tmp_path / "account").read_bytes().splitlines()]
    assert {row["source"].partition(".")[0] for row in rows} == {"patient", "condition", "vcf"}


def test_a_wrong_mapping_is_refused_with_path_and_advice(cli: Invoke, folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("version: 1\ngenomics: {sampels: {}}\n")
    result = cli("convert", folder, "--out", tmp_path / "out", "--mapping", wrong)
    assert result.exit_code != 0
    assert "mapping.unknown-key" in result.stderr
    assert "did you mean 'samples'?" in result.stderr
    assert "genomics.sampels" in result.stderr
