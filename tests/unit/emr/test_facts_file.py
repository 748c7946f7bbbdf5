"""Files of facts: all faults of a patient at once, and the good patients beside bad ones."""

from pathlib import Path

import orjson
import pytest

from trialbridge.contracts.errors import Place
from trialbridge.criteria.facts import PatientFacts
from trialbridge.emr.facts_file import is_facts_file
from trialbridge.emr.files import read_patients

GOOD = b'{"patient":"p1","facts":[{"kind":"variant","gene":"EGRF","evidence":{"resource":"x"}}]}'


def test_a_broken_line_stops_no_other(tmp_path: Path) -> None:
    path = tmp_path / "p.ndjson"
    path.write_bytes(b"{broken\n\n" + GOOD + b"\r\n[1]\n" + GOOD.replace(b"p1", b"p2") + b"\n")
    found = list(read_patients(path))
    assert [one.patient for one in found if isinstance(one, PatientFacts)] == ["p1", "p2"]
    faults = [one.error for one in found if not isinstance(one, PatientFacts)]
    assert [(one.code, one.place.message) for one in faults] == [("json.broken", 1), ("facts.invalid", 3)]


def test_each_fault_of_a_patient_is_set_aside_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(orjson.dumps({"patient": 1, "facts": [{"kind": "x"}, {"kind": "lab", "evidence": {}}]}))
    found = list(read_patients(path))
    assert [one.error.place.field for one in found if not isinstance(one, PatientFacts)] == [
        "patient", "facts[0].kind", "facts[1].evidence.resource", "facts[1].loinc", "facts[1].value",
    ]  # fmt: skip


def test_unknown_words_are_warned_of_and_taken(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(GOOD)
    told: list[tuple[Place, str, str]] = []
    (one,) = read_patients(path, warn=lambda place, code, message: told.append((place, code, message)))
    assert isinstance(one, PatientFacts)
    assert [(str(place), code) for place, code, _ in told] == [("p.json, field facts[0].gene", "facts.unknown-gene")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (GOOD, True), (b"\xef\xbb\xbf [" + GOOD + b"]", True), (GOOD + b"\n" + GOOD, True), (b"{x\n" + GOOD, True),
        (b'{"resourceType": "Bundle", "facts": []}', False), (b'{"patient": "p"}', False), (b"", False),
        (b'patient,"facts"', False), (b'{"patient": "p", "facts": [', False), (b"[]", False),
    ],
)  # fmt: skip
def test_a_facts_file_is_told_by_its_first_object(body: bytes, expected: bool) -> None:
    assert is_facts_file(body) is expected
