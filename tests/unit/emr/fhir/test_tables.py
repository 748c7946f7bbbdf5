"""The tables of editions say only what the editions and R4 know, and are those that the makers make."""

from importlib.resources import files
from typing import Any

import pytest
from fhir_core.fhirabstractmodel import FHIRAbstractModel

from trialbridge.emr import tables
from trialbridge.emr.fhir import elements_maker, schema_maker
from trialbridge.emr.fhir.changes import ACTIONS
from trialbridge.emr.fhir.checks import fits, resource_types
from trialbridge.emr.fhir.elements import OLDER, Edition, elements_of
from trialbridge.emr.fhir.rules import renamed, rules_of, type_name
from trialbridge.emr.jsontext import encode
from trialbridge.emr.tables.rows import rows

ROWS: list[Any] = [(edition, *row[1:]) for row in rows("fhir_changes") for edition in row[0].split(",")]
NEW_NAME = {"name", "note", "under"}


def test_the_table_of_elements_is_what_the_models_say(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two thousand models are looked at and none is used: half of the time is for what would check their values.
    monkeypatch.setitem(FHIRAbstractModel.model_config, "defer_build", True)
    text = files(tables).joinpath("fhir_elements.tsv").read_text("utf-8")
    assert text == elements_maker.HEAD + "".join(f"{line}\n" for line in elements_maker.lines())


def test_the_schema_is_what_the_models_say() -> None:
    assert files(tables).joinpath("r4.json").read_bytes() == encode(schema_maker.build()) + b"\n"


def test_each_rule_is_about_an_element_that_there_is_and_leads_to_one() -> None:
    wrong = [row[:3] for row in ROWS if not holds_together(*row[:4])]
    assert wrong == []


def holds_together(edition: Edition, path: str, action: str, argument: str) -> bool:
    owner, _, name = path.rpartition(".") if "." in path else (path, "", "")
    root = owner.split(".")[0]
    target_root = renamed(edition).get(root, root)
    if edition not in OLDER or action not in ACTIONS:
        return False
    if action == "resource":
        return argument in resource_types()
    old = elements_of(edition, type_name(owner))
    # A part keeps its name, or goes where its owner went.
    new = elements_of("R4", type_name(owner.replace(root, target_root, 1)))
    if old is None or action == "default":
        return old is not None and (new is None or name in new)
    return name in old and (action not in NEW_NAME or new is None or argument.split(maxsplit=1)[0] in new)


@pytest.mark.parametrize("row", rows("fhir_retractions"), ids=lambda row: row[0])
def test_a_retraction_is_a_code_that_r4_knows(row: tuple[str, ...]) -> None:
    kind, element, system, code = row
    kinds = elements_of("R4", kind) or {}
    assert kinds[element].name == ("CodeableConcept" if system else "boolean" if code == "false" else "code")


@pytest.mark.parametrize("row", rows("required_concepts"), ids=lambda row: row[0])
def test_a_required_concept_must_have_a_code_of_its_list(row: tuple[str, ...]) -> None:
    path, system, codes = row
    kind, _, element = path.partition(".")
    subject = "patient" if kind == "AllergyIntolerance" else "subject"
    base = {"resourceType": kind, "id": "a", subject: {"reference": "Patient/p"}}
    for code in codes.split():
        assert fits({**base, element: {"coding": [{"code": "x"}, {"system": system, "code": code}]}})
    for concept in (
        {"text": "x"},
        {"coding": [{"system": system, "code": "x"}]},
        {"coding": [{"code": codes.split()[0]}]},
    ):
        assert not fits({**base, element: concept})


def test_rules_are_found_by_type() -> None:
    assert rules_of("STU3", "EncounterDiagnosis")["role"][0].argument == "use"
    assert renamed("DSTU2")["MedicationOrder"] == "MedicationRequest"
