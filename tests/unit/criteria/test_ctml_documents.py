"""Whole CTML documents: particulars, steps, arms, dose levels; unknown keys wherever they stand."""

from typing import Any

import msgspec
import pytest
import yaml

from tests.unit.criteria.ctml_tables import native
from trialbridge.criteria.compiler import compile_text
from trialbridge.criteria.writing import text_of

TRIAL = """
protocol_no: 11-111
nct_id: NCT01234567
long_title: A long title
short_title: Short
phase: [I, II]
age: Adults
status: Open to Accrual
_summary: {status: [{value: Suspended}]}
principal_investigator: Somebody
staff_list: {protocol_staff: []}
prior_treatment_requirements: [At least one line]
sponsor_list: {sponsor: [{sponsor_name: First, is_principal_sponsor: N}, {sponsor_name: Second, is_principal_sponsor: Y}]}
site_list:
  site:
  - {site_name: North House, site_status: Recruiting, coordinating_center: Y, uses_cancer_center_irb: N}
  - {site_name: North house, site_status: Not yet recruiting}
drug_list: {drug: [{drug_name: sotorasib}]}
match: [{clinical: {age_numerical: ">=18"}}]
treatment_list:
  step:
  - step_code: "1"
    step_internal_id: 7
    match: [{clinical: {gender: Female}}]
    arm:
    - arm_code: A
      arm_internal_id: 8
      arm_description: First arm
      arm_suspended: n
      match: [{genomic: {hugo_symbol: KRAS, variant_category: Mutation}}]
      dose_level:
      - {level_code: "1", level_internal_id: 9, level_description: low, level_suspended: "Yes"}
      - {level_code: "2", level_suspended: "No", match: [{clinical: {her2_status: Negative}}]}
    - {arm_internal_id: 12, arm_suspended: Y}
  - step_code: "2"
    arm:
    - {arm_code: A, arm_info: more}
  - {step_code: S3, match: [{clinical: {gender: Male}}]}
"""


def test_a_whole_document() -> None:
    compiled = compile_text(TRIAL)
    assert compiled.trial is not None, compiled.diagnostics
    trial = msgspec.to_builtins(compiled.trial)
    assert trial["id"] == "11-111"
    assert (trial["nct_id"], trial["title"], trial["phase"]) == ("NCT01234567", "A long title", "I/II")
    assert (trial["status"], trial["sponsor"], trial["drugs"]) == ("suspended", "Second", ("sotorasib",))
    assert [(one["id"], one.get("status", "recruiting")) for one in trial["sites"]] == [
        ("north-house", "recruiting"),
        ("north-house-2", "not_yet_recruiting"),
    ]
    assert compiled.trial.criteria == native("{age: {min: 18}}")
    assert [(arm.code, arm.status) for arm in compiled.trial.arms] == [
        ("A", "open"),
        ("12", "suspended"),
        ("A/2", "open"),
        ("S3", "open"),
    ]
    first, second, _, last = compiled.trial.arms
    assert first.criteria == native("{all: [{sex: {any_of: [female]}}, {variant: {gene: KRAS}}]}")
    assert second.criteria == native("{sex: {any_of: [female]}}")
    assert last.criteria == native("{sex: {any_of: [male]}}")
    assert [(one.code, one.status) for one in first.dose_levels] == [("1", "suspended"), ("2", "open")]
    assert first.dose_levels[1].criteria == native("{expression: {marker: HER2, any_of: [negative]}}")


