"""From the bytes of a file to a judged criterion: found, not found, and not known are told apart, each with its evidence."""

from typing import Any

import pytest

from tests.unit.emr.csv.tables import convert_table, resources_of
from tests.unit.emr.genomics.files import MAPPING, convert_file, egfr, variants, vcf
from tests.unit.emr.genomics.judging import judged
from tests.unit.emr.genomics.test_maf import maf

L858R: dict[str, Any] = {"gene": "EGFR", "protein_change": ["p.L858R"], "min_allele_fraction": "0.3"}


def test_a_variant_of_a_vcf_meets_its_criterion_with_its_resource_as_evidence() -> None:
    found = convert_file(vcf(egfr()))
    result = judged(found, variant=L858R)
    assert result.verdict == "met"
    (one,) = variants(found)
    assert [one.resource for one in result.evidence] == [f"Observation/{one['id']}"]
    assert (result.evidence[0].source, result.evidence[0].date) == ("lab", "2026-03-04")


def test_what_the_panel_looked_at_and_did_not_find_is_not_met_and_what_it_did_not_look_at_unknown() -> None:
    found = convert_file(vcf(egfr()))
    regions = [one for one in resources_of(found, "Observation") if "region-studied" in str(one["meta"])]
    absent = judged(found, variant={"gene": "KRAS", "protein_change": ["p.G12C"]})
    assert absent.verdict == "not_met"
    assert [one.resource for one in absent.evidence] == [f"Observation/{one['id']}" for one in regions]
    assert judged(found, variant={"gene": "RET"}).verdict == "unknown"
    assert judged(found, wild_type={"gene": "KRAS"}).verdict == "met"
    assert judged(found, wild_type={"gene": "EGFR"}).verdict == "not_met"
    assert judged(found, wild_type={"gene": "RET"}).verdict == "unknown"


def test_a_panel_of_mutations_says_nothing_of_copies_and_fusions() -> None:
    found = convert_file(vcf(egfr()))
    assert judged(found, copy_number={"gene": "EGFR"}).verdict == "unknown"
    assert judged(found, fusion={"gene": "BRAF"}).verdict == "unknown"
    wide = MAPPING.replace("assay:", "alterations: [mutation, copy_number, fusion], assay:")
    found = convert_file(vcf(egfr()), mapping=wide)
    assert judged(found, copy_number={"gene": "EGFR"}).verdict == "not_met"
    assert judged(found, fusion={"gene": "BRAF"}).verdict == "not_met"


def test_without_a_panel_nothing_is_not_found() -> None:
    found = convert_file(vcf(egfr()), mapping=MAPPING.replace(", panel: solid", ""))
    assert judged(found, variant=L858R).verdict == "met"
    assert judged(found, variant={"gene": "KRAS"}).verdict == "unknown"


def test_a_germline_panel_says_nothing_of_the_tumour() -> None:
    germline = MAPPING.replace("assay:", "source: germline, assay:")
    found = convert_file(vcf(egfr()), mapping=germline)
    assert judged(found, variant={"gene": "KRAS", "source": "somatic"}).verdict == "unknown"
    assert judged(found, variant=L858R | {"source": "germline"}).verdict == "met"


@pytest.mark.parametrize(
    ("criterion", "verdict"),
    [
        ({"gene": "BRAF", "protein_change": ["p.V600E"]}, "met"),
        ({"gene": "BRAF", "position": ["p.V600"], "source": "somatic"}, "met"),
        ({"gene": "BRAF", "effects": ["Missense_Mutation"]}, "met"),
        ({"gene": "BRAF", "exon": ["15"], "max_allele_fraction": "0.3"}, "met"),
        ({"gene": "BRAF", "protein_change": ["p.V600K"]}, "not_met"),
        ({"gene": "KRAS"}, "not_met"),
        ({"gene": "ALK"}, "unknown"),
    ],
)
def test_rows_of_a_maf_are_judged_alike(criterion: dict[str, Any], verdict: str) -> None:
    assert judged(convert_file(maf({}), "text/maf"), variant=criterion).verdict == verdict


CONDITION = "mrn,conditionId,codeSystem,code,displayName,dateOfDiagnosis,clinicalStatus,verificationStatus\n"
STAGE = "mrn,conditionId,stageGroup,t,n,m,type,effectiveDate\n"
DRUG = "mrn,medicationId,code,codeSystem,displayText,startDate,endDate,treatmentIntent,status\n"
OBSERVED = "mrn,observationId,status,code,codeSystem,displayName,value,valueCodeSystem,effectiveDate\n7,o1,"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


