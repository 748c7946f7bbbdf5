"""Facts out of FHIR R4: what the criteria engine eats, each with its evidence."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from trialbridge.contracts.ids import RecordId, SourceId
from trialbridge.criteria.facts import AnyFact, Evidence
from trialbridge.emr.facts.diseases import of_condition
from trialbridge.emr.facts.observations import of_observation
from trialbridge.emr.facts.persons import of_allergy, of_consent, of_patient
from trialbridge.emr.facts.read import evidence, mapping, objects, reference, text
from trialbridge.emr.facts.treatments import of_list, of_medication, of_procedure
from trialbridge.emr.genomics.resources import WHOLE
from trialbridge.emr.records import Resource

READERS: Final[Mapping[str, Callable[[Resource, Evidence], Iterator[AnyFact]]]] = {
    "Patient": of_patient,
    "Condition": of_condition,
    "Observation": of_observation,
    "MedicationAdministration": of_medication,
    "MedicationStatement": of_medication,
    "MedicationRequest": of_medication,
    "Procedure": of_procedure,
    "List": of_list,
    "Consent": of_consent,
    "AllergyIntolerance": of_allergy,
}
"""What is read of each resource type; others hold nothing that matching asks for."""


def facts_of(resources: Sequence[Resource], source: SourceId, record: RecordId) -> Mapping[str, tuple[AnyFact, ...]]:
    """Return the facts of each resource that may hold some, by FHIR reference; an empty tuple retracts earlier ones.

    The results of a report that replaces the earlier one are told under the report: the newest tells them all.
    """
    found: dict[str, tuple[AnyFact, ...]] = {}
    told: dict[str, tuple[AnyFact, ...]] = {}
    for resource in resources:
        reader = READERS.get(resource.get("resourceType", ""))
        if reader is not None and resource.get("id"):
            name = reference(resource)
            facts = (
                () if _is_of_another_meaning(resource) else tuple(reader(resource, evidence(resource, source, record)))
            )
            whole = _is_whole(resource)
            found[name] = () if whole else facts
            if whole:
                told[name] = facts
    for resource in resources:
        if resource.get("resourceType") == "DiagnosticReport" and resource.get("id") and _is_whole(resource):
            results = (text(one.get("reference")) or "" for one in objects(resource.get("result")))
            found[reference(resource)] = tuple(fact for name in results for fact in told.get(name, ()))
    return found


def _is_of_another_meaning(resource: Resource) -> bool:
    """Return whether a resource has a modifier that turns its meaning, which nobody here knows, or is about someone else.

    FHIR R4 forbids to process what a ``modifierExtension`` of unknown meaning changes; an observation whose ``focus`` is a relative
    or a donor is not of the patient.
    """
    if resource.get("modifierExtension"):
        return True
    about = (text(one.get("reference")) or "" for one in objects(resource.get("focus")))
    return any("RelatedPerson/" in name or "FamilyMemberHistory/" in name for name in about)


def _is_whole(resource: Resource) -> bool:
    """Return whether a resource is of a report that replaces the earlier one (`genomics.resources.WHOLE`)."""
    meta = mapping(resource.get("meta"))
    return "tag" in meta and any(
        (one.get("system"), one.get("code")) == (WHOLE["system"], WHOLE["code"]) for one in objects(meta["tag"])
    )
