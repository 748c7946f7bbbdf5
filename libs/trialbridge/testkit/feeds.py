"""Packs the world's deliveries into bundles as each source would: its own container, a few patients to each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from trialbridge.contracts.ids import SourceId, TenantId
from trialbridge.testkit import packing, troubles
from trialbridge.testkit.places import Packing, Source
from trialbridge.testkit.placing import Delivery, Wave
from trialbridge.testkit.world import World

NDJSON = "application/fhir+ndjson"
FHIR_JSON = "application/fhir+json"
HL7V2 = "x-application/hl7-v2+er7"
PATIENTS_PER_BUNDLE = 18
_HOURS: dict[Wave, int] = {"initial": 6, "update": 12}
_MEDIA: dict[Packing, str] = {"ndjson.gz": NDJSON, "ndjson.zst": NDJSON, "hl7.gz": HL7V2, "plain": HL7V2}


@dataclass(frozen=True, slots=True)
class PlainBundle:
    """One bundle before encryption: compressed already, as its container asks."""

    tenant: TenantId
    source: SourceId
    key: str
    """The object's key in storage."""
    media_type: str
    """Of the innermost content; containers are for the reader to detect."""
    body: bytes
    created: str
    """The ticket's time, RFC 3339."""
    wave: Wave = "initial"
    tampered: bool = False
    """True where one bit is flipped after encryption."""


def pack_bundles(world: World) -> list[PlainBundle]:
    """Return the bundles of both waves, with the few broken inputs that the demo shows; the same world, the same bytes."""
    found: list[PlainBundle] = []
    waves: tuple[Wave, ...] = ("initial", "update")
    for wave in waves:
        for source in world.sources:
            mine = [each for each in world.deliveries if each.wave == wave and each.source is source]
            for number, chunk in enumerate(_chunks(mine), 1):
                found.append(_pack(world.as_of, source, wave, number, chunk, len(found)))
    found.append(_tampered(world, len(found)))
    return found


def each_message(as_of: date, deliveries: Iterable[Delivery]) -> Iterator[PlainBundle]:
    """Yield each HL7 v2 message of ``deliveries`` alone, as a bundle of that one message."""
    for each in deliveries:
        for number, message in enumerate(each.messages, 1):
            yield PlainBundle(
                each.source.tenant,
                each.source.id,
                f"{each.source.id}/{as_of.isoformat()}-{each.wave}-{each.index:05d}-{number}.hl7",
                HL7V2,
                message.encode(),
                _at(as_of, each.wave, 3600 + each.index),
                each.wave,
            )


def _chunks(deliveries: Sequence[Delivery]) -> Iterator[Sequence[Delivery]]:
    for start in range(0, len(deliveries), PATIENTS_PER_BUNDLE):
        yield deliveries[start : start + PATIENTS_PER_BUNDLE]


def _pack(
    as_of: date, source: Source, wave: Wave, number: int, chunk: Sequence[Delivery], position: int
) -> PlainBundle:
    first = wave == "initial" and number == 1
    return PlainBundle(
        source.tenant,
        source.id,
        f"{source.id}/{as_of.isoformat()}-{wave}-{number:03d}.{_extension(source.packing)}",
        _MEDIA.get(source.packing, FHIR_JSON),
        contain(source, chunk, troubles.beside(source) if first else ()),
        _at(as_of, wave, position),
        wave,
    )


def _extension(form: Packing) -> str:
    return "hl7" if form == "plain" else form


def _at(as_of: date, wave: Wave, position: int) -> str:
    start = datetime.combine(as_of, time(_HOURS[wave]), UTC)
    return (start + timedelta(seconds=position)).isoformat().replace("+00:00", "Z")


def contain(source: Source, chunk: Sequence[Delivery], extra: Iterable[packing.Member] = ()) -> bytes:
    """Return ``chunk`` in the container of ``source``; ``extra`` members go last (messages, for an HL7 v2 source)."""
    if source.format == "hl7v2":
        messages = [message for each in chunk for message in each.messages] + [body.decode() for _, body in extra]
        return packing.gzipped(packing.batch(messages)) if source.packing == "hl7.gz" else "".join(messages).encode()
    if source.packing in {"ndjson.gz", "ndjson.zst"}:
        lines = packing.ndjson(resource for each in chunk for resource in each.resources)
        return packing.gzipped(lines) if source.packing == "ndjson.gz" else packing.zstandardised(lines)
    base = f"https://{source.tenant}.example/fhir"
    members = [
        (f"patient-{number:03d}.json", packing.collection(each.resources, base)) for number, each in enumerate(chunk, 1)
    ]
    members += extra
    if source.packing == "zip":
        return packing.zipped(members)
    archive = packing.tarred(members)
    return packing.zstandardised(archive) if source.packing == "tar.zst" else packing.gzipped(archive)


def _tampered(world: World, position: int) -> PlainBundle:
    source, delivery = troubles.intercepted(world.seed, len(world.histories), world.as_of)
    return PlainBundle(
        source.tenant,
        source.id,
        f"{source.id}/{world.as_of.isoformat()}-initial-tampered.{_extension(source.packing)}",
        _MEDIA.get(source.packing, FHIR_JSON),
        contain(source, [delivery]),
        _at(world.as_of, "initial", position),
        tampered=True,
    )
