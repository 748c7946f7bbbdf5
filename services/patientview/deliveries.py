"""Taking a delivery in: the newest version of each resource is kept, whatever the order of deliveries."""

from collections.abc import Container, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from services.patientview.coding import Coder
from services.patientview.extraction import Extractor, Resource
from services.patientview.tables import Identity, Kept, SourcePatient, Stamp
from trialbridge.contracts.errors import Place, Undecodable
from trialbridge.contracts.events import FactsContributed, Identifier, RecordsReceived
from trialbridge.contracts.ids import PatientId, RecordId, SourcePatientKey, digest
from trialbridge.people.survivorship import instant


class _Head(msgspec.Struct, gc=False):
    """What is asked of a resource before it is read."""

    resourceType: Any = None  # noqa: N815 - as FHIR names it


LEFT: Final = frozenset(
    {
        "Account", "Appointment", "Coverage", "Encounter", "Endpoint", "Location", "MessageHeader", "Organization", "Practitioner",
        "PractitionerRole", "Provenance", "Schedule", "Slot",
    }
)  # fmt: skip
"""Types that say how care is organised and nothing that matching asks for: most of an admission, and never read."""
_EACH = msgspec.json.Decoder(list[msgspec.Raw])
_HEAD = msgspec.json.Decoder(_Head)
_RESOURCE = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
"""Numbers with a decimal point keep their digits."""


def resources_of(payload: RecordsReceived) -> list[Resource]:
    """Return the delivery's resources as far as any is asked for here; raise `Undecodable` where they are no array of objects."""
    try:
        return [
            _RESOURCE.decode(raw)
            for raw in _EACH.decode(payload.resources)
            if not _is_left(_HEAD.decode(raw).resourceType)
        ]
    except (msgspec.DecodeError, ArithmeticError, RecursionError):
        raise Undecodable(
            "records.resources-invalid", "The resources are not a JSON array of objects.", Place(field="resources")
        ) from None


def _is_left(kind: Any) -> bool:
    return type(kind) is str and kind in LEFT


def take_in(
    before: SourcePatient | None, payload: RecordsReceived, extractor: Extractor, coder: Coder
) -> SourcePatient:
    """Return the source patient after a delivery: equal to ``before`` where the delivery brings nothing newer.

    Facts are extracted from the delivery as a whole, since resources refer to one another.
    """
    known = before or SourcePatient(network=payload.network)
    resources = resources_of(payload)
    facts = coder.facts(resources, extractor, payload.record)
    stamped = dict(_stamped([one for one in resources if _matters(one, facts)], payload))
    kept, local = dict(known.resources), dict(known.local_codes)
    for ref, (stamp, resource) in stamped.items():
        if ref in facts and (ref not in kept or kept[ref].stamp < stamp):
            kept[ref] = coder.keep(Kept(stamp, facts[ref]), resource, local)
    return msgspec.structs.replace(
        known,
        tenant=payload.tenant,
        source=payload.source,
        local_patient=payload.local_patient,
        resources=kept,
        local_codes=local,
        resource_identity=_newest_patient(known, stamped, payload, extractor),
        message_identity=_message_identity(known, payload),
        as_of=max(known.as_of, payload.received, key=lambda time: (instant(time), time)),
    )


def _matters(resource: Resource, facts: Container[str]) -> bool:
    """Return whether anything is kept of a resource."""
    kind = resource.get("resourceType")
    return kind == "Patient" or f"{kind}/{resource.get('id')}" in facts


def _stamped(resources: list[Resource], payload: RecordsReceived) -> Iterator[tuple[str, tuple[Stamp, Resource]]]:
    """Yield each identified resource with its stamp, the newest of each reference last."""
    found = []
    for resource in resources:
        kind, name = resource.get("resourceType"), resource.get("id")
        if isinstance(kind, str) and isinstance(name, str):
            meta = resource.get("meta")
            updated = meta.get("lastUpdated") if isinstance(meta, dict) else None
            time = instant(updated) if isinstance(updated, str) else ""
            stamp = Stamp(
                time or instant(payload.received),
                payload.record,
                digest(msgspec.json.encode(resource, order="sorted")),
            )
            found.append((stamp, f"{kind}/{name}", resource))
    for stamp, ref, resource in sorted(found, key=lambda entry: entry[0]):
        yield ref, (stamp, resource)


def _newest_patient(
    known: SourcePatient,
    stamped: Mapping[str, tuple[Stamp, Resource]],
    payload: RecordsReceived,
    extractor: Extractor,
) -> Identity:
    newest = known.resource_identity
    for ref, (stamp, resource) in stamped.items():
        if ref.startswith("Patient/") and newest.stamp < stamp:
            display = extractor.display_of(resource, payload.tenant)
            newest = Identity(stamp, tuple(extractor.identifiers_of(resource)), display)
    return newest


def _message_identity(known: SourcePatient, payload: RecordsReceived) -> Identity:
    if not payload.identifiers:
        return known.message_identity
    identifiers = _sorted(payload.identifiers)
    stamp = Stamp(instant(payload.received), payload.record, digest(msgspec.json.encode(identifiers)))
    return max(known.message_identity, Identity(stamp, identifiers), key=lambda identity: identity.stamp)


def identifiers(patient: SourcePatient) -> tuple[Identifier, ...]:
    """Return all identifiers that the source gives its patient now, sorted."""
    return _sorted((*patient.resource_identity.identifiers, *patient.message_identity.identifiers))


def _sorted(given: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
    return tuple(sorted(set(given), key=lambda one: (one.system, one.value, one.type)))


def contribution(key: SourcePatientKey, patient: SourcePatient, person: PatientId) -> FactsContributed:
    """Return what the source patient contributes to ``person``; its records are those that its facts still rest on."""
    kept = [patient.resources[ref] for ref in sorted(patient.resources)]
    facts = tuple(fact for one in kept for fact in one.facts)
    records = {one.stamp.record for one in kept if one.facts} | {patient.resource_identity.stamp.record}
    return FactsContributed(
        network=patient.network,
        patient=person,
        key=key,
        tenant=patient.tenant,
        source=patient.source,
        seq=patient.seq,
        facts=msgspec.Raw(msgspec.json.encode(facts)),
        display=msgspec.Raw(msgspec.json.encode(patient.resource_identity.display)),
        records=tuple(sorted(records - {RecordId("")})),
        as_of=patient.as_of,
    )
