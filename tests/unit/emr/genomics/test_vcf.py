"""VCF files: which alleles a sample has, what annotators say of them, and what is left out for which reason."""

from decimal import Decimal

import pytest

from tests.unit.emr.csv.tables import assert_whole, errors_of, resources_of
from tests.unit.emr.genomics.files import EGFR, HEADER, MAPPING, convert_file, egfr, facts_in, part, variants, vcf
from trialbridge.criteria import facts as f
from trialbridge.emr.jsontext import canonical
from trialbridge.emr.sniff import media_type_of


def test_an_annotated_variant_becomes_the_resource_of_the_guide() -> None:
    found = convert_file(vcf(egfr("SOMATIC;CSQ=" + EGFR)))
    (one,) = variants(found)
    assert part(one, "48018-6") == "HGNC:3236"
    assert part(one, "48005-3") == "ENSP00000275493.2:p.Leu858Arg"
    assert part(one, "48004-6") == "ENST00000275493.7:c.2573T>G"
    assert part(one, "81290-9") == "NC_000007.14:g.55191822T>G"
    assert part(one, "48019-4") == "SO:0001483"
    assert part(one, "48002-0") == "LA6684-0"
    assert part(one, "53034-5") == "LA6706-1"
    assert part(one, "81258-6") == Decimal("0.4000")
    assert part(one, "82121-5") == 40
    assert part(one, "molecular-consequence") == "SO:0001583"
    assert part(one, "62374-4") == "LA26806-2"
    assert part(one, "81255-2") == "rs121434568"
    assert one["effectiveDateTime"] == "2026-03-04"
    assert_whole(found)


def test_the_report_names_all_results_and_the_region_what_was_looked_at() -> None:
    found = convert_file(vcf(egfr()))
    (report,) = resources_of(found, "DiagnosticReport")
    observations = {f"Observation/{one['id']}" for one in resources_of(found, "Observation")}
    assert {one["reference"] for one in report["result"]} == observations
    (coverage,) = facts_in(found, f.Coverage)
    assert coverage.genes == ("EGFR", "KRAS", "BRAF", "TP53")
    assert (coverage.alterations, coverage.assay) == (("mutation",), "Solid 50")


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ("0/1", "LA6706-1"),
        ("1/0", "LA6706-1"),
        ("0|1", "LA6706-1"),
        ("1/1", "LA6705-3"),
        ("1", "LA6707-9"),
        ("./1", None),
    ],
)
def test_the_genotype_says_whether_and_how_a_sample_has_an_allele(values: str, state: str | None) -> None:
    (one,) = variants(convert_file(vcf(egfr(keys="GT", values=values))))
    assert part(one, "53034-5") == state


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (egfr(values="0/0:100,0"), "vcf.reference-call"),
        (egfr(values="./.:."), "vcf.not-called"),
        (egfr(filters="weak_evidence"), "vcf.filtered"),
        (egfr(keys="AD", values="99,0"), "vcf.reference-call"),
        ("chr7 55191822 . T . . PASS . GT 0/1".replace("0/1", "0/0"), "vcf.reference-call"),
        ("chr7 55191822 . T <NON_REF> . PASS . GT 0/0", "vcf.reference-call"),
        ("chr7 55191822 . T * . PASS . GT 0/1", "vcf.reference-call"),
    ],
)
def test_what_is_not_found_is_dropped_for_a_reason(record: str, reason: str) -> None:
    found = convert_file(vcf(record))
    assert variants(found) == []
    assert errors_of(found) == []
    rows = found.leaves.details()
    assert {one["where"][0] for one in rows} == {reason}
    assert {one["fate"] for one in rows} == {"dropped"}


def test_each_allele_of_a_record_has_its_own_annotation() -> None:
    first = "C|missense_variant|MODERATE|TP53|ENST01|4/11|c.215C>G|ENSP01:p.Pro72Arg||1|||"
    second = "A|synonymous_variant|LOW|TP53|ENST01|4/11|c.216C>T|ENSP01:p.Pro72%3D||1|||"
    record = f"17 7676154 . G C,A . PASS CSQ={second},{first} GT:AD"
    both = variants(convert_file(vcf(f"{record} 1|2:0,50,150")))
    assert {(part(one, "69551-0"), part(one, "48005-3")) for one in both} == {
        ("C", "ENSP01:p.Pro72Arg"),
        ("A", "ENSP01:p.Pro72="),
    }
    assert {part(one, "69551-0"): str(part(one, "81258-6")) for one in both} == {"C": "0.2500", "A": "0.7500"}
    (only,) = variants(convert_file(vcf(f"{record} 0/2:90,0,10")))
    assert part(only, "48005-3") == "ENSP01:p.Pro72="


def test_vep_writes_alleles_of_mixed_records_without_their_first_base() -> None:
    gone = "-|frameshift_variant|HIGH|TP53|ENST01||||||||"
    changed = "TT|missense_variant|MODERATE|TP53|ENST01||||||||"
    record = f"17 7676154 . GA G,GTT . PASS CSQ={gone},{changed} GT"
    (one,) = variants(convert_file(vcf(f"{record} 0/1")))
    assert part(one, "molecular-consequence") == "SO:0001589"
    (other,) = variants(convert_file(vcf(f"{record} 0/2")))
    assert part(other, "molecular-consequence") == "SO:0001583"


