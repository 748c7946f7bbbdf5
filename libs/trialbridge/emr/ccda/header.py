"""The header of a document: its Composition, the encounter and care it is about, and everybody who had a part in it."""

from collections.abc import Iterator
from typing import Any, Final

from trialbridge.emr.account import made
from trialbridge.emr.ccda import codes, contacts, times
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.entries import Built
from trialbridge.emr.ccda.finishing import encounter_class
from trialbridge.emr.ccda.required import UNKNOWN
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import triples

VERSION: Final = "http://hl7.org/fhir/StructureDefinition/composition-clinicaldocument-versionNumber"
PARTS: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
ROLES: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"
PROFESSIONAL: Final = frozenset({"ASSIGNED", "PROV", "LIC", "QUAL", "COMPAR", "AGNT", "CON"})
"""Classes of associated entities that are not the patient's own people."""


def document_key(root: Node, document: Document) -> tuple[str, ...]:
    """Return what names the document through all its versions: its set, else itself."""
    key = contacts.key_of([*root.all("setId"), *root.all("id")])
    return (document.local, *(key or ("", document.entry)))


def composition(root: Node, document: Document, encounter: Built | None) -> Resource:
    """Return the Composition without its sections."""
    found: dict[str, Any] = {
        "resourceType": "Composition",
        "id": document.id_of("Composition", *document_key(root, document)),
        "meta": document.stamp,
        "status": codes.word(root.one("sdtc:statusCode"), "documentStatus") or "final",
        "subject": document.subject(),
    }
    number = contacts.identifiers([*root.all("setId"), *root.all("id")])
    if number:
        found["identifier"] = number[0]
    language = root.one("languageCode")
    if language is not None and language.get("code") is not None:
        found["language"] = language.get("code")
    code = root.one("code")
    found["type"] = (codes.concept(code, document) if code is not None else None) or UNKNOWN
    written = times.date_time(root.one("effectiveTime"), document)
    found |= {"date": written} if written is not None else {"_date": UNKNOWN}
    title = root.one("title")
    shown = found["type"].get("coding", [{}])[0].get("display")
    found["title"] = (title.text if title is not None else None) or shown or "Clinical document"
    secrecy = codes.word(root.one("confidentialityCode"), "confidentiality")
    if secrecy is not None:
        found["confidentiality"] = secrecy
    if encounter is not None:
        found["encounter"] = encounter.reference
    version = root.one("versionNumber")
    if version is not None and version.get("value") is not None:
        found["extension"] = [{"url": VERSION, "valueString": version.get("value")}]
    _parties(found, root, document)
    return found


def _parties(found: dict[str, Any], root: Node, document: Document) -> None:
    authors = [
        one for node in root.all("author") for role in node.all("assignedAuthor") if (one := document.actors.of(role))
    ]
    custodian = _custodian(root, document)
    found["author"] = authors or ([custodian] if custodian else [UNKNOWN])
    if custodian is not None:
        found["custodian"] = custodian
    attesters = []
    for name in ("legalAuthenticator", "authenticator"):
        for node in root.all(name):
            signature = node.one("signatureCode")
            sign = signature.get("code") if signature is not None else None
            if sign is not None and sign not in ("S", "s"):
                continue
            attester: dict[str, Any] = {"mode": made(triples("ccda_codes")["attestation", name], sign)}
            signed = times.date_time(node.one("time"), document)
            role = node.one("assignedEntity")
            party = document.actors.of(role, alone=False) if role is not None else None
            attester |= {"time": signed} if signed is not None else {}
            attester |= {"party": party} if party is not None else {}
            attesters.append(attester)
    events = [
        one
        for node in root.all("documentationOf")
        for service in node.all("serviceEvent")
        if (one := _event(service, document))
    ]
    relations = [one for node in root.all("relatedDocument") if (one := _related(node))]
    lists = {"attester": attesters, "event": events, "relatesTo": relations}
    found |= {name: value for name, value in lists.items() if value}


def _custodian(root: Node, document: Document) -> dict[str, str] | None:
    for node in root.all("custodian"):
        for role in node.all("assignedCustodian"):
            for one in role.all("representedCustodianOrganization"):
                return document.actors.organization(one)
    return None


def _event(service: Node, document: Document) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    code = service.one("code")
    concept = codes.concept(code, document) if code is not None else None
    if concept is None and service.get("classCode") is not None:
        concept = {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/v3-ActClass", "code": service.get("classCode")}
            ]
        }
    if concept is not None:
        found["code"] = [concept]
    time = service.one("effectiveTime")
    period = times.period(time, document) if time is not None else None
    if period is not None:
        found["period"] = period
    return found or None


