"""CTML that is not understood is refused where it stands."""

# ruff: noqa: E501 - tables

import pytest

from tests.unit.criteria.ctml_tables import errors


@pytest.mark.parametrize(
    ("match", "code", "path"),
    [
        ("clinical: {age_numercal: '>=18'}", "unknown-key", "match[0].clinical.age_numercal"),
        ("clinical: {no_gendr: true}", "unknown-key", "match[0].clinical.no_gendr"),
        ("clinical: {gender: Man}", "unknown-word", "match[0].clinical.gender"),
        ("clinical: {gender: [Male, '!X']}", "mixed-negation", "match[0].clinical.gender[1]"),
        ("clinical: {gender: '!!Male'}", "double-negation", "match[0].clinical.gender"),
        ("clinical: {gender: ''}", "no-value", "match[0].clinical.gender"),
        ("clinical: {no_gender: true}", "no-value", "match[0].clinical.no_gender"),
        ("clinical: {gender: {a: 1}}", "wrong-type", "match[0].clinical.gender"),
        ("clinical: {}", "wrong-type", "match[0].clinical"),
        ("clinical: {her2_status: Maybe}", "unknown-word", "match[0].clinical.her2_status"),
        ("clinical: {her2_status: '!Unknown'}", "never-met", "match[0].clinical.her2_status"),
        ("clinical: {disease_status: [Metastatc]}", "unknown-word", "match[0].clinical.disease_status"),
        ("clinical: {disease_status: []}", "empty-list", "match[0].clinical.disease_status"),
        ("clinical: {age_numerical: adult}", "bad-comparison", "match[0].clinical.age_numerical"),
        ("clinical: {age_numerical: '<0'}", "never-met", "match[0].clinical.age_numerical"),
        ("clinical: {tmb: high}", "bad-comparison", "match[0].clinical.tmb"),
        ("clinical: {number_prior_lines_therapy_allowed: '1.5'}", "bad-comparison", "match[0].clinical.number_prior_lines_therapy_allowed"),
        ("clinical: {active_brain_metastases_allowed: maybe}", "unknown-word", "match[0].clinical.active_brain_metastases_allowed"),
        ("clinical: {oncotree_primary_diagnosis: Lung Adenocarcinom}", "unknown-term", "match[0].clinical.oncotree_primary_diagnosis"),
        ("genomic: {hugo_symbol: KRS, variant_category: Mutation}", "unknown-gene", "match[0].genomic.hugo_symbol"),
        ("genomic: {hugo_symbol: KRAS, variant_category: Mutatoin}", "unknown-word", "match[0].genomic.variant_category"),
        ("genomic: {hugo_symbol: KRAS, variant_categry: Mutation}", "unknown-key", "match[0].genomic.variant_categry"),
        ("genomic: {hugo_symbol: KRAS}", "no-value", "match[0].genomic.variant_category"),
        ("genomic: {variant_category: Mutation}", "no-gene", "match[0].genomic.hugo_symbol"),
        ("genomic: {hugo_symbol: any_gene, variant_category: Mutation}", "no-gene", "match[0].genomic.hugo_symbol"),
        ("genomic: {hugo_symbol: None, variant_category: Signature}", "no-value", "match[0].genomic"),
        ("genomic: {hugo_symbol: KRAS, variant_category: Signature, ms_status: MSI-H}", "misplaced-key", "match[0].genomic.hugo_symbol"),
        ("genomic: {hugo_symbol: KRAS, variant_category: Mutation, cnv_call: Gain}", "misplaced-key", "match[0].genomic.cnv_call"),
        ("genomic: {hugo_symbol: KRAS, variant_category: CNV, protein_change: p.G12C}", "misplaced-key", "match[0].genomic.protein_change"),
        ("genomic: {hugo_symbol: KRAS, variant_category: CNV, wildtype: true}", "misplaced-key", "match[0].genomic.wildtype"),
        ("genomic: {hugo_symbol: KRAS, variant_category: WT, wildtype: false}", "misplaced-key", "match[0].genomic.wildtype"),
        ("genomic: {hugo_symbol: KRAS, variant_category: WT, exon: 2}", "misplaced-key", "match[0].genomic.exon"),
        ("genomic: {hugo_symbol: MET, variant_category: Any Variation, exon: 14, cnv_call: Gain}", "misplaced-key", "match[0].genomic.cnv_call"),
        ("genomic: {hugo_symbol: EGFR, variant_category: Mutation, exon: 19, true_transcript_exon: 20}", "duplicate-key", "match[0].genomic.true_transcript_exon"),
        ("genomic: {hugo_symbol: EGFR, variant_category: Mutation, exon: nineteen}", "bad-number", "match[0].genomic.exon"),
        ("genomic: {hugo_symbol: EGFR, variant_category: Mutation, protein_change: G12ZZ}", "bad-hgvs", "match[0].genomic.protein_change"),
        ("genomic: {hugo_symbol: EGFR, variant_category: Mutation, wildcard_protein_change: V600E}", "bad-hgvs", "match[0].genomic.wildcard_protein_change"),
        ("genomic: {hugo_symbol: EGFR, variant_category: Mutation, variant_classification: Mystery}", "unknown-term", "match[0].genomic.variant_classification"),
        ("genomic: {hugo_symbol: EGFR, variant_category: Mutation, tier: 5}", "unknown-word", "match[0].genomic.tier"),
        ("genomic: {hugo_symbol: EGFR, variant_category: Mutation, allele_fraction: '<0.5'}", "bad-comparison", "match[0].genomic.allele_fraction"),
        ("genomic: {hugo_symbol: EGFR, variant_category: Mutation, allele_fraction: 5}", "bad-number", "match[0].genomic.allele_fraction"),
        ("genomic: {hugo_symbol: ALK, variant_category: SV, fusion_partner_hugo_symbol: EML44X}", "unknown-gene", "match[0].genomic.fusion_partner_hugo_symbol"),
        ("genomic: {pole_status: Cannot assess}", "unknown-word", "match[0].genomic.pole_status"),
        ("genomic: {pole_status: 'Yes', pole_signature: 'Yes'}", "duplicate-key", "match[0].genomic.pole_signature"),
        ("genomic: {hugo_symbol: BRAF, annotated_variant: Something}", "unknown-word", "match[0].genomic.annotated_variant"),
        ("genomic: {hugo_symbol: BRAF, annotated_variant: V600E, variant_category: CNV}", "misplaced-key", "match[0].genomic.annotated_variant"),
        ("genomic: {hugo_symbol: BRAF, match_all: true}", "misplaced-key", "match[0].genomic.match_all"),
        ("prior_treatment: {surgery_type: lobectomy}", "free-text", "match[0].prior_treatment.surgery_type"),
        ("prior_treatment: {agnt: x}", "unknown-key", "match[0].prior_treatment.agnt"),
        ("prior_treatment: {agent_class: Wonder Drugs}", "unknown-class", "match[0].prior_treatment.agent_class"),
        ("prior_treatment: {treatment_category: Rest}", "unknown-word", "match[0].prior_treatment.treatment_category"),
        ("prior_treatment: {agent: a, drug: b}", "duplicate-key", "match[0].prior_treatment.drug"),
        ("exclude: [{clinical: {gender: Male}}]", "unknown-key", "match[0].exclude"),
        ("and: []", "empty-group", "match[0].and"),
        ("or: {clinical: {gender: Male}}", "empty-group", "match[0].or"),
        ("[]", "wrong-type", "match[0]"),
        ("or: [{clinical: {gender: Male}}, {clinical: {her2_status: Unknown}}]", "always-met", "match[0].or[1]"),
        ("or: [{genomic: {match_all: true}}, {clinical: {gender: Male}}]", "always-met", "match[0].or[0]"),
        ("or_one_criterion: [{clinical: {gender: Male}}, {clinical: {age_numerical: '>=18'}}]", "not-one", "match[0].or_one_criterion"),
        ("and_one_criterion: [{clinical: {age_numerical: '>=18'}}, {clinical: {age_numerical: '>=12'}}]", "not-one", "match[0].and_one_criterion"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_where_it_stands(match: str, code: str, path: str) -> None:
    found = errors(match)
    assert [(one.code, one.path) for one in found] == [(f"trial.{code}", path)]
    assert found[0].line == 4
    assert found[0].message.endswith(".")
