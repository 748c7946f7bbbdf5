"""Seeded load of any size for the bench: the demo's shapes, streamed so that memory stays small."""

from collections.abc import Iterator
from datetime import date

from trialbridge.testkit.feeds import FHIR_JSON, HL7V2, NDJSON, PlainBundle, contain
from trialbridge.testkit.places import SOURCES, Source
from trialbridge.testkit.placing import Delivery, write
from trialbridge.testkit.world import AS_OF, SEED, make_patient


def deliveries(patients: int, seed: int = SEED, as_of: date = AS_OF) -> Iterator[Delivery]:
    """Yield every source's delivery of each patient in turn; a longer run begins with the shorter one."""
    for index in range(patients):
        history, made = make_patient(index, seed, as_of)
        for source in made.sources.values():
            yield write(history, made, source)


def load_bundles(
    patients: int, seed: int = SEED, as_of: date = AS_OF, *, per_bundle: int = 50
) -> Iterator[PlainBundle]:
    """Yield compressed bundles of ``per_bundle`` patients each, as they fill, then the rests; nothing in them is broken."""
    waiting: dict[str, list[Delivery]] = {source.id: [] for source in SOURCES}
    counts = dict.fromkeys(waiting, 0)
    by_id = {str(source.id): source for source in SOURCES}
    for delivery in deliveries(patients, seed, as_of):
        name = str(delivery.source.id)
        waiting[name].append(delivery)
        if len(waiting[name]) == per_bundle:
            counts[name] += 1
            yield _bundle(by_id[name], waiting[name], counts[name], as_of)
            waiting[name] = []
    for name, rest in waiting.items():
        if rest:
            yield _bundle(by_id[name], rest, counts[name] + 1, as_of)


def _bundle(source: Source, chunk: list[Delivery], number: int, as_of: date) -> PlainBundle:
    media = HL7V2 if source.format == "hl7v2" else NDJSON if source.packing.startswith("ndjson") else FHIR_JSON
    key = f"{source.id}/{as_of.isoformat()}-load-{number:06d}"
    return PlainBundle(source.tenant, source.id, key, media, contain(source, chunk), f"{as_of.isoformat()}T06:00:00Z")
