"""What identifies a patient and how people recognise them, out of a FHIR Patient."""

from trialbridge.contracts.events import Display, Identifier
from trialbridge.contracts.ids import TenantId
from trialbridge.emr.facts.read import codings, objects, text
from trialbridge.emr.records import Resource


def identifiers_of(patient: Resource) -> tuple[Identifier, ...]:
    """Return the patient's identifiers with their HL7 table 0203 types."""
    found = []
    for one in objects(patient.get("identifier")):
        value = text(one.get("value"))
        if value:
            kind = next((c.code for c in codings(one.get("type")) if c.code), "")
            found.append(Identifier(text(one.get("system")) or "", value, kind))
    return tuple(found)


def display_of(patient: Resource, tenant: TenantId) -> Display:
    """Return name, birth date, sex and the record number at the practice; PHI, for those who hold the patient."""
    names = list(objects(patient.get("name")))
    chosen = next((name for name in names if name.get("use") == "official"), names[0] if names else {})
    given = chosen.get("given")
    words = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
    family = text(chosen.get("family"))
    name = ", ".join(part for part in (family, " ".join(words)) if part) or text(chosen.get("text")) or ""
    number = next((one.value for one in identifiers_of(patient) if one.type == "MR"), "")
    return Display(
        name=name,
        birth_date=text(patient.get("birthDate")) or "",
        sex=text(patient.get("gender")) or "",
        local_ids={str(tenant): number} if number else {},
    )
