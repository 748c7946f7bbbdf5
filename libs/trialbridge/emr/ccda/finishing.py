"""What a resource needs beyond its table: statuses, categories, and elements that depend on several others."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from trialbridge.emr.account import Made, made
from trialbridge.emr.ccda import codes, times, values
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.dosage import add_timing
from trialbridge.emr.ccda.kinds import Kind
from trialbridge.emr.ccda.rules import TEMPLATES, apply, has_template, inner
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import rows, triples

Finisher = Callable[[Resource, Kind, Node, Document, Node | None], None]
TERMS: Final = "http://terminology.hl7.org/CodeSystem/"
SNOMED: Final = "http://snomed.info/sct"
ASSERTED: Final = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
ALLERGY_ASSERTED: Final = "http://hl7.org/fhir/StructureDefinition/allergyintolerance-assertedDate"
SEVERITY: Final = "urn:trialbridge:fhir:severity"
"""Of an allergy as a whole; FHIR has one of each reaction only."""
MANUFACTURER: Final = "urn:trialbridge:fhir:manufacturer"
METHOD: Final = "http://hl7.org/fhir/StructureDefinition/procedure-method"
UNKNOWN: Final = {"extension": [{"url": codes.ABSENT, "valueCode": "unknown"}]}
"""A required element of which the document says nothing."""
_NO_CODE: Final = {"system": f"{TERMS}v3-NullFlavor", "code": "UNK"}


@cache
def _categories() -> dict[str, dict[str, Any]]:
    return {name: {"coding": [{"system": system, "code": code}]} for name, system, code in rows("ccda_categories")}


def _status(resource: Resource, kind: Kind, statement: Node) -> None:
    found = codes.word(statement.one("statusCode"), kind.statuses)
    resource["status"] = found if found is not None else kind.status


def _whole(node: Node | None) -> tuple[str, ...]:
    return codes.whole(node) if node is not None else ()


def negated(statement: Node) -> str | None:
    """Return the negation indicator where it negates."""
    given = statement.get("negationInd")
    return given if given is not None and given.lower() in ("true", "1") else None


def _inside(statement: Node, template: str) -> Node | None:
    return next((kid for _, kid in inner(statement) if has_template(kid, TEMPLATES + template)), None)


def _named(resource: Resource, element: str, statement: Node, document: Document) -> None:
    """Say by words, or at least that it is unknown, what a required concept does not say by code."""
    if element not in resource:
        text = statement.one("text")
        words = (text.text or document.referred(text)) if text is not None else None
        resource[element] = {"text": words} if words else UNKNOWN


def _clinical(
    resource: Resource, statement: Node, concern: Node | None, templates: tuple[str, ...], system: str
) -> None:
    for template in templates:
        inside = _inside(statement, template)
        found = codes.word(inside.one("value"), "clinical") if inside is not None else None
        if found is not None:
            break
    else:
        time = statement.one("effectiveTime")
        high = time.one("high") if time is not None else None
        found = made("resolved", *high.attrs.values()) if high is not None and high.get("nullFlavor") != "NI" else None
    tracked = codes.word(concern.one("statusCode"), "concern") if concern is not None else None
    word = found or tracked or "active"
    resource["clinicalStatus"] = codes.status(system, word, word, tracked if tracked == word else None)


def _verified(resource: Resource, statement: Node, refuted: str | None, system: str) -> None:
    """Say whether it is so: of the negation, and of a status that takes the statement back."""
    known = codes.word(statement.one("statusCode"), "verification")
    word = "refuted" if refuted is not None and known != "entered-in-error" else known or "confirmed"
    resource["verificationStatus"] = codes.status(system, word, known, refuted)
    if word == "entered-in-error":
        resource.pop("clinicalStatus", None)


def _condition(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del kind
    _named(resource, "code", statement, document)
    refuted = negated(statement)
    if "abatementDateTime" in resource:
        # A status that contradicts an end would break FHIR's rule con-4.
        resource["clinicalStatus"] = codes.status("condition-clinical", "resolved", resource["abatementDateTime"])
    _clinical_condition(resource, statement, concern)
    resource["verificationStatus"] = codes.status(
        "condition-ver-status", "refuted" if refuted else "confirmed", refuted
    )
    category = _categories().get(document.section_code)
    outer = concern.one("code") if concern is not None else None
    shown = [category] if category else []
    if outer is not None and outer.get("code") not in (None, "CONC") and outer.get("codeSystem") is not None:
        concept = codes.concept(outer, document)
        shown += [concept] if concept else []
    if shown or "category" in resource:
        resource["category"] = [*shown, *resource.get("category", ())]
    _asserted(resource, concern, document, ASSERTED)


def _asserted(resource: Resource, concern: Node | None, document: Document, url: str) -> None:
    tracked = concern.one("effectiveTime") if concern is not None else None
    asserted = times.start(tracked, document) if tracked is not None else None
    if asserted is not None:
        resource.setdefault("extension", []).append({"url": url, "valueDateTime": asserted})


def _clinical_condition(resource: Resource, statement: Node, concern: Node | None) -> None:
    before = resource.pop("clinicalStatus", None)
    _clinical(resource, statement, concern, ("4.6", "4.28"), "condition-clinical")
    code = str(resource["clinicalStatus"]["coding"][0]["code"])
    if before is not None and code not in ("inactive", "resolved", "remission"):
        resource["clinicalStatus"] = before


def _allergy(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del kind
    refuted = negated(statement)
    nothing = codes.word(statement.one("value"), "noAllergy") if refuted is not None else None
    if nothing is not None and _is_general(resource):
        general = [value for coding in resource.get("code", {}).get("coding", ()) for value in coding.values()]
        resource["code"] = {"coding": [{"system": SNOMED, "code": made(nothing, nothing, refuted, *general)}]}
        refuted = None
    _named(resource, "code", statement, document)
    _clinical(resource, statement, concern, ("4.28", "4.6"), "allergyintolerance-clinical")
    _verified(resource, statement, refuted, "allergyintolerance-verification")
    reactions = [
        one for _, kid in inner(statement) if has_template(kid, f"{TEMPLATES}4.9") and (one := _reaction(kid, document))
    ]
    severity = _inside(statement, "4.8") or (_inside(concern, "4.8") if concern is not None else None)
    grade = codes.word(severity.one("value"), "severity") if severity is not None else None
    if reactions:
        resource["reaction"] = reactions
        if grade is not None and "severity" not in reactions[0]:
            reactions[0]["severity"] = grade
            severity = None
    shown = severity.one("value") if severity is not None else None
    concept = codes.concept(shown, document) if shown is not None else None
    if concept is not None:
        resource.setdefault("extension", []).append({"url": SEVERITY, "valueCodeableConcept": concept})
    _asserted(resource, concern, document, ALLERGY_ASSERTED)


def _is_general(resource: Resource) -> bool:
    """Whether what an allergy is said not to be to is no substance in particular."""
    codings = resource.get("code", {}).get("coding", ())
    return not codings or any(str(one.get("code")) in ("105590001", "410942007", "762766007") for one in codings)


def _reaction(statement: Node, document: Document) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    apply("reaction", statement, document, found)
    return found if "manifestation" in found else None


def _medication(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    _status(resource, kind, statement)
    dosage = "dosage" if kind.resource == "MedicationStatement" else "dosageInstruction"
    if kind.resource != "MedicationDispense":
        add_timing(resource, dosage, statement, document)
    refuted = negated(statement)
    if refuted is not None and kind.resource == "MedicationStatement":
        resource["status"] = made("not-taken", refuted, resource["status"])
    elif refuted is not None and kind.resource == "MedicationRequest":
        resource["doNotPerform"] = Made(value=True, of=(refuted,))
    _named(resource, "medicationCodeableConcept", statement, document)
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
    _status(resource, kind, statement)
    refuted = negated(statement)
    if refuted is not None:
        resource["status"] = made("not-done", refuted, resource["status"])
    _named(resource, "vaccineCode", statement, document)
    if "occurrenceDateTime" not in resource:
        resource["_occurrenceDateTime"] = UNKNOWN


def _procedure(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    _status(resource, kind, statement)
    refuted = negated(statement)
    if refuted is not None:
        resource["status"] = made("not-done", refuted, resource["status"])
    _named(resource, "code", statement, document)
    for node in statement.all("methodCode"):
        method = codes.concept(node, document)
        if method is not None and "coding" in method:
            resource.setdefault("extension", []).append({"url": METHOD, "valueCodeableConcept": method})


def _request(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    _status(resource, kind, statement)
    mood = statement.get("moodCode")
    resource["intent"] = made(triples("ccda_codes").get(("intent", str(mood)), "plan"), mood)
    _named(resource, "code" if kind.resource == "ServiceRequest" else "codeCodeableConcept", statement, document)
    refuted = negated(statement)
    if refuted is not None and kind.resource == "ServiceRequest":
        resource["doNotPerform"] = Made(value=True, of=(refuted,))


def _observation(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    _status(resource, kind, statement)
    _named(resource, "code", statement, document)
    category = _categories().get(kind.name)
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
    _status(resource, kind, statement)
    _named(resource, "code", statement, document)
    resource["category"] = [_categories()["report"]]


def _encounter(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del document, concern
    _status(resource, kind, statement)
    if kind.name == "appointment":
        resource["status"] = made(kind.status, statement.get("moodCode"), *_whole(statement.one("statusCode")))
    resource["class"] = encounter_class(statement.one("code"))


def encounter_class(code: Node | None) -> dict[str, Any]:
    """Return the class (v3 ActCode) that an encounter's code or one of its translations is, else that it is unknown."""
    found = codes.word(code, "encounterClass")
    return {"system": f"{TERMS}v3-ActCode", "code": found} if found is not None else _NO_CODE


def _goal(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    _status(resource, kind, statement)
    resource["lifecycleStatus"] = resource.pop("status")
    _named(resource, "description", statement, document)
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
        resource["target"] = [{"measure": resource["description"], f"detail{found[0]}": found[1]}]


def _family(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del concern
    _status(resource, kind, statement)
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
    _status(resource, kind, statement)


def _other(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    del kind, concern
    _named(resource, "code", statement, document)


def _note(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    from trialbridge.emr.ccda.notes import attachment

    del concern
    _status(resource, kind, statement)
    text = statement.one("text")
    words = (document.referred(text) or text.text) if text is not None else None
    resource["content"] = [{"attachment": attachment(words) if words else UNKNOWN}]
    resource.pop("text", None)


FINISHERS: Final[Mapping[str, Finisher]] = {
    "AllergyIntolerance": _allergy,
    "Basic": _other,
    "Communication": _plain,
    "Condition": _condition,
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
