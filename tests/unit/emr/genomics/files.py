"""Converts variant files, writes small ones, and judges trials on what comes out of them."""

from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from tests.unit.emr.csv.tables import feed_of
from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria.facts import Fact
from trialbridge.emr.convert import convert
from trialbridge.emr.csv.mapping import read_mapping
from trialbridge.emr.facts import facts_of
from trialbridge.emr.records import Conversion, Entry

TODAY = date(2026, 11, 21)
F = TypeVar("F", bound=Fact)
GOLDEN = Path(__file__).parent / "golden"
PARTS = "Allele|Consequence|IMPACT|SYMBOL|Feature|EXON|HGVSc|HGVSp|HGNC_ID|PICK|CANONICAL|CLIN_SIG|ALLELE_NUM"
HEADER = f"""##fileformat=VCFv4.2
##reference=GRCh38
##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: {PARTS}">
"""
MAPPING = """
version: 1
genomics:
  samples:
    T1: {patient: "4711", collected: 2026-03-04, panel: solid}
  panels:
    solid: {genes: [EGFR, KRAS, BRAF, TP53], assay: Solid 50}
"""
EGFR = (
    "G|missense_variant|MODERATE|EGFR|ENST00000275493.7|21/28|c.2573T>G|ENSP00000275493.2:p.Leu858Arg|HGNC:3236|1|YES||"
)


def vcf(*records: str, samples: str = "T1", header: str = HEADER) -> bytes:
    """Return a VCF of records whose columns are parted by spaces."""
    names = "#CHROM POS ID REF ALT QUAL FILTER INFO FORMAT " + samples
    return (header + "\n".join("\t".join(line.split()) for line in (names, *records)) + "\n").encode()


def egfr(info: str = f"CSQ={EGFR}", keys: str = "GT:AD", values: str = "0/1:60,40", filters: str = "PASS") -> str:
    """Return the record of EGFR L858R."""
    return f"chr7 55191822 rs121434568 T G 99 {filters} {info} {keys} {values}"


def convert_file(body: bytes, media_type: str = "text/vcf", mapping: str = MAPPING, name: str = "file") -> Conversion:
    """Return what a variant file becomes."""
    given = read_mapping(mapping.encode(), "mapping.yaml") if mapping else None
    return convert([Entry(name, media_type, body)], feed_of(given))


def facts_in(found: Conversion, kind: type[F]) -> list[F]:
    """Return the facts of a type of all patients."""
    every = [facts_of(one.resources, SourceId("lab"), RecordId("")) for one in found.patients]
    return [fact for by in every for facts in by.values() for fact in facts if isinstance(fact, kind)]


def variants(found: Conversion) -> list[dict[str, Any]]:
    """Return the Observations of variants."""
    every = (one for patient in found.patients for one in patient.resources)
    return [one for one in every if "variant" in str(one.get("meta", {}).get("profile"))]


def part(resource: dict[str, Any], code: str) -> Any:
    """Return the value of a component, None where it is absent: code, text, string or number."""
    for one in resource.get("component", ()):
        if code in [coding["code"] for coding in one["code"]["coding"]]:
            concept = one.get("valueCodeableConcept", {})
            coded = concept.get("coding", [{}])[0].get("code") or concept.get("text")
            return coded or one.get("valueString") or one.get("valueQuantity", {}).get("value") or one.get("valueRange")
    return None
