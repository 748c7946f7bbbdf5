"""What a resource needs beyond its table: statuses, categories, and elements that depend on several others."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from trialbridge.emr.account import Made, made
from trialbridge.emr.ccda import codes, times, values
from trialbridge.emr.ccda.conditions import allergy, condition
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.dosage import add_timing
from trialbridge.emr.ccda.kinds import Kind
from trialbridge.emr.ccda.notes import attachment
from trialbridge.emr.ccda.plainness import twin
from trialbridge.emr.ccda.required import UNKNOWN, categories, name_it, negated, set_status, whole_of
from trialbridge.emr.ccda.rules import apply, inner
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import triples

Finisher = Callable[[Resource, Kind, Node, Document, Node | None], None]
TERMS: Final = "http://terminology.hl7.org/CodeSystem/"
"""Of an allergy as a whole; FHIR has one of each reaction only."""
MANUFACTURER: Final = "urn:trialbridge:fhir:manufacturer"
METHOD: Final = "http://hl7.org/fhir/StructureDefinition/procedure-method"
_NO_CODE: Final = {"system": f"{TERMS}v3-NullFlavor", "code": "UNK"}


def _medication(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    set_status(resource, kind, statement)
    dosage = "dosage" if kind.resource == "MedicationStatement" else "dosageInstruction"
    if kind.resource != "MedicationDispense":
        add_timing(resource, dosage, statement, document)
    refuted = negated(statement)
    if refuted is not None and kind.resource == "MedicationStatement":
        resource["status"] = made("not-taken", refuted, resource["status"])
    elif refuted is not None and kind.resource == "MedicationRequest":
        resource["doNotPerform"] = Made(value=True, of=(refuted,))
    name_it(resource, "medicationCodeableConcept", statement, document)
    _manufacturer(resource, statement, document)
    if kind.resource == "MedicationRequest":
        mood = statement.get("moodCode")
        intent = triples("ccda_codes").get(("intent", str(mood)), "plan")
        resource["intent"] = made(intent, mood)
    outer = concern.one("code") if concern is not None else None
    category = codes.concept(outer, document) if outer is not None and outer.get("code") else None
    if category is not None:
        resource["category"] = [category] if kind.resource == "MedicationRequest" else category


def _manufacturer(resource: Resource, statement: Node, document: Document) -> None:
    for name in ("consumable", "product"):
        for product in (one for outer in statement.all(name) for one in outer.all("manufacturedProduct")):
            made_by = product.one("manufacturerOrganization")
            who = document.actors.organization(made_by) if made_by is not None else None
            if who is not None:
                resource.setdefault("extension", []).append({"url": MANUFACTURER, "valueReference": who})


def _immunization(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    set_status(resource, kind, statement)
    refuted = negated(statement)
    if refuted is not None:
        resource["status"] = made("not-done", refuted, resource["status"])
    name_it(resource, "vaccineCode", statement, document)
    if "occurrenceDateTime" not in resource:
        resource["_occurrenceDateTime"] = UNKNOWN


def _procedure(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    set_status(resource, kind, statement)
    refuted = negated(statement)
    if refuted is not None:
        resource["status"] = made("not-done", refuted, resource["status"])
    name_it(resource, "code", statement, document)
    for node in statement.all("methodCode"):
        method = codes.concept(node, document)
        if method is not None and "coding" in method:
            resource.setdefault("extension", []).append({"url": METHOD, "valueCodeableConcept": method})


def _request(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    set_status(resource, kind, statement)
    mood = statement.get("moodCode")
    resource["intent"] = made(triples("ccda_codes").get(("intent", str(mood)), "plan"), mood)
    name_it(resource, "code" if kind.resource == "ServiceRequest" else "codeCodeableConcept", statement, document)
    refuted = negated(statement)
    if refuted is not None and kind.resource == "ServiceRequest":
        resource["doNotPerform"] = Made(value=True, of=(refuted,))


def _observation(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    set_status(resource, kind, statement)
    name_it(resource, "code", statement, document)
    category = categories().get(kind.name)
    if category is not None and kind.resource == "Observation":
        resource["category"] = [category]
    value = statement.one("value")
    reason = codes.absent_reason(value) if value is not None else None
    if reason is not None and not any(key.startswith("value") for key in resource):
        resource["dataAbsentReason"] = codes.status("data-absent-reason", reason, reason)
    refuted = negated(statement)
    if refuted is not None:
        _negate(resource, refuted)


def _negate(resource: Resource, refuted: str) -> None:
    """Keep what an observation says was not so away from its value: a negated finding must not read as one."""
    kept = {key: resource.pop(key) for key in list(resource) if key.startswith("value")}
    resource["dataAbsentReason"] = codes.status("data-absent-reason", "not-performed", refuted)
    resource.setdefault("extension", []).extend({"url": NEGATED, key: value} for key, value in kept.items())


NEGATED: Final = "urn:trialbridge:fhir:negated-value"
"""An extension with the value that an observation is said not to have."""


def _report(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    set_status(resource, kind, statement)
    name_it(resource, "code", statement, document)
    resource["category"] = [categories()["report"]]


def _encounter(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del document, concern
    set_status(resource, kind, statement)
    if kind.name == "appointment":
        resource["status"] = made(kind.status, statement.get("moodCode"), *whole_of(statement.one("statusCode")))
    resource["class"] = encounter_class(statement.one("code"))


def encounter_class(code: Node | None) -> dict[str, Any]:
    """Return the class (v3 ActCode) that an encounter's code or one of its translations is, else that it is unknown."""
    found = codes.word(code, "encounterClass")
    return {"system": f"{TERMS}v3-ActCode", "code": found} if found is not None else _NO_CODE


