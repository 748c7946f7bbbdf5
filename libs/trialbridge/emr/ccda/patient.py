"""The recordTarget as Patient: who the document is about."""

from typing import Any, Final

from trialbridge.contracts.errors import Poison
from trialbridge.contracts.events import Identifier
from trialbridge.emr.account import Derived, Leaf, Made, made
from trialbridge.emr.ccda import codes, contacts, times
from trialbridge.emr.ccda.document import Document
from trialbridge.emr.ccda.values import positive
from trialbridge.emr.ccda.xmltree import Node
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import triples

US_CORE: Final = "http://hl7.org/fhir/us/core/StructureDefinition/"
FHIR: Final = "http://hl7.org/fhir/StructureDefinition/"
NATIONAL: Final = frozenset({"2.16.840.1.113883.4.1", "2.16.840.1.113883.4.572", "2.16.840.1.113883.4.927"})
"""Numbers that no practice gives: social security, Medicare. A driver's licence is below `LICENCES`."""
LICENCES: Final = "2.16.840.1.113883.4.3."


def local_id(role: Node, document: Document) -> str:
    """Return the patient's number at the source: the first identifier that is not a national one; raise `Poison` without any."""
    ids = [one for one in role.all("id") if contacts.key_of([one]) is not None]
    own = [one for one in ids if not _is_national(str(one.get("root") or ""))]
    for node in own or ids:
        return str(node.get("extension") or node.get("root"))
    raise Poison(
        "ccda.no-identifier",
        "The recordTarget holds no identifier, so it is not known whose document this is.",
        document.place(role),
    )


def _is_national(root: str) -> bool:
    return root in NATIONAL or root.startswith(LICENCES)


def identifiers(role: Node) -> tuple[Identifier, ...]:
    """Return what identifies the patient."""
    found = contacts.identifiers(role.all("id"))
    return tuple(Identifier(str(one.get("system", "")), str(one["value"])) for one in found)


def patient(role: Node, document: Document) -> Resource:
    """Return the Patient of a patientRole."""
    found: dict[str, Any] = {"resourceType": "Patient", "id": document.patient, "meta": document.stamp}
    found["identifier"] = contacts.identifiers(role.all("id"))
    person = role.one("patient")
    found |= contacts.contacts(role, document)
    if person is not None:
        names = contacts.names_of(person, document)
        found |= {"name": names} if names else {}
        _person(found, person, document)
    provider = role.one("providerOrganization")
    organization = document.actors.organization(provider) if provider is not None else None
    if organization is not None:
        found["managingOrganization"] = organization
    return found


def _person(found: dict[str, Any], person: Node, document: Document) -> None:
    gender = person.one("administrativeGenderCode")
    word = codes.word(gender, "gender")
    if word is None and gender is not None and gender.attrs:
        word = made("unknown", *codes.whole(gender))
    if word is not None:
        found["gender"] = word
    _birth(found, person.one("birthTime"), document)
    married = person.one("maritalStatusCode")
    status = codes.concept(married, document) if married is not None else None
    if status is not None:
        found["maritalStatus"] = status
    _death(found, person, document)
    _siblings(found, person)
    guardians = [one for node in person.all("guardian") if (one := _guardian(node, document)) is not None]
    if guardians:
        found["contact"] = guardians
    languages = [one for node in person.all("languageCommunication") if (one := _language(node, document)) is not None]
    if languages:
        found["communication"] = languages
    extensions = [
        *_groups(person, "raceCode", "us-core-race", "raceGroup"),
        *_groups(person, "ethnicGroupCode", "us-core-ethnicity", "ethnicGroup"),
        *_origin(person, document),
    ]
    if extensions:
        found["extension"] = extensions


def _birth(found: dict[str, Any], node: Node | None, document: Document) -> None:
    moment = times.date_time(node, document)
    if moment is not None:
        found["birthDate"] = made(moment[:10], moment)
        if "T" in moment:
            found["_birthDate"] = {"extension": [{"url": f"{FHIR}patient-birthTime", "valueDateTime": moment}]}
    elif node is not None and (why := codes.absent(node)) is not None:
        found["_birthDate"] = why


