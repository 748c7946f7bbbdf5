"""Facts out of Observation: by the meaning of its code (`tables/observations.tsv`), else a laboratory result or a vital sign."""

from collections.abc import Iterator
from typing import Any, cast

from trialbridge.criteria import facts as f
from trialbridge.criteria.terminology import crosswalk
from trialbridge.emr.facts import genomics
from trialbridge.emr.facts.diseases import stage_words
from trialbridge.emr.facts.read import answer, codings, decimal, exact, mapping, objects, text, when
from trialbridge.emr.facts.standing import standing
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import meanings

_LOINC = "http://loinc.org"


def of_observation(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield the facts of one observation; one that is not final, or was withdrawn, has none."""
    if standing(resource) != "stated":
        return
    kind, argument = _meaning(resource)
    if kind == "variant":
        yield from genomics.of_variant(resource, evidence)
    elif kind == "coverage":
        yield from genomics.of_coverage(resource, evidence)
    elif kind == "signature":
        yield from genomics.of_signature(resource, evidence, argument)
    elif kind == "marker":
        yield from genomics.of_marker(resource, evidence, argument)
    elif kind == "performance":
        yield from _performance(resource, evidence, argument)
    elif kind == "stage":
        yield from _stage(resource, evidence, argument)
    elif kind in ("disease_status", "pregnancy"):
        yield from _status(resource, evidence, kind)
    else:
        yield from _measured(resource, evidence)


def _meaning(resource: Resource) -> tuple[str, str]:
    table = meanings()
    for coding in codings(resource.get("code")):
        system = "loinc" if coding.system == _LOINC else crosswalk.system_of(coding.system)
        found = table.get((system, coding.code or ""))
        if found is not None:
            return found
    return "", ""


def _performance(resource: Resource, evidence: f.Evidence, scale: str) -> Iterator[f.AnyFact]:
    value = decimal(resource.get("valueInteger"))
    if value is None:
        value = exact(resource.get("valueQuantity"))
    if value is not None and value == value.to_integral_value() and 0 <= value <= 100:  # noqa: PLR2004 - the scales' largest
        yield f.Performance(evidence=evidence, effective=when(resource), scale=cast("Any", scale), value=int(value))


def _stage(resource: Resource, evidence: f.Evidence, argument: str) -> Iterator[f.AnyFact]:
    part, _, basis = argument.partition(" ")
    value = stage_words(resource.get("valueCodeableConcept")) or text(resource.get("valueString"))
    if value:
        parts: dict[str, Any] = {part: value.removeprefix("Stage ").strip()}
        yield f.Stage(evidence=evidence, effective=when(resource), basis=cast("Any", basis), **parts)


def _status(resource: Resource, evidence: f.Evidence, kind: str) -> Iterator[f.AnyFact]:
    word = answer(kind, resource.get("valueCodeableConcept"))
    if word is not None and kind == "pregnancy":
        yield f.Pregnancy(evidence=evidence, effective=when(resource), status=cast("Any", word))
    elif word is not None:
        yield f.DiseaseStatus(evidence=evidence, effective=when(resource), status=word)


def _measured(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield a quantity with a LOINC code as a vital sign or a laboratory result, and those of its components."""
    vital = any(c.code == "vital-signs" for one in objects(resource.get("category")) for c in codings(one))
    for part in (resource, *objects(resource.get("component"))):
        loinc = next((c for c in codings(part.get("code")) if c.system == _LOINC and c.code), None)
        quantity = mapping(part.get("valueQuantity"))
        value = decimal(quantity.get("value"))
        if loinc is None or loinc.code is None or value is None:
            continue
        unit = text(quantity.get("code")) or text(quantity.get("unit"))
        given = quantity.get("comparator")
        comparator = cast("Any", given) if given in ("<", "<=", ">=", ">") else None
        if vital:
            yield f.Vital(
                evidence=evidence, effective=when(resource), loinc=loinc.code, value=value, unit=unit, comparator=comparator
            )  # fmt: skip
            continue
        limits = next(objects(part.get("referenceRange")), {})
        yield f.Lab(
            evidence=evidence,
            effective=when(resource),
            loinc=loinc.code,
            value=value,
            unit=unit,
            comparator=comparator,
            upper_limit=decimal(mapping(limits.get("high")).get("value")),
            lower_limit=decimal(mapping(limits.get("low")).get("value")),
            name=loinc.text,
        )
