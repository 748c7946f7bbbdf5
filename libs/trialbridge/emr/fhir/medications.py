"""Puts each Medication into the resources that refer to it, so that every one can be read by itself."""

from collections.abc import Mapping

from trialbridge.emr.records import Resource, Warnings

_PREFIX = "Medication/"


def _named(resource: Resource) -> str | None:
    """Return ``Medication/id`` out of the reference to a Medication, by address or logical; None without one."""
    named = resource.get("medicationReference")
    if not isinstance(named, dict):
        return None
    number = named.get("identifier")
    reference = named.get("reference", number.get("value") if isinstance(number, dict) else None)
    if not isinstance(reference, str) or _PREFIX not in reference:
        return None
    return _PREFIX + reference.rsplit(_PREFIX, 1)[1].split("/")[0]


def is_elsewhere(resource: Resource, medications: Mapping[str, Resource]) -> bool:
    """Return whether a resource refers to a Medication that is not among ``medications`` (by ``Medication/id``)."""
    name = _named(resource)
    return name is not None and name not in medications


def with_medication(
    resource: Resource, medications: Mapping[str, Resource], warnings: Warnings | None = None
) -> Resource:
    """Return the resource with its Medication contained (FHIR R4, contained resources) where the bundle has it.

    ``medications`` by reference, ``Medication/<id>``. One that is not in the bundle is counted as ``fhir.medication-elsewhere``
    in ``warnings``.
    """
    name = _named(resource)
    if name is None:
        return resource
    found = medications.get(name)
    if found is None:
        if warnings is not None:
            warnings.note("fhir.medication-elsewhere")
        return resource
    held = [one for one in resource.get("contained", ()) if one.get("id") != found["id"]]
    inner = {key: value for key, value in found.items() if key != "meta"}
    named = {key: value for key, value in resource["medicationReference"].items() if key not in ("type", "identifier")}
    return {**resource, "contained": [*held, inner], "medicationReference": {**named, "reference": f"#{found['id']}"}}
