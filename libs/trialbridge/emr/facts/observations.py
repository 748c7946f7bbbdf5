"""Facts out of Observation: by the meaning of its code (`tables/observations.tsv`), else a laboratory result or a vital sign."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, cast

from trialbridge.criteria import facts as f
from trialbridge.emr.facts import biomarkers, genomics
from trialbridge.emr.facts.diseases import stage_words
from trialbridge.emr.facts.read import (
    LOINC,
    answer,
    codings,
    decimal,
    exact,
    mapping,
    meaning,
    objects,
    text,
    unit_of,
    when,
)
from trialbridge.emr.facts.standing import standing
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import limit

_SCORE: Final = re.compile(
    r"(?:(?:ecog|karnofsky|kps|lansky|ps|grade|score)\b[ :=]*){0,3}([0-9]{1,3}) ?%?", re.IGNORECASE
)


def of_observation(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield the facts of one observation; one that is not final, or was withdrawn, has none."""
    if standing(resource) != "stated":
        return
    _, kind, argument = meaning(resource.get("code"))
    if kind == "variant":
        yield from genomics.of_variant(resource, evidence)
    elif kind == "coverage":
        yield from genomics.of_coverage(resource, evidence)
    elif kind in biomarkers.READERS:
        yield from biomarkers.READERS[kind](resource, evidence, argument)
    elif kind == "performance":
        yield from _performance(resource, evidence, argument)
    elif kind == "stage":
        yield from _stage(resource, evidence, argument)
    elif kind in ("disease_status", "pregnancy"):
        yield from _status(resource, evidence, kind)
    else:
        yield from _measured(resource, evidence)
    if kind in ("", "marker") and "component" in resource:
        yield from biomarkers.of_counts(resource, evidence)


def _performance(resource: Resource, evidence: f.Evidence, scale: str) -> Iterator[f.AnyFact]:
    value = decimal(resource.get("valueInteger"))
    if value is None:
        value = exact(resource.get("valueQuantity"))
    if value is None:
        word = biomarkers.said(scale, resource) or text(resource.get("valueString")) or ""
        written = _SCORE.fullmatch(word.strip())
        value = Decimal(written[1]) if written else None
    if value is not None and value == value.to_integral_value() and 0 <= value <= limit(f"{scale}_most"):
        yield f.Performance(evidence=evidence, effective=when(resource), scale=cast("Any", scale), value=int(value))


def _stage(resource: Resource, evidence: f.Evidence, argument: str) -> Iterator[f.AnyFact]:
    part, _, basis = argument.partition(" ")
    value = stage_words(resource.get("valueCodeableConcept")) or stage_words({"text": resource.get("valueString")})
    if value:
        parts: dict[str, Any] = {part: value}
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
        loinc = next((c for c in codings(part.get("code")) if c.system == LOINC and c.code), None)
        quantity = mapping(part.get("valueQuantity"))
        value = decimal(quantity.get("value"))
        if loinc is None or loinc.code is None or value is None:
            continue
        unit = unit_of(quantity)
        given = quantity.get("comparator")
        comparator = cast("Any", given) if given in ("<", "<=", ">=", ">") else None
        if vital:
            yield f.Vital(
                evidence=evidence, effective=when(resource), loinc=loinc.code, value=value, unit=unit, comparator=comparator
            )  # fmt: skip
            continue
        limits = _limits(part, quantity)
        yield f.Lab(
            evidence=evidence,
            effective=when(resource),
            loinc=loinc.code,
            value=value,
            unit=unit,
            comparator=comparator,
            upper_limit=limits.get("high"),
            lower_limit=limits.get("low"),
            name=loinc.text,
        )


def _limits(part: dict[str, Any], quantity: dict[str, Any]) -> dict[str, Decimal | None]:
    """Return the limits of normal; none where they are in another unit than the result, or of something else than what is normal."""
    found = []
    for one in objects(part.get("referenceRange")):
        kinds = {coding.code for coding in codings(one.get("type"))}
        if kinds and "normal" not in kinds:
            continue
        ends = {name: mapping(one.get(name)) for name in ("low", "high")}
        same = all(unit_of(end) in (None, unit_of(quantity)) for end in ends.values())
        if same and any(ends.values()):
            found.append({name: decimal(end.get("value")) for name, end in ends.items()})
    # Ranges of men and women, or of ages: which of them is the patient's is not for us to say.
    return found[0] if found and all(one == found[0] for one in found) else {}
