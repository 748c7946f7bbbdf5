"""Patients written by hand: what is wrong is said with its place and what to write, without quoting the file."""

from typing import Any

import pytest

from tests.unit.criteria.language_examples import examples
from trialbridge.criteria.facts_checks import KINDS, Misfit, misfits

HERE = {"resource": "chart"}


def patient(**fact: Any) -> dict[str, Any]:
    return {"patient": "p", "facts": [{"evidence": HERE, **fact}]}


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [
        ({"facts": []}, "patient", "patient is missing."),
        ({"patient": "p", "facts": [], "fact": []}, "patient", "A key here is not known; did you mean 'facts'."),
        ({"patient": "p", "facts": [{"kind": "demographics"}]}, "facts[0].evidence",
            'evidence is missing, for example {"resource": "chart"}.'),
        (patient(kind="demografics"), "facts[0].kind", "There is no such kind of fact; did you mean 'demographics'."),
        (patient(kind=7), "facts[0].kind", "There is no such kind of fact: see facts.schema.json."),
        (patient(kind="demographics", birthdate="1960"), "facts[0]", "A key here is not known; did you mean 'birth_date'."),
        (patient(kind="demographics", birth_date="04.05.1960"), "facts[0].birth_date",
            "A date is written 2024, 2024-05, 2024-05-03 or 2024-05-03T10:30:00Z."),
        (patient(kind="therapy", end="2024-02-30"), "facts[0].end",
            "A date is written 2024, 2024-05, 2024-05-03 or 2024-05-03T10:30:00Z."),
        (patient(kind="diagnosis", codes=[{"sytem": "x"}]), "facts[0].codes[0]", "A key here is not known; did you mean 'system'."),
        (patient(kind="lab", value=1), "facts[0].loinc", "loinc is missing."),
        ("x", "facts", "A patient is an object with patient and facts."),
    ],
)  # fmt: skip
def test_a_misfit_is_said_with_its_place(document: Any, path: str, message: str) -> None:
    assert next(misfits(document)) == Misfit(path, message)


def test_nothing_of_the_file_is_repeated() -> None:
    document = patient(kind="Jane Roe 1960", **{"Jane Roe": "Jane Roe"})
    document["facts"].append(
        {"kind": "demographics", "evidence": {"Jane Roe": 1}, "Jane Roe": 2, "birth_date": "Jane Roe"}
    )
    said = " ".join(f"{one.path} {one.message}" for one in misfits(document))
    assert "Jane" not in said
    assert "facts[1].birth_date" in said


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_facts_of_the_pages_fit(kind: str) -> None:
    found = [fact for rows, _ in examples().values() for row in rows for fact in row.facts if fact["kind"] == kind]
    assert found
    said = list(misfits({"patient": "p", "facts": [{"evidence": HERE, **fact} for fact in found]}))
    # Some examples have a date that is none, to show what the engine makes of it.
    assert [one for one in said if not one.message.startswith("A date is written")] == []


def test_every_fault_is_told_at_once() -> None:
    document = patient(kind="variant", gene=7, presnt=True, source_class="somatc", allele_fraction="lots")
    document["facts"] += [
        {"kind": "demografics"},
        {"kind": "diagnosis", "evidence": HERE, "codes": ["x"], "effective": "soon", "status": "activ"},
        {
            "kind": "coverage",
            "evidence": {"resource": 1},
            "genes": ["EGFR", 2],
            "alterations": ["mutation", "copynumber"],
        },
    ]
    value = "The value is not of the type, or none of the words, that facts.schema.json has here"
    assert [tuple(one) for one in misfits(document)] == [
        ("facts[0].gene", f"{value}."),
        ("facts[0]", "A key here is not known; did you mean 'present'."),
        ("facts[0].source_class", f"{value}; did you mean 'somatic'."),
        ("facts[0].allele_fraction", f"{value}."),
        ("facts[1].kind", "There is no such kind of fact; did you mean 'demographics'."),
        ("facts[2].codes[0]", 'A coding is an object, for example {"text": "lung adenocarcinoma"}.'),
        ("facts[2].effective", "A date is written 2024, 2024-05, 2024-05-03 or 2024-05-03T10:30:00Z."),
        ("facts[2].status", f"{value}; did you mean 'active'."),
        ("facts[3].evidence.resource", f"{value}."),
        ("facts[3].genes[1]", f"{value}."),
        ("facts[3].alterations[1]", f"{value}."),
    ]
