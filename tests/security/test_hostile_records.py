"""Mutated records: thousands of them, no crash, no quoted content, and a located error each time something is wrong."""

from random import Random

import pytest

from trialbridge.contracts.ids import NetworkId, RecordId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.facts import facts_of
from trialbridge.emr.records import Entry, Feed
from trialbridge.testkit import packing
from trialbridge.testkit.canaries import find_canaries
from trialbridge.testkit.world import make_world

FEED = Feed(NetworkId("n"), TenantId("t"), SourceId("t/s"), "2026-06-01T06:00:00Z")
WORLD = make_world(patients=12)
ROUNDS = 3_000
NASTY = [
    b"\x00",
    b"\xff\xfe",
    b"|",
    b"^",
    b"\\X",
    b"\\E\\",
    b'"',
    b"{",
    b"[",
    b"null",
    b"1e999999",
    b"-",
    b"\r",
    b"\n",
    b"9" * 400,
    b"MSH|",
]


def sources() -> list[tuple[str, bytes]]:
    found = []
    for delivery in WORLD.deliveries:
        if delivery.source.format == "fhir":
            found.append(("application/fhir+ndjson", packing.ndjson(delivery.resources)))
            found.append(("application/fhir+json", packing.collection(delivery.resources, "urn:x")))
        else:
            found.append(("x-application/hl7-v2+er7", "".join(delivery.messages).encode()))
    return found


def mutated(body: bytes, rng: Random) -> bytes:
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(body) + 1)
        length = rng.choice([0, 1, 1, 7, 60])
        body = body[:place] + rng.choice(NASTY) + body[place + length :]
    return body[: rng.randrange(len(body))] if rng.random() < 0.1 else body


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_mutation_crashes_the_converter(seed: int) -> None:
    rng = Random(seed)
    bodies = sources()
    troubled = 0
    for _ in range(ROUNDS // 3):
        media, body = rng.choice(bodies)
        found = convert([Entry("x", media, mutated(body[:20_000], rng))], FEED)
        troubled += bool(found.set_aside)
        for aside in found.set_aside:
            assert aside.error.code
            assert aside.error.place.entry == "x"
            assert not find_canaries(aside.error.message + str(aside.error.place))
        for patient in found.patients:
            facts_of(patient.resources, FEED.source, RecordId("r"))
    assert troubled > ROUNDS // 12


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\x00" * 1000,
        b"null",
        b"[1,2]",
        b'{"resourceType":"Bundle","entry":[[]]}',
    ],
)
@pytest.mark.parametrize(
    "media", ["application/fhir+json", "application/fhir+ndjson", "x-application/hl7-v2+er7", "text/html"]
)
def test_nonsense_is_set_aside(media: str, body: bytes) -> None:
    found = convert([Entry("x", media, body)], FEED)
    assert not found.patients