def _goal(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    set_status(resource, kind, statement)
    resource["lifecycleStatus"] = resource.pop("status")
    name_it(resource, "description", statement, document)
    node = statement.one("value")
    found = values.value(node, document) if node is not None else None
    if found is not None and found[0] in (
        "Quantity",
        "Range",
        "CodeableConcept",
        "String",
        "Boolean",
        "Integer",
        "Ratio",
    ):
        resource["target"] = [{"measure": twin(resource["description"]), f"detail{found[0]}": found[1]}]


def _family(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    set_status(resource, kind, statement)
    if "relationship" not in resource:
        resource["relationship"] = UNKNOWN
    for _, kid in inner(statement):
        member: dict[str, Any] = {}
        apply("member", kid, document, member)
        when = kid.one("effectiveTime")
        since = times.start(when, document) if when is not None and "onsetAge" not in member else None
        if since is not None:
            member["onsetPeriod"] = {"start": since}
        if "code" in member and negated(kid) is None:
            resource.setdefault("condition", []).append(member)


def _plain(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del document, concern
    set_status(resource, kind, statement)


def _other(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del kind, concern
    name_it(resource, "code", statement, document)


def _note(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    set_status(resource, kind, statement)
    text = statement.one("text")
    words = (document.referred(text) or text.text) if text is not None else None
    resource["content"] = [{"attachment": attachment(words) if words else UNKNOWN}]
    resource.pop("text", None)


FINISHERS: Final[Mapping[str, Finisher]] = {
    "AllergyIntolerance": allergy,
    "Basic": _other,
    "Communication": _plain,
    "Condition": condition,
    "DeviceRequest": _request,
    "DiagnosticReport": _report,
    "DocumentReference": _note,
    "Encounter": _encounter,
    "FamilyMemberHistory": _family,
    "Goal": _goal,
    "Immunization": _immunization,
    "MedicationDispense": _medication,
    "MedicationRequest": _medication,
    "MedicationStatement": _medication,
    "Observation": _observation,
    "Procedure": _procedure,
    "ServiceRequest": _request,
    "SupplyDelivery": _plain,
}
