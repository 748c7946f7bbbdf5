"""Trials written as people write them read as the same trial."""

import pytest

from trialbridge.criteria.compiler import compile_text
from trialbridge.criteria.writing import surface_form, text_of
from trialbridge.testkit.trials import demo_trials, open_data_trials

EVERYTHING = """
id: "007"
title: "Yes: a title # with 1e5"
nct_id: NCT01234567
drugs: [a, "1e5"]
sites: [{id: n, name: "No", country: CH}]
review: true
lab: l
status: suspended
criteria:
  all:
  - at_least: {count: 1, of: [{age: {min: 18, unit: months}}, {not: {sex: {any_of: [male]}}}]}
  - lab: {test: hemoglobin, min: "9.0", unit: g/dL, within: {days: 28}, pick: ever}
  - prior_therapy: {drugs: [cisplatin], before: 28 days, after: 2024-01-01}
  - variant: {gene: EGFR, codons: [729, 761], max_allele_fraction: "0.00000001"}
arms:
- code: "1e5"
  status: closed
  criteria: {consent: {}}
  dose_levels: [{code: "0x1", criteria: {any: [{pregnancy: {}}]}}]
"""


@pytest.mark.parametrize("text", [EVERYTHING, *(text for _, text in (*demo_trials(), *open_data_trials()))])
def test_the_surface_form_reads_as_the_same_trial(text: str) -> None:
    compiled = compile_text(text)
    assert compiled.trial is not None, compiled.diagnostics
    written = surface_form(compiled.trial)
    assert compile_text(text_of(written)).definition == compiled.definition
    assert compile_text(text_of(written, "json")).definition == compiled.definition
