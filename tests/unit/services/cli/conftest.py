"""The command line in process, and small files of records and trials to give it."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner, Result

from services.cli.app import app

Invoke = Callable[..., Result]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Return a function that runs the command with the given arguments, without any setting of the product around it."""
    for name in [name for name in os.environ if name.startswith("TRIALBRIDGE_")]:
        monkeypatch.delenv(name)

    def invoke(*arguments: str | Path) -> Result:
        result = CliRunner().invoke(app, [str(one) for one in arguments])
        unexpected = result.exception is not None and not isinstance(result.exception, SystemExit)
        assert not unexpected, result.exception
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.fixture
def trials(tmp_path: Path) -> Path:
    """Return a folder with a native YAML trial of two arms (one with dose levels), a JSON and a CTML one."""
    folder = tmp_path / "trials"
    folder.mkdir()
    (folder / "arms.yaml").write_text(ARMS)
    (folder / "plain.json").write_bytes(
        orjson.dumps({"id": "T-PLAIN", "title": "Adults", "phase": "I", "lab": "l", "criteria": {"age": {"min": 18}}})
    )
    (folder / "ctml.yml").write_text(CTML)
    return folder


def bundle(name: str, born: str = "1960-02-03") -> dict[str, Any]:
    """Return a FHIR bundle about one woman with adenocarcinoma of the lung and ECOG 1."""
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": resource} for resource in records(name, born)],
    }


def records(name: str, born: str = "1960-02-03") -> list[dict[str, Any]]:
    """Return one patient's resources."""
    subject = {"reference": f"Patient/{name}"}
    return [
        {"resourceType": "Patient", "id": name, "gender": "female", "birthDate": born},
        {
            "resourceType": "Condition", "id": f"c-{name}", "subject": subject, "recordedDate": "2026-01-10",
            "clinicalStatus": {"coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C34.90"}]},
        },
        {
            "resourceType": "Observation", "id": f"e-{name}", "status": "final", "subject": subject,
            "effectiveDateTime": "2026-05-20", "valueInteger": 1,
            "code": {"coding": [{"system": "http://loinc.org", "code": "89247-1"}]},
        },
    ]  # fmt: skip


def facts(name: str, born: str = "1960-02-03") -> dict[str, Any]:
    """Return a patient as a facts file has it."""
    evidence = {"resource": f"Patient/{name}"}
    return {
        "patient": name,
        "facts": [
            {"kind": "demographics", "birth_date": born, "sex": "female", "evidence": evidence},
            {
                "kind": "diagnosis", "evidence": evidence, "effective": "2026-01-10", "status": "active",
                "codes": [{"system": "http://oncotree.mskcc.org", "code": "LUAD"}],
            },
            {"kind": "performance", "scale": "ecog", "value": 1, "evidence": evidence, "effective": "2026-05-20"},
        ],
    }  # fmt: skip


def write(path: Path, *values: Mapping[str, Any]) -> Path:
    """Write JSON, or NDJSON where there are several values or the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\n".join(orjson.dumps(value) for value in values) + b"\n")
    return path


def lines(text: str) -> list[dict[str, Any]]:
    """Return the JSON objects of a text, one a line."""
    return [orjson.loads(line) for line in text.splitlines()]


def v2_message(mrn: str, *, control: str = "1", kind: str = "ADT^A01") -> bytes:
    """Return an HL7 v2 message about one patient."""
    segments = (
        f"MSH|^~\\&|EHR|NORTH|TB|NET|20260501080000||{kind}|{control}|P|2.5.1",
        "EVN|A01|20260501080000",
        f"PID|1||{mrn}^^^NORTH^MR||Example^Eva||19600203|F",
        "PV1|1|O",
    )
    return "\r".join(segments).encode() + b"\r"


ARMS = """\
id: T-ARMS
title: Lung cancer, two arms
phase: II
lab: l
criteria:
  all:
    - age: {min: 18}
    - performance: {scale: ecog, max: 2}
arms:
  - code: A
    title: Arm A
    criteria: {age: {max: 75}}
    dose_levels:
      - {code: "1", criteria: {age: {max: 70}}}
      - {code: "2"}
  - code: B
    title: Arm B
    criteria: {variant: {gene: EGFR}}
"""

CTML = """\
protocol_no: T-CTML
nct_id: ""
long_title: Adults in CTML
short_title: CTML
phase: I
status: open
age: Adults
site_list: {site: [{site_name: North, site_status: Open to Accrual}]}
_summary: {status: [{value: open to accrual}]}
treatment_list:
  step:
    - step_code: "1"
      step_internal_id: 1
      match: [{and: [{clinical: {age_numerical: ">=18"}}]}]
      arm:
        - {arm_code: C1, arm_suspended: N, match: [{clinical: {gender: Female}}], dose_level: []}
"""
