"""MAF files: each row a variant, in the same resources as those of VCF."""

from decimal import Decimal

import pytest

from tests.unit.emr.csv.tables import assert_whole, convert_table, errors_of, resources_of
from tests.unit.emr.genomics.files import MAPPING, convert_file, facts_in, part, variants
from trialbridge.criteria import facts as f
from trialbridge.criteria import hgvs
from trialbridge.emr.records import Conversion
from trialbridge.emr.sniff import media_type_of

ROW = {
    "Hugo_Symbol": "BRAF",
    "NCBI_Build": "GRCh37",
    "Chromosome": "7",
    "Start_Position": "140453136",
    "End_Position": "140453136",
    "Variant_Classification": "Missense_Mutation",
    "Variant_Type": "SNP",
    "Reference_Allele": "A",
    "Tumor_Seq_Allele1": "A",
    "Tumor_Seq_Allele2": "T",
    "dbSNP_RS": "rs113488022",
    "Tumor_Sample_Barcode": "T1",
    "Mutation_Status": "Somatic",
    "HGVSc": "c.1799T>A",
    "HGVSp_Short": "p.V600E",
    "Transcript_ID": "ENST00000288602",
    "Exon_Number": "15/18",
    "t_ref_count": "75",
    "t_alt_count": "25",
    "Center": "broad",
}


def maf(*rows: dict[str, str], names: tuple[str, ...] = tuple(ROW)) -> bytes:
    """Return a MAF of rows, which say what is other than in `ROW`."""
    every = tuple(dict.fromkeys((*names, *(key for row in rows for key in row))))
    lines = ["\t".join((ROW | row).get(name, "") for name in every) for row in rows]
    return "\n".join(["#version 2.4", "# made up", "\t".join(every), *lines, ""]).encode()


def converted(*rows: dict[str, str], mapping: str = MAPPING) -> Conversion:
    return convert_file(maf(*rows), "text/maf", mapping)


def test_a_row_becomes_the_resource_of_the_guide() -> None:
    assert media_type_of("x", maf({})) == "text/maf"
    found = converted({})
    (one,) = variants(found)
    assert part(one, "48018-6") == "BRAF"
    assert part(one, "48005-3") == "p.V600E"
    assert part(one, "48004-6") == "ENST00000288602:c.1799T>A"
    assert part(one, "81290-9") == "NC_000007.13:g.140453136A>T"
    assert part(one, "81258-6") == Decimal("0.2500")
    assert part(one, "48002-0") == "LA6684-0"
    assert part(one, "molecular-consequence") == "SO:0001583"
    assert part(one, "62374-4") == "LA14029-5"
    assert_whole(found)
    (fact,) = facts_in(found, f.Variant)
    assert (fact.gene, fact.protein_change, fact.effect, fact.source_class) == (
        "BRAF",
        "p.V600E",
        "Missense_Mutation",
        "somatic",
    )
    (coverage,) = facts_in(found, f.Coverage)
    assert "BRAF" in coverage.genes


@pytest.mark.parametrize(
    ("short", "means"),
    [
        ("p.V600E", "V600E"),
        ("p.R97Pfs*23", "R97Pfs*23"),
        ("p.E746_A750del", "E746_A750del"),
        ("p.L747_P753delinsS", "L747_P753delinsS"),
        ("p.Q61*", "Q61*"),
        ("p.M1?", "M1?"),
        ("p.L747=", "L747="),
        ("p.A767_V769dup", "A767_V769dup"),
        ("p.*1069Qext*3", "*1069Qext*3"),
        ("V600E", "V600E"),
    ],
)
def test_changes_in_one_letter_are_hgvs_and_mean_the_same(short: str, means: str) -> None:
    (one,) = variants(converted({"HGVSp_Short": short}))
    change = part(one, "48005-3")
    assert change.startswith("p.")
    assert hgvs.normal(change) == means


@pytest.mark.parametrize("short", ["p.X1010_splice", "splice", "?!"])
def test_what_only_looks_like_hgvs_is_text_and_no_code(short: str) -> None:
    (one,) = variants(converted({"HGVSp_Short": short, "Variant_Classification": "Splice_Site"}))
    concepts = [x["valueCodeableConcept"] for x in one["component"] if x["code"]["coding"][0]["code"] == "48005-3"]
    assert concepts == [{"text": short}]


def test_the_long_form_is_the_code_and_the_short_one_the_text() -> None:
    (one,) = variants(converted({"HGVSp": "ENSP0:p.Val600Glu"}))
    (concept,) = (x["valueCodeableConcept"] for x in one["component"] if x["code"]["coding"][0]["code"] == "48005-3")
    assert (concept["coding"][0]["code"], concept["text"]) == ("ENSP0:p.Val600Glu", "p.V600E")


