"""CTML read: every key, value form and dialect means what its native twin says."""

# ruff: noqa: E501 - tables

import msgspec
import pytest

from tests.unit.criteria.ctml_tables import CLINICAL, GENOMIC, TREATMENT, ctml, native, read


@pytest.mark.parametrize(
    ("leaf", "meaning"),
    [
        *((f"clinical: {{{given}}}", meaning) for given, meaning in CLINICAL),
        *((f"genomic: {{{given}}}", meaning) for given, meaning in GENOMIC),
        *((f"prior_treatment: {{{given}}}", meaning) for given, meaning in TREATMENT),
        *((f"prior_treatments: {{{given}}}", meaning) for given, meaning in TREATMENT[:1]),
    ],
)
def test_a_leaf_means_its_native_twin(leaf: str, meaning: str) -> None:
    assert msgspec.to_builtins(read(leaf)) == msgspec.to_builtins(native(meaning))


@pytest.mark.parametrize(
    ("match", "meaning"),
    [
        ("and: [{clinical: {age_numerical: '>=18', gender: Male}}]", "{all: [{age: {min: 18}}, {sex: {any_of: [male]}}]}"),
        ("or_1: [{clinical: {gender: Male}}, {and2: [{clinical: {gender: X}}]}]", "{any: [{sex: {any_of: [male]}}, {all: [{sex: {any_of: [other]}}]}]}"),
        (
            "{clinical: {gender: Male}, genomic: {hugo_symbol: KRAS, variant_category: Mutation}}",
            "{all: [{sex: {any_of: [male]}}, {variant: {gene: KRAS}}]}",
        ),
        (
            "or: [{clinical: {gender: Male, age_numerical: '>=18'}}]",
            "{any: [{all: [{sex: {any_of: [male]}}, {age: {min: 18}}]}]}",
        ),
        ("or_one_criterion: [{clinical: {gender: Male}}, {clinical: {gender: Female}}]", "{sex: {any_of: [male, female]}}"),
        ("and_one_criterion: [{clinical: {gender: '!Male'}}, {clinical: {gender: '!X'}}]", "{not: {sex: {any_of: [male, other]}}}"),
        ("and_one_criterion: [{clinical: {age_numerical: '>=18'}}, {clinical: {age_numerical: '<=75'}}]", "{age: {min: 18, max: 75}}"),
        ("or_one_criterion: [{clinical: {age_numerical: '!>=18'}}, {clinical: {age_numerical: '!<=75'}}]", "{not: {age: {min: 18, max: 75}}}"),
    ],
)  # fmt: skip
def test_a_group_means_its_native_twin(match: str, meaning: str) -> None:
    assert read(match) == native(meaning)


def test_two_signatures_of_one_leaf_are_one_exclusion() -> None:
    assert read('genomic: {ms_status: "!MSI-H", mmr_status: MMR-Deficient}') == native(
        "{not: {all: [{signature: {name: msi, any_of: [high]}}, {signature: {name: mmr, any_of: [deficient]}}]}}"
    )


@pytest.mark.parametrize(
    "asks_nothing",
    [
        "clinical: {her2_status: Unknown}",
        "clinical: {number_prior_lines_therapy_allowed: Unknown}",
        "genomic: {match_all: true}",
    ],
)
def test_what_asks_for_nothing_is_warned_of_and_makes_no_criterion(asks_nothing: str) -> None:
    compiled = ctml(f"and: [{{{asks_nothing}}}, {{clinical: {{gender: Male}}}}]")
    assert compiled.trial is not None
    assert compiled.trial.criteria == native("{all: [{sex: {any_of: [male]}}]}")
    assert [(one.severity, one.code) for one in compiled.diagnostics] == [("warning", "trial.asks-nothing")]


@pytest.mark.parametrize(
    "allowed", ["number_prior_lines_therapy_allowed: Any", "active_brain_metastases_allowed: 'Yes'"]
)
def test_what_allows_everything_makes_no_criterion(allowed: str) -> None:
    assert read(f"clinical: {{{allowed}, gender: Male}}") == native("{sex: {any_of: [male]}}")