def _related(node: Node) -> dict[str, Any] | None:
    kind = triples("ccda_codes").get(("relatesTo", str(node.get("typeCode"))))
    parent = node.one("parentDocument")
    number = contacts.identifiers(parent.all("id")) if parent is not None else []
    if kind is None or not number:
        return None
    return {"code": made(kind, node.get("typeCode")), "targetIdentifier": number[0]}


def encounter(root: Node, document: Document) -> Built | None:
    """Return the Encounter that the document was written in, None where it names none."""
    for outer in root.all("componentOf"):
        for node in outer.all("encompassingEncounter"):
            return Built(node, _encounter(node, document))
    return None


def _encounter(node: Node, document: Document) -> Resource:
    time, code = node.one("effectiveTime"), node.one("code")
    period = times.period(time, document) if time is not None else None
    point = times.date_time(time, document) if period is None else None
    key = contacts.key_of(node.all("id"))
    found: dict[str, Any] = {
        "resourceType": "Encounter",
        "id": document.id_of("Encounter", document.local, *(key or ("", str(point or period)))),
        "meta": document.stamp,
        "identifier": contacts.identifiers(node.all("id")),
        "status": "finished" if period is None or "end" in period else "in-progress",
        "class": encounter_class(code),
        "subject": document.subject(),
    }
    concept = codes.concept(code, document) if code is not None else None
    found |= {"type": [concept]} if concept is not None else {}
    found |= {"period": period or {"start": point}} if period or point is not None else {}
    leaving = node.one("dischargeDispositionCode") or node.one("sdtc:dischargeDispositionCode")
    disposition = codes.concept(leaving, document) if leaving is not None else None
    if disposition is not None:
        found["hospitalization"] = {"dischargeDisposition": disposition}
    people = list(_taking_part(node, document))
    places = [
        {"location": one}
        for outer in node.all("location")
        for facility in outer.all("healthCareFacility")
        if (one := document.actors.location(facility)) is not None
    ]
    found |= {"participant": people} if people else {}
    found |= {"location": places} if places else {}
    if not found["identifier"]:
        del found["identifier"]
    return found


def _taking_part(node: Node, document: Document) -> Iterator[dict[str, Any]]:
    for name in ("responsibleParty", "encounterParticipant"):
        for part in node.all(name):
            role = part.one("assignedEntity")
            person = document.actors.of(role, alone=False) if role is not None else None
            if person is None or person["reference"].startswith("Organization/"):
                continue
            kind = part.get("typeCode")
            typed = {"type": [{"coding": [{"system": PARTS, "code": kind}]}]} if kind is not None else {}
            yield {**typed, "individual": person}


def orders(root: Node, document: Document) -> Iterator[Built]:
    """Yield the orders that the document fulfils."""
    for outer in root.all("inFulfillmentOf"):
        for node in outer.all("order"):
            key, code = contacts.key_of(node.all("id")), node.one("code")
            if key is None:
                continue
            found: dict[str, Any] = {
                "resourceType": "ServiceRequest",
                "id": document.id_of("ServiceRequest", document.local, *key),
                "meta": document.stamp,
                "identifier": contacts.identifiers(node.all("id")),
                "status": "unknown",
                "intent": "order",
                "subject": document.subject(),
            }
            concept = codes.concept(code, document) if code is not None else None
            found |= {"code": concept} if concept is not None else {}
            priority = codes.word(node.one("priorityCode"), "priority")
            found |= {"priority": priority} if priority is not None else {}
            yield Built(node, found)


def care_team(root: Node, document: Document) -> Built | None:
    """Return the team that gave the care which the document is about, None where it names nobody."""
    members: list[dict[str, Any]] = []
    services = [node for outer in root.all("documentationOf") for node in outer.all("serviceEvent")]
    for service in services:
        for performer in service.all("performer"):
            role = performer.one("assignedEntity")
            member = document.actors.of(role, alone=False) if role is not None else None
            if member is None:
                continue
            shown: dict[str, Any] = {"member": member}
            function = performer.one("functionCode")
            concept = codes.concept(function, document) if function is not None else None
            if concept is not None:
                shown["role"] = [concept]
            time = performer.one("time")
            period = times.period(time, document) if time is not None else None
            if period is not None:
                shown["period"] = period
            members.append(shown)
    if not members:
        return None
    found = {
        "resourceType": "CareTeam",
        "id": document.id_of("CareTeam", *document_key(root, document)),
        "meta": document.stamp,
        "subject": document.subject(),
        "participant": members,
    }
    return Built(services[0], found)
