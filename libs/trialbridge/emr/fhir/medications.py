"""Puts each Medication into the resources that refer to it, so that every one can be read by itself."""

from collections.abc import Mapping

from trialbridge.emr.records import Resource, Warnings

_PREFIX = "Medication/"


def with_medication(resource: Resource, medications: Mapping[str, Resource], warnings: Warnings) -> Resource:
    """Return the resource with its Medication contained (FHIR R4, contained resources) where the bundle has it.

    ``medications`` by reference, ``Medication/<id>``. One that is not in the bundle is counted as ``fhir.medication-elsewhere``.
    """
    named = resource.get("medicationReference")
    reference = named.get("reference") if isinstance(named, dict) else None
    if not isinstance(named, dict) or not isinstance(reference, str) or _PREFIX not in reference:
        return resource
    found = medications.get(_PREFIX + reference.rsplit(_PREFIX, 1)[1].split("/")[0])
    if found is None:
        warnings.note("fhir.medication-elsewhere")
        return resource
    held = [one for one in resource.get("contained", ()) if one.get("id") != found["id"]]
    inner = {key: value for key, value in found.items() if key != "meta"}
    return {**resource, "contained": [*held, inner], "medicationReference": {**named, "reference": f"#{found['id']}"}}
