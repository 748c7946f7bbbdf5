"""Whose a message is, and what it says about identities: merges, moved visits, links."""

from collections.abc import Sequence
from typing import Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.contracts.events import Identifier, Merge
from trialbridge.contracts.ids import LocalPatientId
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.hl7v2 import values
from trialbridge.emr.hl7v2.message import Segment
from trialbridge.emr.hl7v2.reading import Reading
from trialbridge.emr.records import Piece

_LOCAL: Final = ("MR", "PI", "PT", "")
"""Types of PID-3 that may be the source's own patient number, the best first (HL7 table 0203)."""
Events = tuple[tuple[Merge, ...], tuple[Piece, ...]]


def named_in(segment: Segment, field: int) -> tuple[Identifier, ...]:
    """Return the identifiers of a field."""
    return tuple(one for rep in segment.repetitions(field) if (one := values.identity(rep)) is not None)


def local_of(identifiers: tuple[Identifier, ...], place: Place) -> LocalPatientId:
    """Return the source's own patient number; raise `Poison` ``v2.no-identifier`` where there is none."""
    for kind in _LOCAL:
        for one in identifiers:
            if one.type == kind:
                return LocalPatientId(one.value)
    raise Poison(
        "v2.no-identifier", "PID-3 holds no medical record number, so it is not known whose message this is.", place
    )


def events_of(identity: str, local: LocalPatientId, segments: Sequence[Segment], at: str, reading: Reading) -> Events:
    """Return who was merged into whom, and what becomes of those who lose something by it.

    ``merge``: MRG-1 was merged into PID-3. ``link``: the second PID is the same person as the first. ``move``: the visit of MRG-5
    is no longer the one of MRG-1.
    """
    if identity == "merge":
        return tuple(_merges(local, segments, at, reading)), ()
    if identity == "move":
        return (), tuple(_moved(local, segments, reading))
    if identity == "link":
        first = next(one for one in reading.message.segments if one.name == "PID")
        survivor = local_of(named_in(first, 3), first.place(reading.entry, reading.number, 3))
        return ((Merge(survivor, local, at),) if survivor != local else ()), ()
    return (), ()


def _merges(local: LocalPatientId, segments: Sequence[Segment], at: str, reading: Reading) -> list[Merge]:
    found = []
    for segment in segments:
        if segment.name == "MRG":
            retired = local_of(named_in(segment, 1), segment.place(reading.entry, reading.number, 1))
            if retired != local:
                found.append(Merge(local, retired, at))
    return found


def _moved(local: LocalPatientId, segments: Sequence[Segment], reading: Reading) -> list[Piece]:
    """Return the visits that are taken from those who had them, as entered in error there."""
    found = []
    for segment in segments:
        former = named_in(segment, 1) if segment.name == "MRG" else ()
        number = segment.get(5) or segment.get(6) if segment.name == "MRG" else ""
        if not former or not number:
            continue
        before = local_of(former, segment.place(reading.entry, reading.number, 1))
        if before == local:
            continue
        visit = {
            "resourceType": "Encounter",
            "id": reading.id_of("Encounter", str(before), str(number)),
            "meta": {name: str(value) for name, value in reading.stamp.items()},
            "status": "entered-in-error",
            "class": {"system": f"{values.TERMS}v3-NullFlavor", "code": "UNK"},
        }
        check(visit, segment.place(reading.entry, reading.number))
        found.append(Piece(before, (visit,)))
    return found
