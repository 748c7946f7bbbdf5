"""Clinical FHIR R4 resources of the synthetic world, in the shapes of US Core and mCODE. Plain dicts; decimals are `Decimal`."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from trialbridge.testkit import codes
from trialbridge.testkit.diseases import Disease
from trialbridge.testkit.histories import LabResult, Treatment
from trialbridge.testkit.persons import Person
from trialbridge.testkit.places import MEMBER_SYSTEM, Source

Json = dict[str, Any]
_SPACE = UUID("6f0cf5a2-3f0e-5a3e-9d7e-5d1f7c0b2a10")
_TERMS = "http://terminology.hl7.org/CodeSystem/"


def resource_id(*parts: str) -> str:
    """Return a resource id derived from ``parts``: the same parts give the same id, and it tells nothing."""
    return str(uuid5(_SPACE, "|".join(parts)))


def concept(system: str, code: str, text: str) -> Json:
    """Return a CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def begin(kind: str, source: Source, local: str, name: str, on: date, profile: str = "") -> Json:
    """Return the head of a resource: its type, derived id, and when the source last changed it."""
    meta: Json = {"versionId": "1", "lastUpdated": f"{on.isoformat()}T09:00:00Z"}
    if profile:
        meta["profile"] = [profile]
    return {"resourceType": kind, "id": resource_id(source.id, local, kind, name), "meta": meta}


def subject(source: Source, local: str) -> Json:
    """Return the reference to the patient of ``local`` at ``source``."""
    return {"reference": f"Patient/{resource_id(source.id, local, 'Patient', '')}"}


def patient(person: Person, source: Source, local: str, on: date, *, birth: date | None = None) -> Json:
    """Return the Patient with its local record number (MR) and the network's member number (MB)."""
    identifiers = [
        {"type": _identifier_type("MR"), "system": source.mrn_system, "value": local},
        {"type": _identifier_type("MB"), "system": MEMBER_SYSTEM, "value": person.member},
    ]
    if person.ssn:
        identifiers.append(
            {"type": _identifier_type("SS"), "system": "http://hl7.org/fhir/sid/us-ssn", "value": person.ssn}
        )
    return begin("Patient", source, local, "", on) | {
        "identifier": identifiers,
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        "telecom": [{"system": "phone", "value": person.phone}, {"system": "email", "value": person.email}],
        "gender": person.sex,
        "birthDate": (birth or person.birth).isoformat(),
        "address": [
            {
                "line": [person.street],
                "city": person.city,
                "state": "MI",
                "postalCode": person.postal,
                "country": "US",
            }
        ],
    }


def _identifier_type(code: str) -> Json:
    return {"coding": [{"system": _TERMS + "v2-0203", "code": code}]}


def cancer(disease: Disease, source: Source, local: str, on: date, recorded: date) -> Json:
    """Return the primary cancer Condition with ICD-10-CM, SNOMED CT and OncoTree codings and its histology."""
    head = begin("Condition", source, local, "primary", recorded, codes.MCODE + "mcode-primary-cancer-condition")
    histology = {
        "url": codes.MCODE + "mcode-histology-morphology-behavior",
        "valueCodeableConcept": {"coding": [{"system": codes.ICDO3, "code": disease.morphology}]},
    }
    return head | {
        "extension": [histology],
        **_condition(source, local, on),
        "code": {
            "coding": [
                {"system": codes.SNOMED, "code": disease.snomed},
                {"system": codes.ICD10CM, "code": disease.icd10},
                {"system": codes.ONCOTREE, "code": disease.oncotree},
            ],
            "text": disease.name,
        },
    }


def brain_metastasis(source: Source, local: str, on: date) -> Json:
    """Return the secondary cancer Condition of the brain."""
    head = begin("Condition", source, local, "brain", on, codes.MCODE + "mcode-secondary-cancer-condition")
    return head | {
        **_condition(source, local, on),
        "code": {
            "coding": [
                {"system": codes.SNOMED, "code": "94225005"},
                {"system": codes.ICD10CM, "code": "C79.31"},
            ],
            "text": "Metastasis to brain",
        },
        "bodySite": [concept(codes.SNOMED, "12738006", "Brain")],
    }


def comorbidity(source: Source, local: str, on: date) -> Json:
    """Return a Condition beside the cancer: hypertension."""
    head = begin("Condition", source, local, "comorbidity", on)
    codings = [{"system": codes.SNOMED, "code": "38341003"}, {"system": codes.ICD10CM, "code": "I10"}]
    return head | {**_condition(source, local, on), "code": {"coding": codings, "text": "Hypertension"}}


def _condition(source: Source, local: str, on: date) -> Json:
    return {
        "clinicalStatus": {"coding": [{"system": _TERMS + "condition-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": _TERMS + "condition-ver-status", "code": "confirmed"}]},
        "category": [{"coding": [{"system": _TERMS + "condition-category", "code": "problem-list-item"}]}],
        "subject": subject(source, local),
        "onsetDateTime": on.isoformat(),
        "recordedDate": on.isoformat(),
    }


