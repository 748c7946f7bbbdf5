"""The published schemas: what the compiler and the readers of facts take validates, what is of the wrong shape does not."""

from typing import Any

import jsonschema_rs
import msgspec
import orjson
import pytest
import yaml

from infra.generate.facts_schema import facts_schema
from infra.generate.trial_schema import trial_schema
from tests.unit.criteria.language_examples import Example, examples
from tests.unit.criteria.test_writing import EVERYTHING
from trialbridge.criteria.compiler import compile_text
from trialbridge.criteria.ctml import is_ctml
from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.documents import read_text
from trialbridge.criteria.facts import PatientFacts
from trialbridge.criteria.writing import surface_form, text_of
from trialbridge.testkit.trials import demo_trials, open_data_trials

TRIAL = jsonschema_rs.validator_for(trial_schema())
FACTS = jsonschema_rs.validator_for(facts_schema())
EXAMPLES = [one for rows, _ in examples().values() for one in rows]
TEXTS = [text for _, text in (*demo_trials(), *open_data_trials()) if not is_ctml(yaml.safe_load(text))]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one.kind}: {one.when}")
def test_every_example_validates(example: Example) -> None:
    trial = example.trial
    assert list(TRIAL.iter_errors(trial)) == []
    compiled = compile_text(text_of(trial))
    assert compiled.trial is not None
    assert list(TRIAL.iter_errors(orjson.loads(text_of(surface_form(compiled.trial), "json")))) == []


@pytest.mark.parametrize("text", [EVERYTHING, *TEXTS])
def test_every_trial_validates(text: str) -> None:
    document, _ = read_text(text, Problems())
    assert list(TRIAL.iter_errors(orjson.loads(text_of(document, "json")))) == []


@pytest.mark.parametrize(
    ("criteria", "code"),
    [
        ({"aeg": {"min": 18}}, "unknown-key"),
        ({"age": {"minn": 18}}, "unknown-key"),
        ({"age": {"min": 18}, "sex": {"any_of": ["male"]}}, "not-one-key"),
        ({}, "not-one-key"),
        ([{"age": {"min": 18}}], "bare-list"),
        ({"age": 18}, "wrong-type"),
        ({"age": {"min": "old"}}, "wrong-type"),
        ({"age": {"min": 1.5}}, "wrong-type"),
        ({"all": []}, "empty-group"),
        ({"all": {"age": {"min": 18}}}, "wrong-type"),
        ({"at_least": {"of": [{"age": {"min": 18}}]}}, "no-count"),
        ({"sex": {}}, "no-value"),
        ({"sex": {"any_of": []}}, "empty-list"),
        ({"sex": {"any_of": ["man"]}}, "unknown-word"),
        ({"variant": {"gene": "KRAS", "codons": [1]}}, "wrong-type"),
        ({"variant": {"gene": "KRAS", "oncogenic": "perhaps"}}, "wrong-type"),
        ({"lab": {"test": "hemoglobin", "min": "much", "unit": "g/dL"}}, "wrong-type"),
        ({"pregnancy": {"within": "long"}}, "bad-period"),
        ({"pregnancy": {"within": {"days": 1, "weeks": 1}}}, "bad-period"),
        ({"pregnancy": {"within": {"fortnights": 1}}}, "unknown-key"),
        ({"procedure": {"names": ["x"], "before": "2026-05"}}, "bad-moment"),
    ],
)
def test_a_criterion_of_the_wrong_shape_does_not_validate(criteria: Any, code: str) -> None:
    trial = {"id": "T", "criteria": criteria}
    compiled = compile_text(text_of(trial, "json"))
    assert f"trial.{code}" in {one.code for one in compiled.diagnostics}
    assert not compiled.ok
    assert not TRIAL.is_valid(trial)


@pytest.mark.parametrize(
    "wrong",
    [
        {"titel": "x"},
        {"arms": [{"title": "no code"}]},
        {"arms": {"code": "A"}},
        {"arms": [{"code": "A", "status": "ajar"}]},
        {"arms": [{"code": "A", "dose_levels": [{"code": "1", "dose": 5}]}]},
        {"sites": [{"name": "no id"}]},
        {"review": "perhaps"},
        {"language": 2},
        {"id": None},
    ],
)
def test_particulars_of_the_wrong_shape_do_not_validate(wrong: dict[str, Any]) -> None:
    trial = {"id": "T", "criteria": {"age": {"min": 18}}, **wrong}
    assert not compile_text(text_of(trial, "json")).ok
    assert not TRIAL.is_valid(trial)


def test_a_trial_needs_an_id() -> None:
    assert not TRIAL.is_valid({"criteria": {"age": {"min": 18}}})


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one.kind}: {one.when}")
def test_the_facts_of_every_example_validate(example: Example) -> None:
    patient = PatientFacts(patient="p", facts=example.known())
    for body in (msgspec.json.encode(patient), msgspec.json.Encoder(decimal_format="number").encode(patient)):
        assert list(FACTS.iter_errors(orjson.loads(body))) == []


EVIDENCE = {"resource": "Observation/1"}


@pytest.mark.parametrize(
    "fact",
    [
        {"kind": "sample", "evidence": EVIDENCE},
        {"kind": "performance", "scale": "ecog", "value": 1},
        {"kind": "performance", "scale": "ecog", "value": "one", "evidence": EVIDENCE},
        {"kind": "performance", "scale": "who", "value": 1, "evidence": EVIDENCE},
        {"kind": "performance", "scale": "ecog", "valeu": 1, "evidence": EVIDENCE},
        {"kind": "lab", "loinc": "718-7", "value": "high", "evidence": EVIDENCE},
        {"kind": "demographics", "birth_date": "1.2.1960", "evidence": EVIDENCE},
        {"kind": "coverage", "genes": "KRAS", "evidence": EVIDENCE},
    ],
)
def test_a_fact_of_the_wrong_shape_does_not_validate(fact: dict[str, Any]) -> None:
    assert not FACTS.is_valid({"patient": "p", "facts": [fact]})


def test_a_patient_without_facts_is_one_and_one_without_an_id_is_none() -> None:
    assert FACTS.is_valid({"patient": "p", "facts": []})
    assert not FACTS.is_valid({"facts": []})
    assert not FACTS.is_valid({"patient": "p"})


def test_the_schemas_say_their_version_and_explain_every_kind() -> None:
    trial, facts = trial_schema(), facts_schema()
    assert (trial["$id"], facts["$id"]) == ("urn:trialbridge:trial:1", "urn:trialbridge:facts:1")
    for schema in (trial, facts):
        assert [name for name, one in schema["$defs"].items() if not one.get("description")] == (
            ["criteria"] if schema is trial else []
        )
