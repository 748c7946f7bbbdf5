"""Genomic and marker resources of the synthetic world, in the shapes of the Genomics Reporting guide and mCODE."""

from datetime import date
from decimal import Decimal
from re import fullmatch
from typing import Any

from trialbridge.emr.genomics.resources import ALTERATIONS
from trialbridge.testkit import codes
from trialbridge.testkit.diseases import Alteration
from trialbridge.testkit.fhir_clinical import Json, begin, concept, observation, subject
from trialbridge.testkit.histories import Markers, Report
from trialbridge.testkit.places import GENOME, Source

_PRESENT = {"coding": [{"system": codes.LOINC, "code": "LA9633-4", "display": "Present"}]}
_THREE = {
    "A": "Ala", "R": "Arg", "N": "Asn", "D": "Asp", "C": "Cys", "Q": "Gln", "E": "Glu", "G": "Gly", "H": "His", "I": "Ile",
    "L": "Leu", "K": "Lys", "M": "Met", "F": "Phe", "P": "Pro", "S": "Ser", "T": "Thr", "W": "Trp", "Y": "Tyr", "V": "Val",
}  # fmt: skip


def three_letter(change: str) -> str:
    """Return a substitution such as ``p.L858R`` with three-letter residues; any other change as it is."""
    parts = fullmatch(r"p\.([A-Z])(\d+)([A-Z])", change)
    if not parts:
        return change
    return f"p.{_THREE[parts[1]]}{parts[2]}{_THREE[parts[3]]}"


def _component(code: str, name: str, **value: Any) -> Json:
    return {"code": concept(codes.LOINC, code, name), **value}


def _gene(symbol: str) -> Json:
    hgnc = concept(codes.HGNC, f"HGNC:{codes.GENES[symbol]}", symbol)
    return _component("48018-6", "Gene studied", valueCodeableConcept=hgnc)


def _source_class(*, germline: bool) -> Json:
    answer = ("LA6683-2", "Germline") if germline else ("LA6684-0", "Somatic")
    return _component("48002-0", "Genomic source class", valueCodeableConcept=concept(codes.LOINC, *answer))


def _hgvs(code: str, name: str, change: str) -> Json:
    return _component(code, name, valueCodeableConcept=concept(codes.HGVS, change, change))


def _change_type(code: str, name: str) -> Json:
    kind = concept("http://www.sequenceontology.org", code, name)
    return _component("48019-4", "DNA change type", valueCodeableConcept=kind)


def _small_variant(finding: Alteration, fraction: str, source: Source) -> list[Json]:
    # The laboratory writes three-letter residues, the practices one-letter ones: both are in use.
    protein = three_letter(finding.protein) if source is GENOME else finding.protein
    quantity = {"value": Decimal(fraction), "system": codes.UCUM, "code": "1"}
    answer = ("LA6668-3", "Pathogenic")
    return [
        _gene(finding.gene),
        _hgvs("48005-3", "Amino acid change", protein),
        _hgvs("48004-6", "DNA change", finding.coding),
        _component("81258-6", "Allelic frequency", valueQuantity=quantity),
        _source_class(germline=finding.germline),
        _component("53037-8", "Clinical significance", valueCodeableConcept=concept(codes.LOINC, *answer)),
    ]


def _components(finding: Alteration, fraction: str, source: Source) -> list[Json]:
    if finding.kind == "variant":
        return _small_variant(finding, fraction, source)
    if finding.kind == "fusion":
        return [_gene(finding.gene), _gene(finding.partner), _change_type("SO:0001565", "gene_fusion")]
    gained = finding.kind == "amplification"
    copies = {"value": Decimal(9 if gained else 0), "system": codes.UCUM, "code": "1"}
    kind = ("SO:0001742", "copy_number_gain") if gained else ("SO:0001743", "copy_number_loss")
    return [
        _gene(finding.gene),
        _change_type(*kind),
        _component("82155-3", "Copy number", valueQuantity=copies),
        _source_class(germline=False),
    ]


