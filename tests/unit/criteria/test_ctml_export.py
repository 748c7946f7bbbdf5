"""CTML written: reading an export gives the same trial, whatever it was read from; what CTML cannot say is a located error."""

from typing import Any

import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.unit.criteria.ctml_tables import CLINICAL, GENOMIC, TREATMENT, native
from trialbridge.criteria.compiler import compile_text
from trialbridge.criteria.ctml_clinical import CLINICAL_KEYS, TREATMENT_KEYS
from trialbridge.criteria.ctml_export import export
from trialbridge.criteria.ctml_genomic import KEYS
from trialbridge.criteria.writing import surface_form, text_of

Json = dict[str, Any]


def leaves(table: list[tuple[str, str]]) -> list[Json]:
    return [yaml.load(f"{{{given}}}", Loader=yaml.BaseLoader) for given, _ in table]  # noqa: S506 - knows text only


CLINICAL_LEAVES, GENOMIC_LEAVES, TREATMENT_LEAVES = leaves(CLINICAL), leaves(GENOMIC), leaves(TREATMENT)


def shouted(leaf: Json, how: int) -> Json:
    """Return a leaf with its keys in upper case, with one value excluded by ``!`` or by a ``no_`` key, or as it is."""
    free = (key for key in leaf if not key.startswith("no_") and f"no_{key}" not in leaf)
    plain = [key for key in free if isinstance(leaf[key], str) and not leaf[key].startswith("!")]
    if how == 0:
        return {key.upper(): value for key, value in leaf.items()}
    if how == 1 and plain:
        return {**leaf, plain[0]: f"!{leaf[plain[0]]}"}
    if how == 2 and plain:
        return {**leaf, f"no_{plain[0]}": "true"}
    return leaf


def varied(table: list[Json]) -> st.SearchStrategy[Json]:
    return st.builds(shouted, st.sampled_from(table), st.integers(0, 9))


def joined(some: list[Json]) -> Json:
    """Return one leaf with the keys of several, each once."""
    leaf: Json = {}
    for one in some:
        asked = {key.casefold().removeprefix("no_") for key in leaf}
        leaf.update({} if asked & {key.casefold().removeprefix("no_") for key in one} else one)
    return {"clinical": leaf}


