"""From a row to its resources: each product of the layout, element by element, with the profiles that its codes call for."""

from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.csv.kinds import KINDS, TERMS
from trialbridge.emr.csv.layouts import MRN, Layout, Product, Rule, extension_url
from trialbridge.emr.csv.rows import Row
from trialbridge.emr.facts.diseases import is_cancer, is_secondary
from trialbridge.emr.facts.read import codings
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import triples

MCODE: Final = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
US_CORE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/"
_SUBJECT: Final = {"Patient": "", "ResearchStudy": "", "ResearchSubject": "individual", "Appointment": ""}
"""Types whose element for the patient is not ``subject``, or that have none."""
_KINDS_OF_PROCEDURE: Final = {
    "radiation": ("mcode-radiotherapy-course-summary", "108290001", "Radiation oncology AND/OR radiotherapy"),
    "surgery": ("mcode-cancer-related-surgical-procedure", "387713003", "Surgical procedure"),
}
_SNOMED: Final = "http://snomed.info/sct"


def build(row: Row, layout: Layout, counts: dict[tuple[str, ...], int]) -> list[Resource]:
    """Return the resources of a row. ``counts`` are how often each key without a number of its own came in this file."""
    found = []
    for product in layout.products:
        if product.needs and not any(row.cell(column) for column in product.needs):
            continue
        resource = _resource(row, product, counts)
        row.made[product.name] = resource
        found.append(resource)
    return found


def key_of(row: Row, product: Product) -> tuple[str, ...]:
    """Return what names a product's resource: the patient and the columns of its identity."""
    parts = tuple(str(row.cell(column) or "") for column in product.identity)
    return parts if product.resource in ("Patient", "ResearchStudy") else (row.local, product.name, *parts)


def _resource(row: Row, product: Product, counts: dict[tuple[str, ...], int]) -> Resource:
    key = key_of(row, product)
    if not product.own and product.resource != "ResearchStudy":
        counts[key] = counts.get(key, 0) + 1
        # The order of a file's rows is the only thing that tells two statements of the same day apart.
        key = (*key, str(counts[key])) if counts[key] > 1 else key
    identity = row.patient if product.resource == "Patient" else row.table.id_of(product.resource, *key)
    profiles = [one if "/" in one else MCODE + one for one in product.profiles]
    meta: dict[str, Any] = {"lastUpdated": row.table.feed.received}
    resource: Resource = {"resourceType": product.resource, "id": identity, "meta": meta}
    for rule in product.rules:
        value = KINDS[rule.kind](row, rule)
        if value is not None and value not in ({}, []):
            _set(resource, rule, value)
    _owner(resource, row)
    profiles += _by_content(resource, row)
    if profiles:
        meta["profile"] = profiles
    return resource


def _owner(resource: Resource, row: Row) -> None:
    kind = resource["resourceType"]
    mrn = row.cell(MRN)
    element = _SUBJECT.get(kind, "subject")
    if element and mrn is not None:
        resource[element] = row.subject(mrn)
    elif kind == "Appointment" and mrn is not None:
        resource["participant"] = [{"actor": row.subject(mrn), "status": "tentative"}]


def _set(resource: Resource, rule: Rule, value: Any) -> None:
    """Put a value at the rule's element; a path of ``-`` puts the elements of the value itself."""
    if rule.element == ("-",):
        resource.update(value)
        return
    here: dict[str, Any] = resource
    for step in rule.element[:-1]:
        here = _inside(here, step)
    last = rule.element[-1]
    if last.endswith("[]*"):
        here.setdefault(last[:-3], []).extend(value)
    elif last.endswith("[]"):
        here.setdefault(last[:-2], []).append(value)
    else:
        here[last] = value


def _inside(here: dict[str, Any], step: str) -> dict[str, Any]:
    """Return the element of a step, made where it is not there yet."""
    if step.startswith("@"):
        url = extension_url(step[1:])
        listed = here.setdefault("extension", [])
        known = next((one for one in listed if one["url"] == url), None)
        if known is None:
            known = {"url": url}
            listed.append(known)
        return known
    if step.endswith("[]"):
        listed = here.setdefault(step[:-2], [])
        if not listed:
            listed.append({})
        first: dict[str, Any] = listed[0]
        return first
    inner: dict[str, Any] = here.setdefault(step, {})
    return inner


def _by_content(resource: Resource, row: Row) -> list[str]:
    """Return the profiles that a resource's code calls for; sets the category that goes with it."""
    kind = resource["resourceType"]
    table = triples("csv_codes")
    codes = [coding.code for coding in codings(resource.get("code")) if coding.code]
    if kind == "Condition":
        return [_of_condition(resource)]
    if kind == "Observation" and row.table.layout == "observation":
        known = next((one for code in codes if (one := table.get(("observation-profile", code)))), "")
        profile, _, category = known.partition("|")
        if category:
            of = made(category, next(iter(codes)))
            resource["category"] = [{"coding": [{"system": f"{TERMS}observation-category", "code": of}]}]
        return [profile if "/" in profile else MCODE + profile] if profile else []
    if kind == "Procedure" and row.table.layout == "procedure":
        word = next((one for code in codes if (one := table.get(("procedure-kind", code)))), "")
        if word:
            profile, code, display = _KINDS_OF_PROCEDURE[word]
            resource["category"] = {"coding": [{"system": _SNOMED, "code": code, "display": display}]}
            return [MCODE + profile]
    return []


def _of_condition(resource: Resource) -> str:
    if is_secondary(resource):
        return MCODE + "mcode-secondary-cancer-condition"
    return MCODE + "mcode-primary-cancer-condition" if is_cancer(resource) else US_CORE + "us-core-condition"