def test_the_picked_transcript_stands_for_its_gene_and_neighbours_do_not_count() -> None:
    picked = "G|missense_variant|MODERATE|EGFR|ENST02|||ENSP02:p.Leu813Arg||1|||"
    severe = "G|stop_gained|HIGH|EGFR|ENST03|||ENSP03:p.Leu1Ter|||||"
    beside = "G|downstream_gene_variant|MODIFIER|EGFR-AS1|ENST04|||||||"
    (one,) = variants(convert_file(vcf(egfr(f"CSQ={beside},{severe},{picked}"))))
    assert part(one, "48005-3") == "ENSP02:p.Leu813Arg"
    (one,) = variants(convert_file(vcf(egfr(f"CSQ={beside},{severe}"))))
    assert part(one, "48018-6") == "EGFR"


def test_snpeff_says_the_same_in_other_words() -> None:
    parts = "Allele | Annotation | Annotation_Impact | Gene_Name | Gene_ID | Feature_Type | Feature_ID | Transcript_BioType | Rank"
    described = f"Functional annotations: '{parts} | HGVS.c | HGVS.p'"
    header = f'##fileformat=VCFv4.3\n##INFO=<ID=ANN,Number=.,Type=String,Description="{described}">\n'
    said = "missense_variant&splice_region_variant|MODERATE|EGFR|ENSG1|transcript|NM_005228.5|protein_coding|21/28"
    found = convert_file(vcf(egfr(f"ANN=G|{said}|c.2573T>G|p.Leu858Arg"), header=header))
    (one,) = variants(found)
    assert part(one, "48004-6") == "NM_005228.5:c.2573T>G"
    (fact,) = facts_in(found, f.Variant)
    assert (fact.protein_change, fact.effect, fact.exon) == ("p.Leu858Arg", "missense_variant", "21/28")
    assert_whole(found)


@pytest.mark.parametrize(
    ("coding", "terms", "exon"),
    [
        ("ENST1:c.3082+1G>T", "splice_donor_variant&intron_variant", "14"),
        ("ENST1:c.2888-1G>A", "splice_acceptor_variant&intron_variant", "14"),
        ("ENST1:c.3082+2_3082+9del", "splice_donor_variant&intron_variant", "14"),
        ("ENST1:c.2888-5_3082+5del", "splice_acceptor_variant&splice_donor_variant", None),
        ("ENST1:c.3082+400G>T", "intron_variant", None),
    ],
)
def test_a_splice_variant_is_of_the_exon_that_it_stands_at(coding: str, terms: str, exon: str | None) -> None:
    """MET exon 14 skipping: the exon is asked for, and annotators name the intron alone."""
    intron = "13/20" if "2888-" in coding else "14/20"
    header = HEADER.replace("EXON|", "EXON|INTRON|")
    found = convert_file(vcf(egfr(f"CSQ=G|{terms}|HIGH|MET|ENST1||{intron}|{coding}||||||"), header=header))
    facts = facts_in(found, f.Variant)
    assert [one.exon for one in facts] == ([] if terms == "intron_variant" else [exon])
    rank = f"G|{terms}|HIGH|MET|E|transcript|ENST1|protein_coding|{intron}|{coding.partition(':')[2]}|"
    snpeff = '##fileformat=VCFv4.3\n##INFO=<ID=ANN,Number=.,Type=String,Description="x">\n'
    told = facts_in(convert_file(vcf(egfr(f"ANN={rank}"), header=snpeff)), f.Variant)
    assert [one.exon for one in told] == [one.exon for one in facts]


def test_a_fusion_names_both_genes() -> None:
    header = '##fileformat=VCFv4.3\n##INFO=<ID=ANN,Number=.,Type=String,Description="x">\n'
    ann = "ANN=N]2:29223528]|gene_fusion|HIGH|EML4&ALK|ENSG1&ENSG2|gene_variant|ENSG1&ENSG2||||"
    found = convert_file(vcf(f"2 42295516 bnd1 N N]2:29223528] . PASS SVTYPE=BND;{ann} GT 0/1", header=header))
    (fact,) = facts_in(found, f.Fusion)
    assert (fact.gene, fact.partner, fact.kind_of) == ("EML4", "ALK", "fusion")
    assert_whole(found)


def test_a_breakend_in_a_gene_is_a_structural_variant_and_no_mutation() -> None:
    csq = "CSQ=N]2:1]|feature_truncation|HIGH|ALK|ENST9||||||||"
    found = convert_file(vcf(f"2 42295516 . N N]2:1] . PASS SVTYPE=BND;{csq} GT 0/1"))
    (fact,) = facts_in(found, f.Fusion)
    assert (fact.gene, fact.kind_of) == ("ALK", "structural_variant")
    assert facts_in(found, f.Variant) == []