LEAF = st.one_of(
    st.lists(varied(CLINICAL_LEAVES), min_size=1, max_size=3).map(joined),
    varied(GENOMIC_LEAVES).map(lambda one: {"genomic": one}),
    varied(TREATMENT_LEAVES).map(lambda one: {"prior_treatment": one}),
)
NODE = st.recursive(
    LEAF,
    lambda inner: st.builds(
        lambda word, members: {word: members},
        st.sampled_from(["or", "and", "or_1", "And2", "OR"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)
MATCH = st.one_of(st.lists(NODE, max_size=1), st.lists(NODE, max_size=3))
YES = st.sampled_from(["Y", "N", "Yes", "no", "true", ""])
WORD = st.sampled_from(["A", "b c", "1", "1e5", "Ö: x", "yes", "#", "- a", "null", "0.10"])
LEVEL: st.SearchStrategy[Json] = st.fixed_dictionaries(
    {"level_code": WORD, "level_suspended": YES},
    optional={"match": MATCH, "level_description": WORD, "level_internal_id": st.integers(0, 9)},
)
ARM = st.fixed_dictionaries(
    {"arm_code": WORD, "arm_suspended": YES},
    optional={
        "match": MATCH,
        "arm_description": WORD,
        "dose_level": st.lists(LEVEL, max_size=2, unique_by=lambda level: level["level_code"]),
        "arm_status": st.sampled_from(["open", "closed"]),
    },
)
STEP = st.fixed_dictionaries({"step_code": WORD}, optional={"match": MATCH, "arm": st.lists(ARM, max_size=2)})
DOCUMENT = st.fixed_dictionaries(
    {
        "protocol_no": WORD,
        "match": st.lists(NODE, min_size=1, max_size=2),
        "treatment_list": st.fixed_dictionaries({"step": st.lists(STEP, max_size=2)}),
    },
    optional={
        "nct_id": st.just("NCT01234567"),
        "long_title": WORD,
        "phase": st.sampled_from(["I", ["I", "II"]]),
        "status": st.sampled_from(["Open to Accrual", "Suspended", "Completed", "Not yet recruiting"]),
        "_summary": st.just({"status": [{"value": "closed to accrual"}]}),
        "drug_list": st.just({"drug": [{"drug_name": "a"}, {"drug_name": "b"}]}),
        "sponsor_list": st.just({"sponsor": [{"sponsor_name": "S", "is_principal_sponsor": "Y"}]}),
        "site_list": st.lists(
            st.fixed_dictionaries({"site_name": WORD, "site_status": st.sampled_from(["Recruiting", "Suspended", "New"])}), max_size=3
        ).map(lambda sites: {"site": sites}),
        "_trialbridge": st.just({"lab": "l", "review": True}),
    },
)  # fmt: skip
LOGIC = {"trial.contradiction", "trial.unreachable-arm", "trial.no-criteria", "trial.always-met", "trial.never-met"}
"""What a sum of sound leaves may still be refused for."""


def round_trip(document: Json) -> None:
    one = compile_text(text_of(document))
    if one.trial is None:
        event("refused")
        assert {found.code for found in one.diagnostics if found.severity == "error"} <= LOGIC, one.diagnostics
        return
    event(f"read, {len(one.trial.arms)} arms")
    written = export(one.trial)
    assert written.document is not None, written.diagnostics
    assert compile_text(text_of(written.document)).definition == one.definition
    assert compile_text(text_of(written.document, "json")).definition == one.definition
    assert compile_text(text_of(surface_form(one.trial))).definition == one.definition


@settings(max_examples=100)
@given(DOCUMENT)
def test_reading_an_export_gives_the_same_trial(document: Json) -> None:
    round_trip(document)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=5_000)
@given(DOCUMENT)
def test_reading_thousands_of_exports_gives_the_same_trials(document: Json) -> None:
    round_trip(document)


def test_every_key_and_each_dialect_is_among_the_documents() -> None:
    def keys(table: list[Json]) -> set[str]:
        return {key.casefold().removeprefix("no_") for leaf in table for key in leaf}

    assert keys(CLINICAL_LEAVES) | {"number_prior_lines_therapy_allowed"} == set(CLINICAL_KEYS)
    assert keys(GENOMIC_LEAVES) == set(KEYS) - {"match_all", "matching_examples"}
    assert keys(TREATMENT_LEAVES) >= set(TREATMENT_KEYS) - {
        "prior_treatment_agent_class",
        "medical_therapy_subtype",
        "prior_treatment_category",
    }


@pytest.mark.parametrize(
    ("leaf", "path"),
    [
        ("{at_least: {count: 1, of: [{age: {min: 18}}]}}", "at_least"),
        ("{not: {all: [{age: {min: 18}}, {sex: {any_of: [male]}}]}}", "not"),
        ("{not: {not: {age: {min: 18}}}}", "not"),
        ("{age: {min: 24, unit: months}}", "age.min"),
        ("{age: {max: 3, unit: weeks}}", "age.max"),
        ("{diagnosis: {icd10: [C34.1]}}", "diagnosis.icd10"),
        ("{diagnosis: {oncotree: [LUAD], descendants: false}}", "diagnosis.descendants"),
        ("{diagnosis: {oncotree: [_ALL_]}}", "diagnosis.oncotree[0]"),
        ("{stage: {metastatic: true}}", "stage.metastatic"),
        ("{stage: {cns_metastases: [none]}}", "stage.cns_metastases"),
        ("{disease_status: {any_of: [stable]}}", "disease_status.any_of[0]"),
        ("{disease_status: {any_of: [advanced], within: 1 year}}", "disease_status.within"),
        ("{performance: {max: 1}}", "performance"),
        ("{variant: {gene: KRAS, codons: [1, 2]}}", "variant.codons"),
        ("{variant: {gene: KRAS, coding_change: c.34G>T}}", "variant.coding_change"),
        ("{variant: {gene: KRAS, oncogenic: false}}", "variant.oncogenic"),
        ("{variant: {gene: KRAS, significance: [pathogenic]}}", "variant.significance"),
        ("{copy_number: {gene: MET, min_copies: 6}}", "copy_number.min_copies"),
        ("{copy_number: {gene: MET, calls: [neutral]}}", "copy_number.calls[0]"),
        ("{fusion: {gene: ALK, type: structural_variant}}", "fusion.type"),
        ("{tested: {gene: KRAS}}", "tested"),
        ("{signature: {name: hrd, any_of: [present]}}", "signature.name"),
        ("{signature: {name: msi, any_of: [indeterminate]}}", "signature.any_of[0]"),
        ("{signature: {name: tmb, any_of: [high]}}", "signature.any_of"),
        ("{signature: {name: tmb, min: 10, assays: [x]}}", "signature.assays"),
        ("{expression: {marker: HER2, any_of: [low]}}", "expression.any_of[0]"),
        ("{expression: {marker: PD-L1, score: tps, min: 50}}", "expression.score"),
        ("{expression: {marker: AR, any_of: [negative]}}", "expression.any_of[0]"),
        ("{prior_therapy: {classes: [chemotherapy], within_half_lives: 5}}", "prior_therapy.within_half_lives"),
        ('{location: {within_km: 50, near: "42.36,-71.06"}}', "location"),
        ("{prior_therapy: {max_lines: 2, classes: [chemotherapy]}}", "prior_therapy.classes"),
        ("{prior_therapy: {drugs: [cisplatin], within: 28 days}}", "prior_therapy.within"),
        ("{prior_therapy: {categories: [transplant]}}", "prior_therapy.categories[0]"),
        *((f"{{{kind}: {{names: [x]}}}}", kind) for kind in ("condition", "medication", "procedure", "allergy", "histology")),
        ("{lab: {test: hemoglobin, min: 9, unit: g/dL}}", "lab"),
        ("{vital: {loinc: 8480-6, min: 9, unit: mmHg}}", "vital"),
        ("{location: {countries: [x]}}", "location"),
        ("{consent: {}}", "consent"),
        ("{pregnancy: {}}", "pregnancy"),
        ("{vital_status: {status: alive}}", "vital_status"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["", "arms[0].dose_levels[0]."])
def test_what_ctml_cannot_say_is_an_error_where_it_stands(leaf: str, path: str, place: str) -> None:
    sound = f"{{any: [{{sex: {{any_of: [male]}}}}, {leaf}]}}"
    text = (
        f"id: X\ncriteria: {sound}"
        if not place
        else f"id: X\narms: [{{code: A, dose_levels: [{{code: D, criteria: {sound}}}]}}]"
    )
    compiled = compile_text(text)
    assert compiled.trial is not None, compiled.diagnostics
    found = export(compiled.trial)
    assert found.document is None
    assert f"{place}criteria.any[1].{path}" in {one.path for one in found.diagnostics}
    assert {one.code for one in found.diagnostics} == {"trial.not-in-ctml"}


@pytest.mark.parametrize(
    "leaf",
    [
        "{age: {min: 18, max: 75}}",
        "{not: {age: {min: 18, max: 75}}}",
        "{age: {min: 6, max: 30, unit: months}}",
        "{diagnosis: {oncotree: [LUAD, AML, _SOLID_]}}",
        "{sex: {any_of: [male, other]}}",
        '{signature: {name: tmb, min: "10.50", below: 20}}',
        '{signature: {name: tmb, min: "0.0000001"}}',
        "{expression: {marker: HER2, any_of: [negative, positive]}}",
        "{not: {disease_status: {any_of: [advanced, recurrent]}}}",
        "{prior_therapy: {min_lines: 1, max_lines: 3}}",
        "{prior_therapy: {drugs: [cisplatin, carboplatin], classes: [immunotherapy, chemotherapy], categories: [systemic]}}",
        "{not: {prior_therapy: {drugs: [cisplatin, carboplatin], classes: [immunotherapy, chemotherapy]}}}",
        "{variant: {gene: EGFR, exon: [19, 20], effects: [In_Frame_Del, In_Frame_Ins], tiers: [I, II], source: somatic}}",
        '{not: {variant: {gene: EGFR, exon: [19, 20], min_allele_fraction: "0.05", max_allele_fraction: "0.95"}}}',
        "{copy_number: {gene: MET, calls: [amplification, gain]}}",
        "{fusion: {gene: ALK, type: fusion, partner: NKX2-1}}",
        "{signature: {name: msi, any_of: [high, low]}}",
        "{all: [{age: {min: 18}}]}",
        "{any: [{age: {min: 18}}]}",
        "{all: [{all: [{age: {min: 18}}]}]}",
    ],
)
def test_what_needs_several_leaves_is_one_criterion_again(leaf: str) -> None:
    compiled = compile_text(f"id: X\ncriteria: {leaf}")
    assert compiled.trial is not None, compiled.diagnostics
    found = export(compiled.trial)
    assert found.document is not None, found.diagnostics
    again = compile_text(text_of(found.document))
    assert again.trial is not None
    assert again.trial.criteria == native(leaf)


def test_an_export_that_would_say_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compile_text("id: X\narms: [{code: A, criteria: {sex: {any_of: [male]}}}]")
    assert compiled.trial is not None
    monkeypatch.setitem(__import__("trialbridge.criteria.ctml_sayable", fromlist=["_"])._GENDERS, "male", "Female")
    found = export(compiled.trial)
    assert found.document is None
    assert [one.path for one in found.diagnostics] == ["arms[0]"]