@pytest.mark.parametrize(
    ("status", "source"), [("Somatic", "somatic"), ("Germline", "germline"), ("Unknown", "unknown"), ("LOH", "unknown")]
)
def test_the_status_says_whether_a_variant_is_of_the_tumour(status: str, source: str) -> None:
    (fact,) = facts_in(converted({"Mutation_Status": status}), f.Variant)
    assert fact.source_class == source


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"FILTER": "common_variant"}, "maf.filtered"),
        ({"Mutation_Status": "Wildtype"}, "maf.no-variant"),
        ({"Mutation_Status": "None"}, "maf.no-variant"),
        ({"Mutation_Status": "UNCALLED"}, "maf.no-variant"),
        ({"Validation_Status": "Invalid"}, "maf.no-variant"),
    ],
)
def test_rows_without_a_finding_are_dropped_for_a_reason(row: dict[str, str], reason: str) -> None:
    found = converted(row)
    assert variants(found) == []
    assert {one["where"][0] for one in found.leaves.details()} == {reason}


def test_a_fusion_names_the_other_gene() -> None:
    row = {"Hugo_Symbol": "ALK", "Variant_Classification": "Fusion", "Fusion": "EML4-ALK fusion", "HGVSp_Short": ""}
    (fact,) = facts_in(converted(row), f.Fusion)
    assert (fact.gene, fact.partner) == ("ALK", "EML4")


def test_rows_in_introns_and_between_genes_are_no_mutation_of_the_gene() -> None:
    rows = (
        {"Variant_Classification": "Intron", "HGVSp_Short": ""},
        {"Variant_Classification": "IGR", "HGVSp_Short": "", "HGVSc": ""},
    )
    found = converted(*rows)
    assert len(variants(found)) == 2
    assert facts_in(found, f.Variant) == []
    promoter = {"Hugo_Symbol": "TERT", "Variant_Classification": "5'Flank", "HGVSc": "c.-124C>T", "HGVSp_Short": ""}
    (fact,) = facts_in(converted(promoter), f.Variant)
    assert fact.coding_change == "ENST00000288602:c.-124C>T"


def test_bad_rows_are_set_aside_alone() -> None:
    body = maf(
        {},
        {"Tumor_Sample_Barcode": ""},
        {"Hugo_Symbol": ""},
        {"Tumor_Sample_Barcode": "T9"},
        {"Tumor_Sample_Barcode": "T9"},
    )
    found = convert_file(body + b"\t" * 30 + b"x\n", "text/maf")
    assert errors_of(found) == [
        ("maf.no-sample", "entry file, line[5], field Tumor_Sample_Barcode"),
        ("maf.no-gene", "entry file, line[6], field Hugo_Symbol"),
        ("genomics.unknown-sample", "entry file, line[7], field Tumor_Sample_Barcode"),
        ("maf.ragged-row", "entry file, line[9]"),
    ]
    assert len(variants(found)) == 1
    assert facts_in(found, f.Coverage) == []
    assert found.account["leaves"]["unaccounted"] == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "maf.no-header"),
        (b"#version 2.4\n", "maf.no-header"),
        (b"Hugo_Symbol\tChromosome\n", "maf.no-column"),
        (b"Hugo_Symbol\tTumor_Sample_Barcode\tHugo_Symbol\n", "maf.duplicate-column"),
    ],
)
def test_a_file_that_is_no_maf_is_set_aside_as_a_whole(body: bytes, code: str) -> None:
    assert [one for one, _ in errors_of(convert_file(body, "text/maf"))] == [code]


def test_a_hospitals_own_table_of_variants_is_read_by_its_mapping() -> None:
    mapping = """
version: 1
csv:
  files:
    - layout: maf
      columns: {Hugo_Symbol: GENE, Tumor_Sample_Barcode: SAMPLE, HGVSp_Short: AA_CHANGE, t_vaf: VAF}
genomics:
  samples_are_patients: true
"""
    found = convert_table("SAMPLE;GENE;AA_CHANGE;VAF\n4711;KRAS;p.G12C;0.31\n", mapping=mapping)
    (fact,) = facts_in(found, f.Variant)
    assert (fact.gene, fact.protein_change, fact.allele_fraction) == ("KRAS", "p.G12C", Decimal("0.31"))
    assert found.patients[0].local_patient == "4711"
    assert len(resources_of(found, "DiagnosticReport")) == 1
    assert_whole(found)
