"""Problems and allergies: what the concern around them, their status and their negation say together."""

from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.ccda import codes, times
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.kinds import Kind
from trialbridge.emr.ccda.required import categories, inside, name_it, negated
from trialbridge.emr.ccda.rules import TEMPLATES, apply, has_template, inner
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.records import Resource

SNOMED: Final = "http://snomed.info/sct"
ASSERTED: Final = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
ALLERGY_ASSERTED: Final = "http://hl7.org/fhir/StructureDefinition/allergyintolerance-assertedDate"
SEVERITY: Final = "urn:trialbridge:fhir:severity"
"""Of an allergy as a whole; FHIR has one of each reaction only."""


_ENDED: Final = frozenset({"inactive", "resolved", "remission"})


def _clinical(resource: Resource, statement: Node, concern: Node | None, system: str) -> None:
    """Say whether it is active: a status observation says so, else an end, else the concern around it."""
    observed = next((one for template in ("4.6", "4.28") if (one := inside(statement, template)) is not None), None)
    found = codes.word(observed.one("value"), "clinical") if observed is not None else None
    over = _end(statement)
    if over is not None and found not in _ENDED:
        # FHIR has no end of what is active (rule con-4); HL7 V3 has an end without a time for what is over since nobody knows when.
        found = made("resolved", over)
    tracked = codes.word(concern.one("statusCode"), "concern") if concern is not None else None
    word = found or tracked or "active"
    resource["clinicalStatus"] = codes.status(system, word, word, tracked if tracked == word else None)


def _end(statement: Node) -> str | None:
    time = statement.one("effectiveTime")
    high = time.one("high") if time is not None else None
    if high is None:
        return None
    return high.get("value") or (high.get("nullFlavor") if high.get("nullFlavor") == "UNK" else None)


def _verified(resource: Resource, statement: Node, refuted: str | None, system: str) -> None:
    """Say whether it is so: of the negation, and of a status that takes the statement back."""
    known = codes.word(statement.one("statusCode"), "verification")
    word = "refuted" if refuted is not None and known != "entered-in-error" else known or "confirmed"
    resource["verificationStatus"] = codes.status(system, word, known, refuted)
    if word == "entered-in-error":
        resource.pop("clinicalStatus", None)


def condition(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    """Finish a Condition."""
    del kind
    name_it(resource, "code", statement, document)
    refuted = negated(statement)
    _clinical(resource, statement, concern, "condition-clinical")
    _verified(resource, statement, refuted, "condition-ver-status")
    category = categories().get(document.section_code)
    outer = concern.one("code") if concern is not None else None
    shown: list[Any] = [category] if category else []
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


def allergy(resource: Resource, kind: Kind, statement: Node, document: Document, concern: Node | None) -> None:
    """Finish an AllergyIntolerance; one to nothing in particular that is negated is a code of its own."""
    del kind
    refuted = negated(statement)
    nothing = codes.word(statement.one("value"), "noAllergy") if refuted is not None else None
    if nothing is not None and _is_general(resource):
        general = [value for coding in resource.get("code", {}).get("coding", ()) for value in coding.values()]
        resource["code"] = {"coding": [{"system": SNOMED, "code": made(nothing, nothing, refuted, *general)}]}
        refuted = None
    name_it(resource, "code", statement, document)
    _clinical(resource, statement, concern, "allergyintolerance-clinical")
    _verified(resource, statement, refuted, "allergyintolerance-verification")
    reactions = [
        one for _, kid in inner(statement) if has_template(kid, f"{TEMPLATES}4.9") and (one := _reaction(kid, document))
    ]
    severity = inside(statement, "4.8") or (inside(concern, "4.8") if concern is not None else None)
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