GIVEN = f"{DRUG}7,m1,224905,{RXNORM},trastuzumab,2024-01,2024-03,373808002,completed\n"


@pytest.mark.parametrize(
    ("table", "criterion", "verdict"),
    [
        (
            CONDITION + "7,c1,ICD-10-CM,C50.911,Breast cancer,2024-05,active,confirmed\n",
            {"diagnosis": {"oncotree": ["BREAST"]}},
            "met",
        ),
        (
            CONDITION + "7,c1,ICD-10-CM,C34.1,Lung cancer,2024-05,active,confirmed\n",
            {"diagnosis": {"oncotree": ["BREAST"]}},
            "not_met",
        ),
        (
            CONDITION + "7,c1,ICD-10-CM,C50.911,Breast cancer,,,provisional\n",
            {"diagnosis": {"oncotree": ["BREAST"]}},
            "unknown",
        ),
        (STAGE + "7,c1,IIIA,cT3,cN1,cM0,Clinical,2024-05-06\n", {"stage": {"group": ["III"]}}, "met"),
        (STAGE + "7,c1,3C,cT3,cN1,cM0,Clinical,2024-05-06\n", {"stage": {"t": ["T3"], "metastatic": False}}, "met"),
        (
            GIVEN,
            {"prior_therapy": {"drugs": ["Herceptin"]}},
            "met",
        ),
        (
            OBSERVED + "final,89247-1,LN,ECOG,1,,2026-11-01\n",
            {"performance": {"scale": "ecog", "max": 1}},
            "met",
        ),
        (
            OBSERVED + "preliminary,89247-1,LN,ECOG,1,,2026-11-01\n",
            {"performance": {"scale": "ecog", "max": 1}},
            "unknown",
        ),
        (
            OBSERVED + "final,718-7,LN,Hemoglobin,10.50 g/dL,,2026-11-01\n",
            {"lab": {"test": "hemoglobin", "min": "9", "unit": "g/dL"}},
            "met",
        ),
        ("mrn,dateOfBirth,gender\n7,1980,F\n", {"age": {"min": 45}}, "met"),
        ("mrn,dateOfBirth,gender\n7,1980,F\n", {"age": {"min": 46}}, "unknown"),
        ("mrn,dateOfBirth,gender\n7,1980-01,F\n", {"sex": {"any_of": ["female"]}}, "met"),
        (
            "mrn,conditionId,diseaseStatusCode,diseaseStatusText,dateOfObservation\n7,c1,271299001,worse,2026-10-01\n",
            {"disease_status": {"any_of": ["progressing"]}},
            "met",
        ),
    ],
)
def test_rows_of_tables_are_judged(table: str, criterion: dict[str, Any], verdict: str) -> None:
    found = convert_table(table)
    assert found.set_aside == ()
    result = judged(found, **criterion)
    assert result.verdict == verdict, result.reason
    if verdict == "met":
        assert result.evidence


def test_a_silent_row_without_a_protein_change_is_no_mutation_where_none_is_named() -> None:
    silent = {
        "Hugo_Symbol": "KRAS",
        "Variant_Classification": "Silent",
        "HGVSp_Short": "",
        "HGVSp": "",
        "Tumor_Sample_Barcode": "T1",
    }
    found = convert_file(maf(silent), "text/maf")
    assert judged(found, variant={"gene": "KRAS"}).verdict == "not_met"
    assert judged(found, wild_type={"gene": "KRAS"}).verdict == "met"
    assert judged(found, variant={"gene": "KRAS", "effects": ["Silent"]}).verdict == "met"


def test_a_variant_at_the_splice_site_of_an_exon_meets_a_criterion_on_skipping_it() -> None:
    donor = "CSQ=G|splice_donor_variant|HIGH|MET|ENST1|||ENST1:c.3082+1G>T||||||"
    row = {"Hugo_Symbol": "MET", "Variant_Classification": "Splice_Site", "HGVSc": "c.3082+1G>T", "HGVSp_Short": "p.X1028_splice",
           "HGVSp": "", "Exon_Number": "", "Tumor_Sample_Barcode": "T1", "INTRON": "14/20"}  # fmt: skip
    skipping = {"gene": "MET", "exon": ["14"], "effects": ["Splice_Site"]}
    assert judged(convert_file(maf(row), "text/maf"), variant=skipping).verdict == "met"
    assert judged(convert_file(maf({**row, "INTRON": "13/20"}), "text/maf"), variant=skipping).verdict == "not_met"
    assert judged(convert_file(vcf(egfr(donor))), variant=skipping).verdict == "unknown"
