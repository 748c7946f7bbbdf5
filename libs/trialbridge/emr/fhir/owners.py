"""Whose a FHIR resource is: the patient that it refers to, directly or through another resource of the same input."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.events import Merge
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.fhir.places import below
from trialbridge.emr.records import Resource
from trialbridge.emr.tables.rows import rows

_PATIENT: Final = re.compile(r"Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?$")
_RELATIVE: Final = re.compile(r"(?:^|/)([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?$")


@cache
def _paths() -> dict[str, tuple[tuple[str, ...], bool]]:
    return {
        kind: (tuple(element.split(".")), otherwise == "shared") for kind, element, otherwise in rows("patient_paths")
    }


def path_to_patient(kind: str) -> tuple[str, ...]:
    """Return the steps to the reference that says whose a resource of a type is; none where there is none."""
    return _paths().get(kind, ((), True))[0]


def own_patient(resource: Resource) -> LocalPatientId | None:
    """Return the patient that a resource names itself, None where it names none."""
    if resource["resourceType"] == "Patient":
        return LocalPatientId(resource["id"])
    path, _ = _paths().get(resource["resourceType"], ((), True))
    # Nearly always the element is there once and refers to a Patient.
    one = resource.get(path[0]) if len(path) == 1 else None
    reference = one.get("reference") if type(one) is dict else None
    if reference is not None:
        return patient_of_reference(reference)
    named = (patient_of_reference(reference) for reference in _references(resource, path))
    return next((found for found in named if found is not None), None)


def patient_of_reference(reference: Any) -> LocalPatientId | None:
    """Return the patient that a reference names, relative or absolute; None where it names none."""
    at = reference.rfind("Patient/") if isinstance(reference, str) else -1
    found = _PATIENT.match(reference, at) if at == 0 or (at > 0 and reference[at - 1] == "/") else None
    return LocalPatientId(found[1]) if found else None


def must_have_patient(kind: str) -> bool:
    """Return whether a resource of a type is set aside if nothing says whose it is."""
    path, may_be_shared = _paths().get(kind, ((), True))
    return bool(path) and not may_be_shared


def patient_of(resource: Resource, owners: Mapping[str, LocalPatientId], place: Place) -> LocalPatientId | None:
    """Return whose a resource is, None where it is about nobody in particular; raise `Poison` ``fhir.no-patient``.

    ``owners`` are the patients of the input's other resources by reference: a Provenance is its target's.
    """
    own = own_patient(resource)
    if own is not None:
        return own
    kind = resource["resourceType"]
    path, may_be_shared = _paths().get(kind, ((), True))
    named = (_RELATIVE.search(reference) for reference in _references(resource, path))
    through = next((owners[found[1]] for found in named if found and found[1] in owners), None)
    if through is None and not may_be_shared:
        element = ".".join(path)
        message = f"The {kind} does not say whose it is: {element} must refer to a Patient."
        raise Poison("fhir.no-patient", message, below(place, element))
    return through


def _references(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the references at an element's path."""
    if isinstance(value, list):
        for one in value:
            yield from _references(one, path)
    elif isinstance(value, dict):
        if path:
            yield from _references(value.get(path[0]), path[1:])
        elif isinstance(value.get("reference"), str):
            yield value["reference"]


def merges_of(patient: Resource) -> Iterator[Merge]:
    """Yield what a Patient's links say about merged records: ``replaced-by`` and ``replaces``."""
    meta = patient.get("meta")
    at = str(meta.get("lastUpdated", "")) if isinstance(meta, dict) else ""
    here = LocalPatientId(patient["id"])
    for link in patient.get("link", ()):
        other = patient_of_reference(next(_references(link, ("other",)), ""))
        if other is None or other == here:
            continue
        if link.get("type") == "replaced-by":
            yield Merge(other, here, at)
        elif link.get("type") == "replaces":
            yield Merge(here, other, at)