def genomic_report(report: Report, source: Source, local: str) -> list[Json]:
    """Return the DiagnosticReport (51969-4) of ``report`` and its observations: findings, signatures and what was looked at."""

    def make(name: str, code: Json, value: Json, profile: str) -> Json:
        found = observation(source, local, f"{report.panel}-{name}", report.on, code, "laboratory", value)
        found["meta"]["profile"] = [codes.GENOMICS + profile]
        return found

    found = [
        make(
            f"finding-{number}",
            concept(codes.LOINC, "69548-6", "Genetic variant assessment"),
            {"valueCodeableConcept": _PRESENT, "component": _components(finding, fraction, source)},
            "variant",
        )
        for number, (finding, fraction) in enumerate(zip(report.findings, report.fractions, strict=True), 1)
    ]
    looked_at = concept(codes.LOINC, "53041-0", "DNA region of interest panel")
    region = {
        "extension": [{"url": ALTERATIONS, "valueCode": one} for one in ("mutation", "copy_number", "fusion")],
        "component": [_gene(gene) for gene in report.genes],
    }
    found.append(make("region", looked_at, region, "region-studied"))
    if report.msi:
        answer = ("LA26203-2", "MSI-H") if report.msi == "high" else ("LA14122-8", "Stable")
        value = {"valueCodeableConcept": concept(codes.LOINC, *answer)}
        found.append(make("msi", concept(codes.LOINC, "81695-9", "Microsatellite instability"), value, "msi"))
    if report.tmb:
        quantity = {
            "value": Decimal(report.tmb),
            "unit": "mutations/megabase",
            "system": codes.UCUM,
            "code": "1/1000000{Base}",
        }
        tmb = concept(codes.LOINC, "94076-7", "Mutations per megabase")
        found.append(make("tmb", tmb, {"valueQuantity": quantity}, "tmb"))
    return [_diagnostic_report(report, found, source, local), *found]


def _diagnostic_report(report: Report, found: list[Json], source: Source, local: str) -> Json:
    name = f"{report.panel}@{report.on.isoformat()}"
    profile = codes.GENOMICS + "genomics-report"
    return begin("DiagnosticReport", source, local, name, report.on, profile) | {
        "status": "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/v2-0074", "GE", "Genetics")],
        "code": concept(codes.LOINC, "51969-4", "Genetic analysis report"),
        "subject": subject(source, local),
        "effectiveDateTime": report.on.isoformat(),
        "result": [{"reference": f"Observation/{each['id']}"} for each in found],
    }


_ANSWERS = {"positive": ("10828004", "Positive"), "negative": ("260385009", "Negative"), "low": ("62482003", "Low")}


def marker(loinc: str, name: str, answer: str, source: Source, local: str, on: date, *, tag: str = "") -> Json:
    """Return a tumour marker test with a coded answer: ``positive``, ``negative`` or ``low``."""
    value = {"valueCodeableConcept": concept(codes.SNOMED, *_ANSWERS[answer])}
    found = observation(source, local, f"{loinc}{tag}", on, concept(codes.LOINC, loinc, name), "laboratory", value)
    found["meta"]["profile"] = [codes.MCODE + "mcode-tumor-marker-test"]
    return found


def markers(tested: Markers, source: Source, local: str, on: date) -> list[Json]:
    """Return the tumour marker tests of ``tested``."""
    found = []
    for loinc, name, state in (("85337-4", "ER", tested.er), ("85339-0", "PR", tested.pr)):
        if state is not None:
            found.append(marker(loinc, name, "positive" if state else "negative", source, local, on))
    if tested.her2 is not None:
        found.append(marker("48676-1", "HER2", tested.her2, source, local, on))
    if tested.pdl1 is not None:
        quantity = {"value": Decimal(tested.pdl1), "unit": "%", "system": codes.UCUM, "code": "%"}
        code = concept(codes.LOINC, "85147-7", "PD-L1 22C3 tumour proportion score")
        found.append(observation(source, local, "85147-7", on, code, "laboratory", {"valueQuantity": quantity}))
    return found