def test_what_has_no_place_in_the_native_form_is_said() -> None:
    found = {(one.code, one.path) for one in compile_text(TRIAL).diagnostics if one.severity != "note"}
    assert found == {
        ("trial.free-text", "prior_treatment_requirements"),
        ("trial.not-kept", "principal_investigator"),
        ("trial.not-kept", "sponsor_list"),
        ("trial.not-kept", "status"),
        ("trial.not-kept", "treatment_list.step[1].arm[0].arm_info"),
    }


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"arm_suspended": "N"}, "open"),
        ({"arm_suspended": "Y"}, "suspended"),
        ({"arm_status": "open", "arm_suspended": "Y"}, "suspended"),
        ({"arm_status": "closed", "arm_suspended": "N"}, "closed"),
        ({"arm_status": "suspended", "arm_suspended": "Y"}, "suspended"),
    ],
)
def test_an_arm_that_one_key_closes_is_closed(said: dict[str, str], status: str) -> None:
    match = [{"clinical": {"gender": "Male"}}]
    document = {"protocol_no": "T", "treatment_list": {"step": [{"arm": [{"arm_code": "A", **said, "match": match}]}]}}
    compiled = compile_text(text_of(document))
    assert compiled.trial is not None
    assert compiled.trial.arms[0].status == status


def test_a_status_beside_the_summarys_is_read_all_the_same() -> None:
    document = {
        "protocol_no": "T",
        "match": [{"clinical": {"gender": "Male"}}],
        "_summary": {"status": [{"value": "open to accrual"}]},
    }
    compiled = compile_text(text_of({**document, "status": "closed to accrual"}))
    assert compiled.trial is not None
    assert compiled.trial.status == "open"
    assert [(one.code, one.path) for one in compiled.diagnostics] == [("trial.not-kept", "status")]
    assert [one.path for one in compile_text(text_of({**document, "status": "opn"})).diagnostics][:1] == ["status"]
    same = compile_text(text_of({**document, "status": "open"})).diagnostics
    assert [(one.severity, one.path) for one in same] == [("note", "status")]


def test_an_age_group_without_an_age_is_warned_of() -> None:
    text = "protocol_no: X\nage: Adults\nmatch: [{clinical: {gender: Male}}]"
    assert [one.path for one in compile_text(text).diagnostics] == ["age"]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every object in a document."""
    if isinstance(value, dict):
        return [path, *(place for key, one in value.items() for place in places(one, (*path, key)))]
    if isinstance(value, list):
        return [place for number, one in enumerate(value) for place in places(one, (*path, number))]
    return []


# What holds free text about people is not looked into: it is not kept as a whole, which is said.
LOOKED_INTO = [
    place for place in places(yaml.safe_load(TRIAL)) if not place or place[0] not in ("staff_list", "_summary")
]


@pytest.mark.parametrize("place", LOOKED_INTO, ids=str)
def test_an_unknown_key_is_refused_wherever_it_stands(place: tuple[Any, ...]) -> None:
    document = yaml.safe_load(TRIAL)
    holder = document
    for step in place:
        holder = holder[step]
    holder["surprise"] = "x"
    compiled = compile_text(yaml.safe_dump(document, sort_keys=False))
    assert not compiled.ok
    assert any(one.code == "trial.unknown-key" and one.path.endswith("surprise") for one in compiled.diagnostics)


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("status", "Opn", "unknown-word"),
        ("phase", {"a": 1}, "wrong-type"),
        ("treatment_list", [1], "wrong-type"),
        ("treatment_list", {"step": {"arm": []}}, "wrong-type"),
        ("treatment_list", {"step": [1]}, "wrong-type"),
        ("match", {"clinical": {}}, "wrong-type"),
        ("site_list", {"site": [{"site_name": "N", "site_status": "somewhat"}]}, "unknown-word"),
        ("site_list", {"site": [1]}, "wrong-type"),
        ("drug_list", [], "wrong-type"),
        ("_trialbridge", [], "wrong-type"),
        ("_trialbridge", {"review": "perhaps"}, "wrong-type"),
        ("treatment_list", {"step": [{"arm": [{"arm_code": "A", "arm_suspended": "perhaps"}]}]}, "unknown-word"),
    ],
)
def test_particulars_that_are_not_understood_are_refused(key: str, value: Any, code: str) -> None:
    document = {**yaml.safe_load(TRIAL), key: value}
    if key == "status":
        del document["_summary"]
    found = [
        one for one in compile_text(yaml.safe_dump(document, sort_keys=False)).diagnostics if one.severity == "error"
    ]
    assert [one.code for one in found] == [f"trial.{code}"]
    assert found[0].path.startswith(key)
    assert found[0].line
