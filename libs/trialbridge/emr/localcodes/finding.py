"""Which local codes a FHIR resource holds: concepts without a standard coding that matching reads, and units it does not know."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from trialbridge.criteria.facts import Coding
from trialbridge.criteria.terminology import crosswalk, units
from trialbridge.emr import ucum
from trialbridge.emr.facts.clinical_drugs import drugs_in
from trialbridge.emr.facts.diseases import is_stage
from trialbridge.emr.facts.read import (
    LOINC,
    answer,
    codings,
    contained_drug,
    mapping,
    meaning,
    objects,
    system_of,
    text,
    unit_of,
)
from trialbridge.emr.localcodes.codes import Kind, LocalCode, local_code
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import observation_kinds

CONCEPTS: Final[dict[str, tuple[str, Kind]]] = {
    "Observation": ("code", "observation"),
    "Condition": ("code", "condition"),
    "MedicationAdministration": ("medicationCodeableConcept", "medication"),
    "MedicationStatement": ("medicationCodeableConcept", "medication"),
    "MedicationRequest": ("medicationCodeableConcept", "medication"),
    "Procedure": ("code", "procedure"),
    "AllergyIntolerance": ("code", "allergy"),
}
"""Where each resource type says what it is about."""
_DISEASES: Final = frozenset({"icd10", "snomed", "oncotree", "icdo3"})
_STANDARD: Final = (
    "snomed",
    "2.16.840.1.113883.6.",
    "rxnorm",
    "ama-assn.org",
    "icd-10",
    "icd10",
    "hcpcs",
    "loinc.org",
    "/ndc",
    "nci",
    "fdasis",
)
ANSWERED: Final[Mapping[str, tuple[str, ...]]] = {
    "marker": ("marker", "her2_ihc"),
    "repair_protein": ("marker",),
    "instability": ("instability",),
    "variant": ("presence",),
    "disease_status": ("disease_status",),
    "pregnancy": ("pregnancy",),
    "stage": ("stage",),
}
"""Sets of `tables/answers.tsv` by the kind of question; genome-wide biomarkers and performance have one of their own name."""
_NOT_A_FEED_S: Final = ("urn:trialbridge:", "http://hl7.org/", "http://terminology.hl7.org/", "http://dicom.nema.org/")
"""Systems of what observations are made of: our own, and those of the standards themselves. Nobody has to say what their codes mean."""


def local_codes(resource: Resource) -> tuple[LocalCode, ...]:
    """Return the local codes of a resource, each once, in order; none where everything is coded as matching reads it."""
    found = CONCEPTS.get(resource.get("resourceType", ""))
    if found is None:
        return ()
    name, kind = found
    if kind == "observation":
        return tuple(dict.fromkeys(_of_observation(resource)))
    held = local_concept(kind, resource.get(name) or contained_drug(resource).get("code"))
    return () if held is None else (held,)


def _of_observation(resource: Resource) -> Iterator[LocalCode]:
    for part in parts(resource):
        if not _has_value(part):
            continue
        quantity = mapping(part.get("valueQuantity"))
        held = local_concept("observation", part.get("code"), unit_of(quantity) or "")
        if held is not None:
            yield held
        unit = local_unit(quantity)
        if unit is not None:
            yield unit
        said = local_answer(part.get("code"), part.get("valueCodeableConcept"))
        if said is not None:
            yield said


def parts(observation: Resource) -> Iterator[dict[str, Any]]:
    """Yield an observation and its components: each has a code and may have a value."""
    yield observation
    if "component" in observation:
        yield from objects(observation["component"])


def _has_value(part: dict[str, Any]) -> bool:
    return any(key.startswith("value") for key in part)


def local_concept(kind: Kind, concept: Any, unit: str = "") -> LocalCode | None:
    """Return what stands for a concept that has no coding which matching reads; None where it has one, or says nothing."""
    if kind == "observation" and _has_loinc(concept):
        return None
    found = codings(concept)
    if not found or any(_read(kind, one) or _is_structural(kind, one) for one in found):
        return None
    first = next((one for one in found if one.code), found[0])
    return local_code(kind, first.system, first.code, first.text, unit)


def _has_loinc(concept: Any) -> bool:
    """Return at once, for most observations, that a concept has a LOINC code."""
    listed = concept.get("coding") if isinstance(concept, dict) else None
    return isinstance(listed, list) and any(
        isinstance(one, dict) and one.get("system") == LOINC and text(one.get("code")) for one in listed
    )


def _read(kind: Kind, coding: Coding) -> bool:
    """Return whether matching reads this coding of a concept of this kind."""
    code, system = coding.code, coding.system
    if kind == "observation":
        return bool(code) and (system == LOINC or (system_of(coding), code or "") in observation_kinds())
    if kind == "condition":
        named = crosswalk.system_of(system)
        return bool(code) and (named in _DISEASES or (named == "icd9" and bool(crosswalk.from_icd9(code or ""))))
    if kind == "medication" and coding.text and drugs_in(coding.text):
        return True
    low = (system or "").casefold()
    return bool(code) and any(word in low for word in _STANDARD)


def _is_structural(kind: Kind, coding: Coding) -> bool:
    return kind == "observation" and bool(coding.code) and (coding.system or "").startswith(_NOT_A_FEED_S)


def local_answer(question: Any, value: Any) -> LocalCode | None:
    """Return what stands for a coded answer that matching does not know, to a question that it knows; else None.

    The same code may answer two questions differently: the question is a part of what the answer is.
    """
    if not isinstance(value, dict):
        return None
    asked, kind, argument = meaning(question)
    sets = _sets(kind, argument)
    found = codings(value)
    if not sets or not found or any(answer(name, value) is not None for name in sets):
        return None
    if kind == "stage" and is_stage(value):
        return None
    first = next((one for one in found if one.code), found[0])
    return local_code("answer", f"{asked} {first.system or ''}".strip(), first.code, first.text, asked)


def _sets(kind: str, argument: str) -> tuple[str, ...]:
    """Return the sets of `tables/answers.tsv` that a question's answers are read by; none where it has no coded answers."""
    by_argument = {"signature": (argument,), "performance": (argument,)}
    return by_argument.get(kind) or ANSWERED.get(kind, ())


@lru_cache(maxsize=4096)
def _known(unit: str) -> bool:
    return units.is_known(unit)


def local_unit(quantity: dict[str, Any]) -> LocalCode | None:
    """Return the unit of a Quantity where matching does not know it; None where it does, where there is none, or where it is UCUM's.

    Nobody has to say what ``fL`` means, though no criterion asks for it.
    """
    unit = unit_of(quantity)
    if unit is None or _known(unit) or (quantity.get("system") == ucum.SYSTEM and ucum.is_valid(unit)):
        return None
    return local_code("unit", "", unit, text(quantity.get("unit")))
