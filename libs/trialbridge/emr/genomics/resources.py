"""Variant, region studied and report of the Genomics Reporting guide (STU2) out of findings."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from trialbridge.emr import ucum
from trialbridge.emr.account import Derived, Made, made
from trialbridge.emr.csv.mapping import Panel
from trialbridge.emr.genomics.finding import Cell, Finding, accession, terms, word_of
from trialbridge.emr.records import Resource

GUIDE: Final = "http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/"
LOINC: Final = "http://loinc.org"
HGVS: Final = "http://varnomen.hgvs.org"
HGNC: Final = "http://www.genenames.org/geneId"
ONTOLOGY: Final = "http://www.sequenceontology.org"
TBD: Final = "http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/tbd-codes-cs"
LOCAL: Final = "urn:trialbridge:genomics:field"
ALTERATIONS: Final = "urn:trialbridge:fhir:alterations-studied"
"""Extension of a region studied: the kinds of alterations that the test looks for; without it, mutations."""
KEPT: Final = "urn:trialbridge:fhir:kept"
WHOLE: Final = {"system": "urn:trialbridge:fhir:tag", "code": "whole-sample"}
"""Tag of a report that replaces the earlier one, and of its results: they count only as long as the newest report lists them."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_CATEGORY: Final = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]
}
_REFSEQ: Final = "http://www.ncbi.nlm.nih.gov/nuccore"
_DBSNP: Final = "http://www.ncbi.nlm.nih.gov/projects/SNP"
_GENETICS: Final = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "GE"}]}


def loinc(code: str, display: str = "") -> dict[str, Any]:
    """Return a CodeableConcept of LOINC."""
    return {"coding": [{"system": LOINC, "code": code, **({"display": display} if display else {})}]}


def variant(finding: Finding, identity: str, basis: Resource) -> Resource:
    """Return the Observation of a variant that was found; ``basis`` has what all results of the sample share."""
    components = [*_names(finding), *_kind(finding), *_amounts(finding), *_place(finding), *_words(finding)]
    return {
        **_begun("Observation", identity, "variant", basis),
        "category": [_CATEGORY],
        "code": loinc("69548-6", "Genetic variant assessment"),
        "valueCodeableConcept": loinc("LA9633-4", "Present"),
        "component": [one for one in components if one is not None],
    }


def kept(path: str, one: str) -> dict[str, Any]:
    """Return the extension for a value of the source that has no place of its own."""
    text = _CONTROL.sub(" ", one).strip()
    return {"url": KEPT, "extension": [{"url": "path", "valueString": path}, {"url": "value", "valueString": text}]}


def region(panel: Panel, identity: str, basis: Resource, genes: Iterable[str]) -> Resource:
    """Return the Observation of what a test looked at, without the genes in which it could not tell."""
    components = [_component("48018-6", "Gene studied", {"text": gene}) for gene in genes]
    if panel.source != "unknown":
        components.append(_listed("48002-0", "Genomic source class", "source-class", panel.source))
    return {
        **_begun("Observation", identity, "region-studied", basis),
        "extension": [{"url": ALTERATIONS, "valueCode": one} for one in panel.alterations],
        "category": [_CATEGORY],
        "code": loinc("53041-0", "DNA region of interest panel"),
        **({"method": {"text": panel.assay}} if panel.assay else {}),
        "component": [one for one in components if one is not None],
    }


def report(identity: str, basis: Resource, results: Sequence[Resource]) -> Resource:
    """Return the DiagnosticReport of a sample."""
    shared = {name: value for name, value in basis.items() if name != "specimen"}
    listed = [{"reference": f"Observation/{one['id']}"} for one in results]
    specimen = {"specimen": [basis["specimen"]]} if "specimen" in basis else {}
    return {
        **_begun("DiagnosticReport", identity, "genomics-report", {**shared, **specimen}),
        "category": [_GENETICS],
        "code": loinc("51969-4", "Genetic analysis report"),
        **({"result": listed} if listed else {}),
    }


def _begun(kind: str, identity: str, profile: str, basis: Resource) -> Resource:
    meta = {**basis["meta"], "profile": [GUIDE + profile]}
    return {"resourceType": kind, "id": identity, **basis, "meta": meta, "status": "final"}


def _component(code: str, display: str, value: Any) -> dict[str, Any] | None:
    return {"code": loinc(code, display), "valueCodeableConcept": value} if value else None


def _listed(code: str, display: str, table: str, word: Cell | str | None) -> dict[str, Any] | None:
    """Return a component whose answer a table has for a word (``code|display``)."""
    found = word_of(table, word)
    if found is None or word is None:
        return None
    answer, _, shown = found.partition("|")
    return _component(code, display, {"coding": [{"system": LOINC, "code": made(answer, word), "display": shown}]})


def _quantity(code: str, display: str, value: Made | None) -> dict[str, Any] | None:
    found = {"value": value, "system": ucum.SYSTEM, "code": "1"} if value is not None else None
    return {"code": loinc(code, display), "valueQuantity": found} if found else None