def _death(found: dict[str, Any], person: Node, document: Document) -> None:
    died = times.date_time(person.one("sdtc:deceasedTime"), document)
    flag = _flag(person.one("sdtc:deceasedInd"))
    if died is not None:
        found["deceasedDateTime"] = died if flag is None else made(died, died, *flag.of)
    elif flag is not None:
        found["deceasedBoolean"] = flag


def _siblings(found: dict[str, Any], person: Node) -> None:
    order = person.one("sdtc:multipleBirthOrderNumber")
    number = positive(order) if order is not None else None
    flag = _flag(person.one("sdtc:multipleBirthInd"))
    if number is not None:
        found["multipleBirthInteger"] = Made(number.value, (*number.of, *(flag.of if flag else ())))
    elif flag is not None:
        found["multipleBirthBoolean"] = flag


def _flag(node: Node | None) -> Made | None:
    given = node.get("value") if node is not None else None
    if given is None or given.lower() not in ("true", "false", "1", "0"):
        return None
    return Made(given.lower() in ("true", "1"), (given,))


def _guardian(node: Node, document: Document) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    code = node.one("code")
    relation = codes.concept(code, document) if code is not None else None
    if relation is not None:
        found["relationship"] = [relation]
    names = contacts.names_of(node.one("guardianPerson"), document)
    if names:
        found["name"] = names[0]
    details = contacts.contacts(node, document)
    if "telecom" in details:
        found["telecom"] = details["telecom"]
    if "address" in details:
        found["address"] = details["address"][0]
    named = node.one("guardianOrganization")
    organization = document.actors.organization(named) if named is not None else None
    if organization is not None:
        found["organization"] = organization
    return found if set(found) - {"relationship"} else None


def _language(node: Node, document: Document) -> dict[str, Any] | None:
    code = node.one("languageCode")
    written = code.get("code") if code is not None else None
    if written is None:
        return None
    found: dict[str, Any] = {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": written}]}}
    preferred = _flag(node.one("preferenceInd"))
    if preferred is not None:
        found["preferred"] = preferred
    skills: list[dict[str, Any]] = []
    for name, url in (("proficiencyLevelCode", "level"), ("modeCode", "type")):
        given = node.one(name)
        coding = codes.coding(given) if given is not None else None
        if coding is not None:
            skills.append({"url": url, "valueCoding": coding})
    if skills:
        found["extension"] = [{"url": f"{FHIR}patient-proficiency", "extension": skills}]
    del document
    return found


def _groups(person: Node, name: str, profile: str, table: str) -> list[dict[str, Any]]:
    """Return US Core's extension for race or ethnicity: the broad groups, those within them, and all in words."""
    parts: list[dict[str, Any]] = []
    words: list[Leaf | Derived] = []
    for node in (*person.all(name), *person.all(f"sdtc:{name}")):
        code = node.get("code") or node.get("nullFlavor")
        if code is None:
            continue
        broad = triples("ccda_codes").get((table, str(code))) is not None
        coding: dict[str, Any] = codes.coding(node) or {
            "system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
            "code": code,
        }
        parts.append({"url": "ombCategory" if broad else "detailed", "valueCoding": coding})
        words.append(coding.get("display") or code)
    if not parts:
        return []
    text = words[0] if len(words) == 1 else made(", ".join(words), *words)
    return [{"url": US_CORE + profile, "extension": [*parts, {"url": "text", "valueString": text}]}]


def _origin(person: Node, document: Document) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    religion = person.one("religiousAffiliationCode")
    concept = codes.concept(religion, document) if religion is not None else None
    if concept is not None:
        found.append({"url": f"{FHIR}patient-religion", "valueCodeableConcept": concept})
    birthplace = person.one("birthplace")
    place = birthplace.one("place") if birthplace is not None else None
    home = place.one("addr") if place is not None else None
    address = contacts.address(home, document) if home is not None else None
    if address is not None:
        found.append({"url": f"{FHIR}patient-birthPlace", "valueAddress": address})
    return found