@pytest.mark.parametrize(
    ("copies", "call"),
    [
        ("12", "amplification"),
        ("4", "gain"),
        ("2", "neutral"),
        ("1", "heterozygous_deletion"),
        ("0", "homozygous_deletion"),
    ],
)
def test_copies_of_a_symbolic_allele_are_a_copy_number(copies: str, call: str) -> None:
    csq = "CSQ=CNV|transcript_amplification|HIGH|ERBB2|ENST8||||||||"
    found = convert_file(vcf(f"17 39700000 . N <CNV> . PASS END=39730000;{csq} GT:CN ./1:{copies}"))
    (fact,) = facts_in(found, f.CopyNumber)
    assert (fact.gene, fact.call, fact.copies) == ("ERBB2", call, Decimal(copies))
    assert_whole(found)


def test_a_sample_of_nobody_is_set_aside_and_never_named() -> None:
    found = convert_file(vcf(egfr(values="0/1:1,1 0/1:1,1"), samples="T1 Birchwood"))
    assert errors_of(found) == [("genomics.unknown-sample", "entry file, #CHROM, field sample[2]")]
    assert "Birchwood" not in str(found.set_aside[0].error)
    assert len(variants(found)) == 1


def test_the_header_may_say_whose_a_sample_is() -> None:
    header = HEADER + "##SAMPLE=<ID=N7,Patient=815>\n##PEDIGREE=<Derived=T7,Original=N7>\n"
    record = egfr(values="0/1:50,50 0/1:60,40")
    found = convert_file(vcf(record, samples="N7 T7", header=header), mapping="")
    assert errors_of(found) == []
    (patient,) = found.patients
    assert patient.local_patient == "815"
    (one,) = variants(found)
    assert part(one, "81258-6") == Decimal("0.4000")


def test_normal_samples_are_passed_over() -> None:
    found = convert_file(vcf(egfr(values="0/1:50,50 0/1:60,40"), samples="NORMAL T1"))
    assert errors_of(found) == []
    assert len(variants(found)) == 1


def test_a_bad_record_is_set_aside_alone_and_then_nothing_counts_as_not_found() -> None:
    records = (
        "chr7 abc . T G . PASS . GT 0/1",
        egfr(),
        "chr1 5 . T G . PASS . GT 0/7",
        "chr1 5 . T (G . PASS . GT 0/1",
        "chr1 5 . T G",
    )
    found = convert_file(vcf(*records))
    assert errors_of(found) == [
        ("vcf.bad-position", "entry file, line[5], field POS"),
        ("vcf.bad-genotype", "entry file, line[7]"),
        ("vcf.bad-allele", "entry file, line[8], field ALT"),
        ("vcf.short-record", "entry file, line[9]"),
    ]
    assert len(variants(found)) == 1
    assert facts_in(found, f.Coverage) == []
    assert found.warnings["genomics.coverage-unsure"] == 1
    assert found.account["leaves"]["unaccounted"] == 0


def test_a_gene_with_a_place_that_was_not_called_is_not_said_to_be_looked_at() -> None:
    (coverage,) = facts_in(convert_file(vcf(egfr(values="./.:."))), f.Coverage)
    assert coverage.genes == ("KRAS", "BRAF", "TP53")


def test_without_annotations_or_panel_nothing_is_said_of_what_was_not_found() -> None:
    bare = convert_file(vcf(egfr("DP=5"), header="##fileformat=VCFv4.1\n"))
    assert (facts_in(bare, f.Coverage), bare.warnings["vcf.not-annotated"]) == ([], 1)
    assert len(variants(bare)) == 1
    unknown = convert_file(vcf(egfr()), mapping=MAPPING.replace(", panel: solid", ""))
    assert (facts_in(unknown, f.Coverage), unknown.warnings["genomics.no-panel"]) == ([], 1)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "vcf.no-sample"),
        (b"##fileformat=VCFv4.2\n", "vcf.no-sample"),
        (b"chr1\t1\n", "vcf.not-a-vcf"),
        (b"##fileformat=VCFv3.3\n#CHROM\n", "vcf.not-a-vcf"),
        (b"##fileformat=VCFv4.2\n1\t2\n", "vcf.no-columns"),
        (b"##fileformat=VCFv4.2\n#CHROM\tPOS\n", "vcf.no-columns"),
        (vcf(samples=""), "vcf.no-sample"),
        (vcf(samples="A A"), "vcf.duplicate-sample"),
        (b"\x1f\x8bbroken", "vcf.broken-gzip"),
    ],
)
def test_a_file_that_is_no_vcf_is_set_aside_as_a_whole(body: bytes, code: str) -> None:
    assert [one for one, _ in errors_of(convert_file(body))] == [code]


def test_intronic_variants_are_kept_and_say_nothing_of_the_gene() -> None:
    found = convert_file(vcf(egfr("CSQ=G|intron_variant|MODIFIER|EGFR|ENST1||||||||")))
    assert len(variants(found)) == 1
    assert facts_in(found, f.Variant) == []


def test_the_same_file_gives_the_same_bytes_and_is_told_by_its_first_line() -> None:
    body = vcf(egfr())
    assert media_type_of("x", body) == "text/vcf"
    assert canonical(resources_of(convert_file(body))) == canonical(resources_of(convert_file(body)))