def observation(
    source: Source, local: str, name: str, on: date, code: Json, category: str, value: Mapping[str, Any]
) -> Json:
    """Return a final Observation; ``value`` holds its value[x] and whatever else it has."""
    head = begin("Observation", source, local, f"{name}@{on.isoformat()}", on)
    return head | {
        "status": "final",
        "category": [{"coding": [{"system": _TERMS + "observation-category", "code": category}]}],
        "code": code,
        "subject": subject(source, local),
        "effectiveDateTime": on.isoformat(),
        **value,
    }


def stage_group(stage: str, source: Source, local: str, on: date, *, name: str = "stage") -> Json:
    """Return the clinical stage group (SNOMED CT 399537006) as mCODE has it."""
    value = {"valueCodeableConcept": {"coding": [{"system": "http://cancerstaging.org", "code": stage}], "text": stage}}
    code = concept(codes.SNOMED, "399537006", "Clinical stage group")
    found = observation(source, local, name, on, code, "survey", value)
    found["focus"] = [{"reference": f"Condition/{resource_id(source.id, local, 'Condition', 'primary')}"}]
    return found


def ecog(score: int, source: Source, local: str, on: date) -> Json:
    """Return the ECOG performance status (LOINC 89247-1)."""
    code = concept(codes.LOINC, "89247-1", "ECOG performance status")
    return observation(source, local, "ecog", on, code, "survey", {"valueInteger": score})


def laboratory(result: LabResult, source: Source, local: str) -> Json:
    """Return one laboratory Observation with its UCUM unit and reference range."""
    test = result.test

    def quantity(text: str) -> Json:
        return {"value": Decimal(text), "unit": test.unit, "system": codes.UCUM, "code": test.unit}

    value = {
        "valueQuantity": quantity(result.value),
        "referenceRange": [{"low": quantity(test.low), "high": quantity(test.high)}],
    }
    code = concept(codes.LOINC, test.loinc, test.name)
    return observation(source, local, test.loinc, result.on, code, "laboratory", value)


def treatment(given: Treatment, number: int, source: Source, local: str) -> list[Json]:
    """Return the resources of one treatment: a MedicationAdministration for each drug, or a Procedure."""
    if given.kind != "systemic":
        return [_procedure(given, number, source, local)]
    intent = ("373808002", "Curative") if given.intent == "curative" else ("363676003", "Palliative")
    profile = codes.MCODE + "mcode-cancer-related-medication-administration"
    return [
        begin("MedicationAdministration", source, local, f"{number}-{drug}", given.end, profile)
        | {
            "extension": [
                {"url": codes.MCODE + "mcode-treatment-intent", "valueCodeableConcept": concept(codes.SNOMED, *intent)}
            ],
            "status": "completed",
            "medicationCodeableConcept": concept(codes.RXNORM, codes.DRUGS[drug], drug),
            "subject": subject(source, local),
            "effectivePeriod": {"start": given.start.isoformat(), "end": given.end.isoformat()},
        }
        for drug in given.drugs
    ]


def _procedure(given: Treatment, number: int, source: Source, local: str) -> Json:
    radiation = given.kind == "radiation"
    profile = "mcode-radiotherapy-course-summary" if radiation else "mcode-cancer-related-surgical-procedure"
    code = ("1217123003", "Radiotherapy course of treatment") if radiation else ("69028009", "Excision of tumour")
    category = ("108290001", "Radiation oncology") if radiation else ("387713003", "Surgical procedure")
    return begin("Procedure", source, local, str(number), given.end, codes.MCODE + profile) | {
        "status": "completed",
        "category": concept(codes.SNOMED, *category),
        "code": concept(codes.SNOMED, *code),
        "subject": subject(source, local),
        "performedPeriod": {"start": given.start.isoformat(), "end": given.end.isoformat()},
    }


def complete_history(entries: Sequence[Json], source: Source, local: str, on: date) -> Json:
    """Return the List of all cancer treatments there were; an empty one says so by emptyReason ``nilknown``."""
    found = begin("List", source, local, "treatments", on) | {
        "status": "current",
        "mode": "snapshot",
        "title": "All cancer treatments",
        "code": concept(codes.LOINC, "10160-0", "History of medication use"),
        "subject": subject(source, local),
        "date": f"{on.isoformat()}T09:00:00Z",
    }
    if entries:
        found["entry"] = [{"item": {"reference": f"{each['resourceType']}/{each['id']}"}} for each in entries]
    else:
        found["emptyReason"] = {"coding": [{"system": _TERMS + "list-empty-reason", "code": "nilknown"}]}
    return found


def consent(decision: str, source: Source, local: str, on: date) -> Json:
    """Return the research Consent (``permit`` or ``deny``); a later decision replaces it under the same id."""
    return begin("Consent", source, local, "research", on) | {
        "status": "active",
        "scope": {"coding": [{"system": _TERMS + "consentscope", "code": "research"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": subject(source, local),
        "dateTime": on.isoformat(),
        "policyRule": {
            "coding": [{"system": _TERMS + "v3-ActCode", "code": "OPTIN" if decision == "permit" else "OPTOUT"}]
        },
        "provision": {"type": decision},
    }
