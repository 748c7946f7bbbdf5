"""Facts out of observations of biomarkers: genome-wide ones (MSI, MMR, TMB) and protein markers (ER, PR, HER2, PD-L1)."""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, cast

from trialbridge.criteria import facts as f
from trialbridge.emr.facts.read import answer, codings, exact, mapping, meaning, objects, text, unit_of, when, words
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import limit, listed

PER_MEGABASE: Final = "1/1000000{Base}"
_COUNTS: Final = ("ratio", "copies")
_NUMBER: Final = re.compile(r"[0-9]{1,4}(?:[.][0-9]{1,4})?")
_REPAIR: Final = {"high": "deficient", "stable": "proficient"}


def said(name: str, resource: Resource) -> str | None:
    """Return the word of an observation's value, coded or in words, in the set ``name``; None where the table has none."""
    stated = (resource.get("valueCodeableConcept"), {"text": resource.get("valueString")})
    return next((word for one in stated if (word := answer(name, one))), None)


def _interpreted(name: str, resource: Resource) -> str | None:
    """Return the word of an interpretation; a flag of a number beyond its range (``H``, ``L``) is none."""
    flags = listed("number_flag")
    stated = (
        one
        for one in objects(resource.get("interpretation"))
        if not any((c.code or "").casefold() in flags for c in codings(one))
    )
    return next((word for one in stated if (word := answer(name, one))), None)


def _stained(resource: Resource) -> str | None:
    """Return the result of a stain: its value, else what its interpretation says (``POS``, ``NEG``)."""
    return said("marker", resource) or _interpreted("interpretation", resource)


def of_signature(resource: Resource, evidence: f.Evidence, name: str) -> Iterator[f.AnyFact]:
    """Yield a genome-wide biomarker, by coded answer or by value."""
    quantity = mapping(resource.get("valueQuantity"))
    value = exact(quantity)
    unit = unit_of(quantity)
    if name == "tmb" and unit is not None and unit.casefold() in listed("per_megabase"):
        unit = PER_MEGABASE
    status = said(name, resource) or _interpreted(name, resource)
    if status is not None or value is not None:
        yield _signature(resource, evidence, name, status=status, value=value, unit=unit)


def of_instability(resource: Resource, evidence: f.Evidence, _: str) -> Iterator[f.AnyFact]:
    """Yield what an immune stain says of microsatellites, and of mismatch repair, which is what is stained: unstable is deficient."""
    status = said("instability", resource)
    if status is None and (word := _interpreted("interpretation", resource)):
        status = answer("instability", {"text": word})
    if status is None:
        return
    yield _signature(resource, evidence, "msi", status=status)
    if status in _REPAIR:
        yield _signature(resource, evidence, "mmr", status=_REPAIR[status])


def of_repair_protein(resource: Resource, evidence: f.Evidence, protein: str) -> Iterator[f.AnyFact]:
    """Yield the stain of one mismatch repair protein: its loss is a deficient repair, one that is there proves nothing of the others."""
    status = _stained(resource)
    if status not in ("positive", "negative"):
        return
    yield f.Marker(
        evidence=evidence, effective=when(resource), marker=protein, status=cast("Any", status), method=words(resource.get("method"))
    )  # fmt: skip
    if status == "negative":
        yield _signature(resource, evidence, "mmr", status="deficient")


def _signature(
    resource: Resource,
    evidence: f.Evidence,
    name: str,
    *,
    status: str | None,
    value: Decimal | None = None,
    unit: str | None = None,
) -> f.Signature:
    return f.Signature(
        evidence=evidence,
        effective=when(resource),
        name=cast("Any", name),
        status=status,
        value=value,
        unit=unit,
        assay=words(resource.get("method")),
    )


def of_marker(resource: Resource, evidence: f.Evidence, argument: str) -> Iterator[f.AnyFact]:
    """Yield a protein marker; ``argument`` is its name, with the kind of score where the code fixes it."""
    name, _, kind = argument.partition(" ")
    value, kind = _counted(resource, kind) if kind in _COUNTS else _score(resource, name, kind)
    status = _stained(resource)
    if name == "HER2" and kind == "ihc" and status == "negative" and _is_low(value):
        status = "low"
    if status is not None or value is not None:
        yield _marker(resource, evidence, name, status, value, kind)


def of_counts(resource: Resource, evidence: f.Evidence) -> Iterator[f.AnyFact]:
    """Yield what the components of an observation count of a gene: ratio and copies of an in situ hybridization."""
    for part in objects(resource.get("component")):
        _, read_as, argument = meaning(part.get("code"))
        name, _, kind = argument.partition(" ")
        if read_as == "marker" and kind in _COUNTS and (value := _counted(part, kind)[0]) is not None:
            yield _marker(resource, evidence, name, None, value, kind)


def _marker(
    resource: Resource, evidence: f.Evidence, name: str, status: str | None, value: Decimal | None, kind: str
) -> f.Marker:
    return f.Marker(
        evidence=evidence,
        effective=when(resource),
        marker=name,
        status=cast("Any", status),
        score=value,
        score_kind=cast("Any", kind or None) if value is not None else None,
        method=words(resource.get("method")),
    )


def _counted(part: dict[str, Any], kind: str) -> tuple[Decimal | None, str]:
    """Return a ratio or a number of copies, as a quantity without a unit of its own, as a ratio, or as a number in words."""
    quantity = mapping(part.get("valueQuantity"))
    unit = (unit_of(quantity) or "").casefold()
    if quantity:
        return exact(quantity) if not unit or unit in listed("count_unit") else None, kind
    ratio = mapping(part.get("valueRatio"))
    over, under = exact(ratio.get("numerator")), exact(ratio.get("denominator"))
    if over is not None and under is not None and under > 0:
        return over / under, kind
    written = _NUMBER.fullmatch((text(part.get("valueString")) or "").strip())
    return Decimal(written[0]) if written else None, kind


def _is_low(grade: Decimal | None) -> bool:
    """Return whether a grade of HER2 makes a result low that is negative as a whole."""
    return grade is not None and limit("her2_low_least") <= grade <= limit("her2_low_most")


def _score(resource: Resource, name: str, kind: str) -> tuple[Decimal | None, str]:
    """Return a marker's score and its kind; a concentration (``ng/mL`` in serum) is no score of a stain."""
    quantity = mapping(resource.get("valueQuantity"))
    unit = (unit_of(quantity) or "").casefold()
    value = exact(quantity)
    if value is not None and unit == "%":
        return value, kind or "percent"
    if value is not None and (not unit or unit in listed("score_unit")):
        # A tumour proportion score is a percentage; a number alone may as well be a combined positive score.
        return value, "" if kind == "tps" else kind
    grade = said("her2_ihc", resource) if name == "HER2" and not kind else None
    return (Decimal(grade), "ihc") if grade is not None else (None, kind)


READERS: Final[Mapping[str, Callable[[Resource, f.Evidence, str], Iterator[f.AnyFact]]]] = {
    "signature": of_signature,
    "instability": of_instability,
    "repair_protein": of_repair_protein,
    "marker": of_marker,
}
"""What reads each kind of biomarker of `tables/observations.tsv`, with its argument."""
