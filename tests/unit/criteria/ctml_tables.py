"""What leaves of CTML mean in the native language: every key, value form and dialect, and how tests read them."""

from typing import Any

from trialbridge.criteria.compiler import Compiled, compile_text
from trialbridge.criteria.diagnostics import Diagnostic

CLINICAL = [
    ("oncotree_primary_diagnosis: Lung Adenocarcinoma", "{diagnosis: {oncotree: [LUAD]}}"),
    ("oncotree_primary_diagnosis: lung adenocarcinoma", "{diagnosis: {oncotree: [LUAD]}}"),
    ("oncotree_primary_diagnosis: _SOLID_", "{diagnosis: {oncotree: [_SOLID_]}}"),
    ("oncotree_primary_diagnosis: _LIQUID_", "{diagnosis: {oncotree: [_LIQUID_]}}"),
    ("oncotree_primary_diagnosis: All Solid Tumors", "{diagnosis: {oncotree: [_SOLID_]}}"),
    ('oncotree_primary_diagnosis: "!Lung Adenocarcinoma"', "{not: {diagnosis: {oncotree: [LUAD]}}}"),
    ("oncotree_primary_diagnosis: LUAD, no_oncotree_primary_diagnosis: true", "{not: {diagnosis: {oncotree: [LUAD]}}}"),
    ("oncotree_primary_diagnosis: LUAD, no_oncotree_primary_diagnosis: false", "{diagnosis: {oncotree: [LUAD]}}"),
    ("oncotree_primary_diagnosis: [LUAD, AML]", "{diagnosis: {oncotree: [LUAD, AML]}}"),
    ('age_numerical: ">=18"', "{age: {min: 18}}"),
    ('age_numerical: ">= 18"', "{age: {min: 18}}"),
    ('age_numerical: ">18"', "{age: {min: 18}}"),
    ('age_numerical: "<18"', "{age: {max: 17}}"),
    ('age_numerical: "<=75"', "{age: {max: 75}}"),
    ('age_numerical: "=18"', "{age: {min: 18, max: 18}}"),
    ('age_numerical: "==18"', "{age: {min: 18, max: 18}}"),
    ("age_numerical: 18", "{age: {min: 18, max: 18}}"),
    ('age_numerical: ">=0.083"', "{age: {min: 1, unit: months}}"),
    ('age_numerical: ">=.5"', "{age: {min: 6, unit: months}}"),
    ('age_numerical: "<=1.5"', "{age: {max: 18, unit: months}}"),
    ('age_numerical: "!>=18"', "{not: {age: {min: 18}}}"),
    ('age_expression: ">=18"', "{age: {min: 18}}"),
    ("gender: Male", "{sex: {any_of: [male]}}"),
    ("gender: FEMALE", "{sex: {any_of: [female]}}"),
    ("gender: X", "{sex: {any_of: [other]}}"),
    ('gender: "!Male"', "{not: {sex: {any_of: [male]}}}"),
    ('tmb_numerical: ">=10"', "{signature: {name: tmb, min: 10}}"),
    ('tmb: ">10"', "{signature: {name: tmb, above: 10}}"),
    ('tmb: "<=10.5"', '{signature: {name: tmb, max: "10.5"}}'),
    ('tmb: "<10"', "{signature: {name: tmb, below: 10}}"),
    ("tmb: 10", "{signature: {name: tmb, min: 10, max: 10}}"),
    ("her2_status: Positive", "{expression: {marker: HER2, any_of: [positive]}}"),
    ("her2_status: true", "{expression: {marker: HER2, any_of: [positive]}}"),
    ('er_status: "False"', "{expression: {marker: ER, any_of: [negative]}}"),
    ("pr_status: negative", "{expression: {marker: PR, any_of: [negative]}}"),
    ('pr_status: "!Negative"', "{not: {expression: {marker: PR, any_of: [negative]}}}"),
    ("disease_status: [Metastatic, Locally Advanced]", "{disease_status: {any_of: [metastatic, locally_advanced]}}"),
    *(
        (f"disease_status: {word}", f"{{disease_status: {{any_of: [{word.lower().replace(' ', '_')}]}}}}")
        for word in (
            "Untreated", "Localized", "Locally Advanced", "Metastatic", "Advanced", "Recurrent", "Refractory", "Unresectable",
            "Early Stage",
        )
    ),
    ("molecular_marker_other: [PD-L1]", "{expression: {marker: PD-L1, any_of: [positive]}}"),
    (
        "molecular_marker_other: [PD-L1, AR]",
        "{any: [{expression: {marker: PD-L1, any_of: [positive]}}, {expression: {marker: AR, any_of: [positive]}}]}",
    ),
    ('number_prior_lines_therapy_allowed: "<=2"', "{prior_therapy: {max_lines: 2}}"),
    ('number_prior_lines_therapy_allowed: ">=1"', "{prior_therapy: {min_lines: 1}}"),
    ('number_prior_lines_therapy_allowed: ">1"', "{prior_therapy: {min_lines: 2}}"),
    ("number_prior_lines_therapy_allowed: 1", "{prior_therapy: {min_lines: 1, max_lines: 1}}"),
    ("active_brain_metastases_allowed: No", "{stage: {cns_metastases: [none, treated]}}"),
    ("active_brain_metastases_allowed: false", "{stage: {cns_metastases: [none, treated]}}"),
    ("brca1_germline_mutation: Positive", "{variant: {gene: BRCA1, source: germline}}"),
    ("brca1_germline_mutation: Negative", "{not: {variant: {gene: BRCA1, source: germline}}}"),
    ("Oncotree_Primary_Diagnosis: LUAD", "{diagnosis: {oncotree: [LUAD]}}"),
]  # fmt: skip
GENOMIC = [
    ("hugo_symbol: KRAS, variant_category: Mutation", "{variant: {gene: KRAS}}"),
    ("hugo_symbol: KRAS, variant_category: MUTATION", "{variant: {gene: KRAS}}"),
    ('hugo_symbol: KRAS, variant_category: "!Mutation"', "{not: {variant: {gene: KRAS}}}"),
    ('hugo_symbol: "!KRAS", variant_category: "!Mutation"', "{not: {variant: {gene: KRAS}}}"),
    ("hugo_symbol: KRAS, no_hugo_symbol: true, variant_category: Mutation", "{not: {variant: {gene: KRAS}}}"),
    ("hugo_symbol: KRAS, variant_category: Mutation, protein_change: p.G12C", "{variant: {gene: KRAS, protein_change: p.G12C}}"),
    (
        'hugo_symbol: KRAS, variant_category: Mutation, protein_change: "!p.G12C"',
        "{not: {variant: {gene: KRAS, protein_change: p.G12C}}}",
    ),
    (
        "hugo_symbol: BRAF, variant_category: Mutation, wildcard_protein_change: p.V600",
        "{variant: {gene: BRAF, position: p.V600}}",
    ),
    (
        "hugo_symbol: EGFR, variant_category: Mutation, exon: 19, variant_classification: In_Frame_Del",
        '{variant: {gene: EGFR, exon: "19", effects: [In_Frame_Del]}}',
    ),
    (
        "hugo_symbol: EGFR, variant_category: Mutation, true_transcript_exon: 19, variant_classification: In Frame Del",
        '{variant: {gene: EGFR, exon: "19", effects: [In_Frame_Del]}}',
    ),
    *(
        (
            f"hugo_symbol: EGFR, variant_category: Mutation, variant_classification: {word}",
            f"{{variant: {{gene: EGFR, effects: [{word}]}}}}",
        )
        for word in (
            "Frame_Shift_Del", "Frame_Shift_Ins", "In_Frame_Del", "In_Frame_Ins", "Missense_Mutation", "Nonsense_Mutation", "Silent",
            "Splice_Site", "Translation_Start_Site", "Nonstop_Mutation", "3'UTR", "3'Flank", "5'UTR", "5'Flank", "IGR", "Intron",
            "RNA", "Targeted_Region", "De_novo_Start_InFrame", "De_novo_Start_OutOfFrame", "Splice_Region", "Del_Ins",
            "Frameshift", "Frameshift_mutation", "Inframe_Indel", "Initiator_Codon", "Intron_mutation",
            "Missense and Splice_Region", "Splice_Acceptor", "Splice_Donor", "Splice_Lost", "coding_sequence",
            "intergenic_variant", "protein_altering", "splice site_mutation", "stop_retained", "synonymous", "3_prime_UTR",
            "5'UTR_mutation", "5_prime_UTR",
        )
    ),
    ("hugo_symbol: ERBB2, variant_category: Copy Number Variation", "{copy_number: {gene: ERBB2}}"),
    ("hugo_symbol: ERBB2, variant_category: CNV", "{copy_number: {gene: ERBB2}}"),
    *(
        (f"hugo_symbol: MET, variant_category: CNV, cnv_call: {word}", f"{{copy_number: {{gene: MET, calls: [{call}]}}}}")
        for word, call in (
            ("High Amplification", "high_amplification"), ("Low Amplification", "low_amplification"), ("Gain", "gain"),
            ("Homozygous Deletion", "homozygous_deletion"), ("Heterozygous Deletion", "heterozygous_deletion"),
            ("High level amplification", "high_amplification"),
        )
    ),
    (
        'hugo_symbol: MET, variant_category: CNV, cnv_call: "!High Amplification"',
        "{not: {copy_number: {gene: MET, calls: [high_amplification]}}}",
    ),
    ("hugo_symbol: ALK, variant_category: Structural Variation", "{fusion: {gene: ALK}}"),
    ("hugo_symbol: ALK, variant_category: SV, fusion_partner_hugo_symbol: EML4", "{fusion: {gene: ALK, partner: EML4}}"),
    ("hugo_symbol: ALK, variant_category: SV, fusion_partner_hugo_symbol: any_gene", "{fusion: {gene: ALK}}"),
    ("hugo_symbol: any_gene, variant_category: SV, fusion_partner_hugo_symbol: ALK", "{fusion: {gene: ALK}}"),
    (
        "hugo_symbol: ALK, variant_category: SV, fusion_partner_hugo_symbol: intergenic",
        "{fusion: {gene: ALK, partner: intergenic}}",
    ),
    (
        "hugo_symbol: MET, variant_category: Any Variation",
        "{any: [{variant: {gene: MET}}, {copy_number: {gene: MET}}, {fusion: {gene: MET}}]}",
    ),
    (
        "hugo_symbol: MET, variant_category: Any Variation, protein_change: p.D1010H",
        "{variant: {gene: MET, protein_change: p.D1010H}}",
    ),
    ("hugo_symbol: KRAS, variant_category: Mutation, wildtype: true", "{wild_type: {gene: KRAS}}"),
    ("hugo_symbol: KRAS, variant_category: Mutation, wildtype: false", "{variant: {gene: KRAS}}"),
    ("hugo_symbol: KRAS, wildtype: true", "{wild_type: {gene: KRAS}}"),
    ("hugo_symbol: KRAS, variant_category: WT", "{wild_type: {gene: KRAS}}"),
    ('hugo_symbol: KRAS, variant_category: "!WT"', "{not: {wild_type: {gene: KRAS}}}"),
    ("mmr_status: MMR-Deficient", "{signature: {name: mmr, any_of: [deficient]}}"),
    ("hugo_symbol: None, variant_category: Signature, mmr_status: MMR-Proficient", "{signature: {name: mmr, any_of: [proficient]}}"),
    ("hugo_symbol: null, variant_category: Signature, ms_status: MSI-H", "{signature: {name: msi, any_of: [high]}}"),
    ("ms_status: MSI-L", "{signature: {name: msi, any_of: [low]}}"),
    ('ms_status: "!MSS"', "{not: {signature: {name: msi, any_of: [stable]}}}"),
    *(
        (f"{word}_{end}: {value}", f"{{signature: {{name: {name}, any_of: [{status}]}}}}")
        for word, name in (
            ("apobec", "apobec"), ("pole", "pole"), ("tobacco", "tobacco"), ("temozolomide", "temozolomide"), ("uva", "uv"),
        )
        for end, value, status in (("signature", "Yes", "present"), ("status", "NO", "absent"))
    ),
    ("hugo_symbol: KRAS, variant_category: Mutation, molecular_function: Activating", "{variant: {gene: KRAS, function: activating}}"),
    ("hugo_symbol: TP53, variant_category: Mutation, molecular_function: Inactivating", "{variant: {gene: TP53, function: inactivating}}"),
    ("hugo_symbol: KRAS, variant_category: Mutation, display_name: KRAS", "{variant: {gene: KRAS}}"),
    ('hugo_symbol: KRAS, variant_category: Mutation, tier: ["1", "2"]', "{variant: {gene: KRAS, tiers: [I, II]}}"),
    ("hugo_symbol: KRAS, variant_category: Mutation, tier: 3", "{variant: {gene: KRAS, tiers: [III]}}"),
    ("hugo_symbol: KRAS, variant_category: Mutation, allele_fraction: 0.05", '{variant: {gene: KRAS, min_allele_fraction: "0.05"}}'),
    (
        'hugo_symbol: KRAS, variant_category: Mutation, allele_fraction: "<=0.5"',
        '{variant: {gene: KRAS, max_allele_fraction: "0.5"}}',
    ),
    ("hugo_symbol: BRCA2, variant_category: Mutation, germline: Yes", "{variant: {gene: BRCA2, source: germline}}"),
    ("hugo_symbol: BRCA2, variant_category: Mutation, germline: false", "{variant: {gene: BRCA2, source: somatic}}"),
    ("hugo_symbol: BRAF, annotated_variant: V600E", "{variant: {gene: BRAF, protein_change: V600E}}"),
    ("hugo_symbol: BRAF, annotated_variant: V600", "{variant: {gene: BRAF, position: V600}}"),
    ("hugo_symbol: BRAF, annotated_variant: Oncogenic Mutations", "{variant: {gene: BRAF, oncogenic: true}}"),
    ("hugo_symbol: BRAF, annotated_variant: V600E, no_annotated_variant: true", "{not: {variant: {gene: BRAF, protein_change: V600E}}}"),
    ("hugo_symbol: MET, annotated_variant: Amplification", "{copy_number: {gene: MET, calls: [amplification]}}"),
    ("hugo_symbol: ALK, annotated_variant: Fusions", "{fusion: {gene: ALK, type: fusion}}"),
    ("hugo_symbol: ALK, annotated_variant: EML4-ALK Fusion", "{fusion: {gene: ALK, type: fusion, partner: EML4}}"),
    ("hugo_symbol: EGFR, annotated_variant: Exon 20 insertion", '{variant: {gene: EGFR, exon: "20", effects: [In_Frame_Ins]}}'),
]  # fmt: skip
TREATMENT = [
    ("agent: pembrolizumab", "{prior_therapy: {drugs: [pembrolizumab]}}"),
    ("prior_treatment_agent: Keytruda", "{prior_therapy: {drugs: [pembrolizumab]}}"),
    ('drug: "!pembrolizumab"', "{not: {prior_therapy: {drugs: [pembrolizumab]}}}"),
    ("agent_class: EGFR Inhibitors", "{prior_therapy: {classes: [egfr inhibitor]}}"),
    (
        "treatment_category: MedicalTherapy, treatment_subcategory: Immunotherapy",
        "{prior_therapy: {categories: [systemic], classes: [immunotherapy]}}",
    ),
    ("treatment_category: Radiation Therapy", "{prior_therapy: {categories: [radiation]}}"),
    ('treatment_category: "!Surgery"', "{not: {prior_therapy: {categories: [surgery]}}}"),
]


def ctml(match: str) -> Compiled:
    return compile_text(f"protocol_no: X\ntreatment_list: {{step: []}}\nmatch:\n- {match}\n")


def read(match: str) -> Any:
    """Return the criteria that a match item means, in native form."""
    compiled = ctml(match)
    assert compiled.ok, compiled.diagnostics
    assert compiled.trial is not None
    return compiled.trial.criteria


def native(criteria: str) -> Any:
    compiled = compile_text(f"id: X\ncriteria: {criteria}\n")
    assert compiled.trial is not None, compiled.diagnostics
    return compiled.trial.criteria


def errors(match: str) -> list[Diagnostic]:
    compiled = ctml(match)
    assert not compiled.ok
    return [one for one in compiled.diagnostics if one.severity == "error"]