def _hgvs(code: str, display: str, change: Cell | None, text: Cell | None = None) -> dict[str, Any] | None:
    if change is None:
        return _component(code, display, {"text": text}) if text is not None else None
    words = {"text": text} if text is not None else {}
    return _component(code, display, {"coding": [{"system": HGVS, "code": change}], **words})


def _gene(symbol: Cell | None, number: Cell | None = None) -> dict[str, Any] | None:
    if symbol is None:
        return None
    coded = made(number if number.upper().startswith("HGNC:") else f"HGNC:{number}", number) if number else None
    value = {"coding": [{"system": HGNC, "code": coded, "display": symbol}]} if coded else {"text": symbol}
    return _component("48018-6", "Gene studied", value)


def _names(finding: Finding) -> list[dict[str, Any] | None]:
    return [
        _gene(finding.gene, finding.hgnc),
        _gene(finding.partner),
        _hgvs("48005-3", "Amino acid change (pHGVS)", finding.protein, finding.protein_short),
        _hgvs("48004-6", "DNA change (c.HGVS)", finding.coding),
        _hgvs("81290-9", "Genomic DNA change (gHGVS)", finding.genomic),
        _component("51958-7", "Transcript reference sequence [ID]", {"text": finding.transcript})
        if finding.transcript
        else None,
        _component("47999-8", "DNA region name", {"text": finding.exon}) if finding.exon else None,
    ]


def _change(word: Cell | str | None, kind: str) -> dict[str, Any] | None:
    codings = []
    for one in ["structural", word] if kind == "structural" else [word]:
        found = word_of("change", one)
        if found is not None:
            code, _, shown = found.partition("|")
            codings.append({"system": ONTOLOGY, "code": made(code, one), "display": shown})
    return _component("48019-4", "DNA change type", {"coding": codings}) if codings else None


def _kind(finding: Finding) -> list[dict[str, Any] | None]:
    return [
        _change(finding.change, finding.kind),
        _consequence(finding.consequences),
        _listed("48002-0", "Genomic source class", "source-class", finding.source),
        _listed("53037-8", "Genetic variation clinical significance", "significance", finding.significance),
        _listed("53034-5", "Allelic state", "state", finding.state),
    ]


def _consequence(found: list[Cell]) -> dict[str, Any] | None:
    """Return the molecular consequence: codes of the Sequence Ontology, and the most severe term as text."""
    codings = []
    for one in found:
        term = terms().get(one.casefold())
        if term is not None and term.ontology:
            codings.append({"system": ONTOLOGY, "code": made(term.ontology, one), "display": one})
    if not found:
        return None
    code = {"coding": [{"system": TBD, "code": "molecular-consequence", "display": "Molecular consequence"}]}
    value = {**({"coding": codings} if codings else {}), "text": found[0]}
    return {"code": code, "valueCodeableConcept": value}


def _amounts(finding: Finding) -> list[dict[str, Any] | None]:
    return [
        _quantity("81258-6", "Sample variant allelic frequency [NFr]", finding.fraction),
        _quantity("82121-5", "Allelic read depth", finding.alternate_depth),
        _quantity("82155-3", "Genomic structural variant copy number", finding.copies),
    ]


def _text(code: str, display: str, cell: Cell | None) -> dict[str, Any] | None:
    return {"code": loinc(code, display), "valueString": cell} if cell is not None else None


def _place(finding: Finding) -> list[dict[str, Any] | None]:
    sequence = None
    if finding.chromosome is not None and finding.assembly:
        number = accession(finding.assembly, str(finding.chromosome))
        if number is not None:
            of = {"system": _REFSEQ, "code": made(number, finding.chromosome)}
            sequence = _component("48013-7", "Genomic reference sequence [ID]", {"coding": [of]})
    where = {"text": finding.chromosome} if finding.chromosome is not None else None
    return [
        _component("48000-4", "Chromosome", where),
        _listed("62374-4", "Human reference sequence assembly version", "assembly-code", finding.assembly),
        sequence,
        _range(finding),
        _text("69547-8", "Genomic ref allele [ID]", finding.reference),
        _text("69551-0", "Genomic alt allele [ID]", finding.alternate),
        *(_name(one) for one in finding.names),
    ]


def _name(one: Cell) -> dict[str, Any] | None:
    number = one.lower().startswith("rs")
    code, display = ("81255-2", "dbSNP [ID]") if number else ("81252-9", "Discrete genetic variant")
    return _component(code, display, {"coding": [{"system": _DBSNP, "code": one}]} if number else {"text": one})


def _range(finding: Finding) -> dict[str, Any] | None:
    if finding.start is None:
        return None
    start = finding.start if isinstance(finding.start, Made) else Made(Decimal(finding.start), (finding.start,))
    found: dict[str, Any] = {"low": {"value": start}}
    if finding.end is not None:
        found["high"] = {"value": finding.end}
    return {"code": loinc("81254-5", "Genomic allele start-end"), "valueRange": found}


def _words(finding: Finding) -> list[dict[str, Any]]:
    return [
        {"code": {"coding": [{"system": LOCAL, "code": name}]}, "valueString": cell}
        for name, cell in finding.local
        if isinstance(cell, Derived) or cell
    ]
