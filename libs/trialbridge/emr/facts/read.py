"""Reads FHIR elements tolerantly: whatever is not of the expected shape is absent."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria.facts import Coding, Evidence
from trialbridge.criteria.terminology import crosswalk
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import answers, observation_kinds

_CHOICE: Final = 2
"""Digits of a number that stands for a choice of a list."""
_NUMBER: Final = re.compile(r"[0-9]+")
LOINC: Final = "http://loinc.org"
_THESAURUS: Final = ("ncithesaurus", "nci.nih.gov", "2.16.840.1.113883.3.26.1.1")
"""In every address of the thesaurus of the National Cancer Institute."""
ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"


def mapping(value: Any) -> dict[str, Any]:
    """Return an object, empty where it is none."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list, or the one object."""
    listed = value if isinstance(value, list) else [value]
    yield from (one for one in listed if isinstance(one, dict))


def text(value: Any) -> str | None:
    """Return a string that holds something, else None."""
    return value if isinstance(value, str) and value else None


def codings(concept: Any) -> tuple[Coding, ...]:
    """Return the codings of a CodeableConcept; its text stands as one where there is no coding."""
    if not isinstance(concept, dict):
        return ()
    words = text(concept.get("text"))
    listed = concept.get("coding")
    coded = tuple(
        [
            Coding(text(one.get("system")), text(one.get("code")), text(one.get("display")) or words)
            for one in (listed if isinstance(listed, list) else (listed,))
            if isinstance(one, dict)
        ]
    )
    return coded or ((Coding(text=words),) if words else ())


def words(concept: Any) -> str | None:
    """Return what a CodeableConcept says in words."""
    found = mapping(concept)
    shown = (text(one.get("display")) or text(one.get("code")) for one in objects(found.get("coding")))
    return text(found.get("text")) or next((one for one in shown if one), None)


def answer(name: str, concept: Any) -> str | None:
    """Return the word of a coded answer in the set ``name``, None where the table has none."""
    table = answers()
    for coding in codings(concept):
        for value in (_telling(coding), coding.text):
            word = table.get((name, value.casefold())) if value else None
            if word is not None:
                return word
    return None


def system_of(coding: Coding) -> str:
    """Return the word that `tables/observations.tsv` has for a coding's system."""
    if coding.system == LOINC:
        return "loinc"
    low = (coding.system or "").casefold()
    return "ncit" if any(one in low for one in _THESAURUS) else crosswalk.system_of(coding.system)


def meaning(concept: Any) -> tuple[str, str, str]:
    """Return what an observation's code asks, after its first coding that the table has: the code, kind of fact and argument."""
    table = observation_kinds()
    for coding in codings(concept):
        found = table.get((system_of(coding), coding.code or ""))
        if found is not None:
            return coding.code or "", *found
    return "", "", ""


def _telling(coding: Coding) -> str | None:
    """Return a coding's code; none where it is the number of a choice that its own words contradict (``1``, ECOG 0)."""
    code = coding.code
    if code is None or not (code.isdigit() and len(code) <= _CHOICE):
        return code
    numbers = _NUMBER.findall(coding.text or "")
    return code if not numbers or code in numbers else None


def decimal(value: Any) -> Decimal | None:
    """Return a number, None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        return None
    found = Decimal(str(value))
    return found if found.is_finite() else None


def exact(quantity: Any) -> Decimal | None:
    """Return the value of a Quantity; None where there is none, or where a comparator (``<``) says that it is another."""
    found = mapping(quantity)
    return None if found.get("comparator") else decimal(found.get("value"))


def unit_of(quantity: Any) -> str | None:
    """Return the unit that matching reads of a Quantity: its code, else its words."""
    found = mapping(quantity)
    return text(found.get("code")) or text(found.get("unit"))


_TIMES: Final = ("effectiveDateTime", "effectiveInstant", "performedDateTime")
_PERIODS: Final = ("effectivePeriod", "performedPeriod", "onsetPeriod")
_WRITTEN: Final = ("authoredOn", "dateTime", "recordedDate", "dateAsserted", "issued", "date")


def when(resource: Resource) -> str | None:
    """Return the clinically relevant time: effective, performed or onset, be it a period, else authored or recorded."""
    if onset := text(resource.get("onsetDateTime")):
        return onset
    if resource.get("resourceType") == "Condition" and (asserted := text(extension(resource, ASSERTED))):
        return asserted
    times = (text(resource.get(name)) for name in _TIMES)
    written = (text(resource.get(name)) for name in _WRITTEN)
    return next((one for one in (*times, *_periods(resource), *written) if one), None)


def _periods(resource: Resource) -> Iterator[str | None]:
    for name in _PERIODS:
        period = resource.get(name)
        if isinstance(period, dict):
            yield text(period.get("start")) or text(period.get("end"))


def contained_drug(resource: Resource) -> dict[str, Any]:
    """Return the Medication that a resource contains and refers to; empty where it tells its drug in another way."""
    name = (text(mapping(resource.get("medicationReference")).get("reference")) or "").removeprefix("#")
    if not name or codings(resource.get("medicationCodeableConcept")):
        return {}
    inside = (one for one in objects(resource.get("contained")) if one.get("resourceType") == "Medication")
    return next((one for one in inside if one.get("id") == name), {})


def reference(resource: Resource) -> str:
    """Return ``Type/id``."""
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def evidence(resource: Resource, source: SourceId, record: RecordId) -> Evidence:
    """Return where a fact of this resource comes from."""
    meta = mapping(resource.get("meta"))
    version = text(meta.get("versionId")) or text(meta.get("lastUpdated")) or ""
    return Evidence(resource=reference(resource), source=source, record=record, version=version, date=when(resource))


def profiles(resource: Resource) -> tuple[str, ...]:
    """Return the names of the profiles that a resource claims, without their path."""
    claimed = mapping(resource.get("meta")).get("profile")
    return (
        tuple(one.rsplit("/", 1)[-1].split("|")[0] for one in claimed if isinstance(one, str))
        if isinstance(claimed, list)
        else ()
    )


def extension(resource: Resource, url: str) -> Any:
    """Return the value of an extension, None where it is absent."""
    for one in objects(resource.get("extension")):
        if one.get("url") == url:
            return next((value for key, value in one.items() if key.startswith("value")), None)
    return None
