"""Bundles over what is held in memory at once: cut, converted and sent in batches, with the same records and places."""

import os
from collections.abc import Iterator
from functools import partial

import msgspec
import pytest

from services.coatcheck import batches, redeeming
from services.coatcheck.agents import handlers
from services.coatcheck.batches import UncutError, batched, cut
from services.coatcheck.containers import archives, flows, streams
from services.coatcheck.containers.flows import Feed, Flow
from services.coatcheck.containers.limits import Limits
from services.coatcheck.containers.unpack import Large, Spoiled, unpack
from services.coatcheck.handlers import Handlers
from services.coatcheck.redeeming import Redeemer
from tests.unit.services.coatcheck.conftest import NORTH, Check, bundle, patient
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.topics import EMR_RECORDS
from trialbridge.emr.records import Entry
from trialbridge.emr.sniff import HL7V2, NDJSON
from trialbridge.testkit.coatcheck_bench import keys
from trialbridge.testkit.packing import encode, gzipped, ndjson, tarred, zipped, zstandardised
from trialbridge.testkit.stage import FakeEffects, FakeStage
from trialbridge.vault.containers.table import BY_NAME

SMALL = 20_000


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make everything large."""
    for room in (flows, archives, redeeming):
        monkeypatch.setattr(room, "KEPT", SMALL)
    monkeypatch.setattr(streams, "GZIP_OUT", SMALL // 4)
    monkeypatch.setattr(batches, "BATCH", SMALL)
    monkeypatch.setattr(batches, "WHOLE", 4 * SMALL)


def contents(body: bytes | Flow) -> list[tuple[str, bytes]]:
    found = []
    for one in unpack(body, Limits(), 10**6):
        assert not isinstance(one, Spoiled)
        found.append((one.entry, b"".join(one.pieces) if isinstance(one, Large) else getattr(one, "body", b"")))
    return found


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("stream", [bytes, gzipped, zstandardised, lambda b: gzipped(zstandardised(b))])
def test_large_files_come_out_of_any_packing(stream: object) -> None:
    assert callable(stream)
    large, little = ndjson({"n": n} for n in range(9_000)), b"{}\n"
    members = [("a.ndjson", little), ("b.ndjson", large), ("c.ndjson.gz", gzipped(large)), ("d.ndjson", little)]
    wanted = [("1", little), ("2", large), ("3", large), ("4", little)]
    assert contents(stream(large)) == [("1", large)]
    for archive in (tarred, zipped):
        assert contents(stream(archive(members))) == wanted
        body = stream(archive(members))
        assert contents(Flow(partial(iter, [body[:100], body[100:]]))) == wanted


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("pack", [gzipped, zstandardised, lambda b: zipped([("a", b)])])
def test_a_large_stream_that_is_damaged_hands_out_nothing(pack: object) -> None:
    assert callable(pack)
    body = bytearray(pack(os.urandom(10 * SMALL)))
    body[len(body) // 2] ^= 0x40
    if body.startswith(b"\x28\xb5\x2f\xfd"):  # this one has no checksum by default
        del body[-30:]
    with pytest.raises(Refused):  # noqa: PT012 - what comes before the error matters
        for one in unpack(bytes(body), Limits(), 10**6):
            assert isinstance(one, Spoiled)
            raise one.error


@pytest.mark.usefixtures("small")
async def test_a_large_bundle_gives_the_records_of_many_small_ones(check: Check) -> None:
    people = [f"p{n}" for n in range(300)]
    _, ticket = await check.store(gzipped(bundle(*people)))
    await check.deliver(ticket)
    records = check.records()
    assert sorted({one.payload.local_patient for one in records}) == sorted(people)
    assert len({one.payload.record for one in records}) == len(records) == len({one.id for one in records})
    seen = [r["id"] for one in records for r in msgspec.json.decode(one.payload.resources)]
    assert sorted(seen) == sorted([*people, *(f"c-{one}" for one in people)])
    doc = await check.doc(ticket)
    assert (doc.status, doc.patients, doc.resources) == ("redeemed", 300, 600)
    account = msgspec.json.decode(doc.account)
    assert (account["patients"], account["resources"]) == (300, 600)
    assert account["leaves"]["unaccounted"] == 0
    before = [one.id for one in records]
    await check.deliver(ticket)
    assert [one.id for one in check.records()] == before * 2


@pytest.mark.usefixtures("small")
async def test_effects_are_released_between_batches(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    release = FakeEffects.release

    async def watched(effects: FakeEffects) -> None:
        held.append(len(effects.sent))
        await release(effects)
        assert not effects.sent

    monkeypatch.setattr(FakeEffects, "release", watched)
    _, ticket = await check.store(gzipped(bundle(*(f"p{n}" for n in range(300)))))
    await check.deliver(ticket)
    assert len(held) > 2
    assert max(held) < 150
    assert len(check.stage.emitted(EMR_RECORDS)) > sum(held)


@pytest.mark.usefixtures("small")
async def test_a_bad_line_of_a_large_file_is_found_where_it_is(check: Check) -> None:
    lines = bundle(*(f"p{n}" for n in range(300))).splitlines(keepends=True)
    lines[555] = b'{"resourceType":\n'
    _, ticket = await check.store(gzipped(b"".join(lines)))
    await check.deliver(ticket)
    (aside,) = check.stage.set_aside
    assert (aside.error.place.entry, aside.error.place.message) == ("1", 556)


@pytest.mark.usefixtures("small")
async def test_too_many_faults_in_a_late_batch_refuse_the_ticket(check: Check) -> None:
    redeemer = Redeemer(check.objects, check.keys, max_faults=5)
    check.stage = FakeStage(handlers(Handlers(redeemer, check.documents, check.now)))
    _, ticket = await check.store(gzipped(bundle(*(f"p{n}" for n in range(300))) + b"{\n" * 6))
    await check.deliver(ticket)
    doc = await check.doc(ticket)
    assert (doc.status, doc.code) == ("refused", "bundle.too-many-faults")


@pytest.mark.usefixtures("small")
async def test_an_entry_that_cannot_be_cut_is_set_aside_alone(check: Check) -> None:
    document = encode({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"x": "y" * 90_000}}]})
    _, ticket = await check.store(gzipped(tarred([("a.json", document), ("b.ndjson", bundle("p1"))])))
    await check.deliver(ticket)
    assert check.codes() == ["container.entry-too-large"]
    assert (await check.doc(ticket)).patients == 1


@pytest.mark.usefixtures("small")
async def test_medications_of_an_earlier_batch_are_known_to_later_ones(check: Check) -> None:
    drug = {
        "resourceType": "Medication",
        "id": "m1",
        "code": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "583214"}]},
    }
    order = {
        "resourceType": "MedicationRequest", "id": "o1", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/p9"}, "medicationReference": {"reference": "Medication/m1"},
    }  # fmt: skip
    body = ndjson([drug]) + bundle(*(f"p{n}" for n in range(300))) + ndjson([patient("p9")[0], order])
    _, ticket = await check.store(gzipped(body))
    await check.deliver(ticket)
    found = [r for one in check.records() for r in msgspec.json.decode(one.payload.resources) if r["id"] == "o1"]
    assert "583214" in str(found)


def v2(number: int) -> bytes:
    return b"MSH|^~\\&|EHR|N|TB|N|20260501||ADT^A01|%d|P|2.5.1\rPID|1||%d^^^N^MR\r" % (number, number)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("frame", [lambda m: m, lambda m: b"\x0b" + m + b"\x1c\r", lambda m: m.replace(b"\r", b"\r\n")])
def test_a_large_batch_of_messages_is_cut_between_them(frame: object) -> None:
    assert callable(frame)
    body = b"".join(frame(v2(number)) for number in range(2_000))

    def pieces() -> Iterator[bytes]:
        yield from (body[at : at + 999] for at in range(0, len(body), 999))

    found = list(cut(Large("1", "", pieces()), HL7V2))
    assert len(found) > 3
    assert b"".join(one.body for one in found) == body
    assert all(one.body.lstrip(b"\x0b").startswith(b"MSH|") for one in found)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("media", "body"),
    [
        (NDJSON, bundle(*(f"p{n}" for n in range(700)))),
        (NDJSON, b"".join(b"x" * (n * 1_700 % 61_000) + b"\n" for n in range(60))),
        (NDJSON, b"y" * (4 * SMALL - 1) + b"\n" + b"z" * 3 * SMALL),
        (HL7V2, b"".join(v2(number) for number in range(900))),
        (HL7V2, b"".join(b"\x0b" + v2(number) + b"\x1c\r\n" for number in range(900))),
    ],
    ids=["records", "lines of any length", "a line as long as may be", "messages", "framed messages"],
)
def test_where_an_entry_is_cut_depends_on_its_content_alone(media: str, body: bytes) -> None:
    def parts(size: int) -> list[bytes]:
        pieces = (body[at : at + size] for at in range(0, len(body), size))
        return [one.body for one in cut(Large("1", "", pieces), media)]

    whole = parts(len(body))
    assert len(whole) > 1
    assert b"".join(whole) == body
    assert all(len(one) <= SMALL or b"\n" not in one[:-1] for one in whole[:-1])
    for size in (97, 1_000, 4_096, SMALL - 1, SMALL, SMALL + 1, 3 * SMALL + 7):
        assert parts(size) == whole


@pytest.mark.usefixtures("small")
def test_a_line_is_too_long_in_pieces_of_any_size() -> None:
    for extra, fits in ((0, True), (1, False), (batches.AHEAD, False)):
        body = b"x" * (4 * SMALL - 1 + extra) + b"\n" + b"y" * SMALL
        for size in (97, 4_096, len(body)):
            pieces = (body[at : at + size] for at in range(0, len(body), size))
            try:
                assert len(list(cut(Large("1", "", pieces), NDJSON))) == 2
            except UncutError:
                assert not fits
            else:
                assert fits


@pytest.mark.usefixtures("small")
async def test_what_comes_out_does_not_depend_on_how_a_bundle_was_packed_and_encrypted() -> None:
    """A place that all patients have comes again and again: each batch counts it once."""
    place = {"resourceType": "Location", "id": "ward", "name": "Ward"}
    body = b"".join(ndjson([place]) + bundle(f"p{n}") for n in range(300))
    held = keys()
    told = []
    for name, container in BY_NAME.items():
        for packed in (body, gzipped(body), zstandardised(body)):
            check = Check(keys=held)
            sealed, metadata = await container.seal(packed, NORTH, held)
            ticket = check.ticket(await check.objects.put("b1", sealed, metadata), sealed)
            await check.deliver(ticket)
            doc = await check.doc(ticket)
            assert (doc.status, doc.patients) == ("redeemed", 300), name
            records = [(one.payload.local_patient, bytes(one.payload.resources)) for one in check.records()]
            told.append((records, doc.resources, bytes(doc.account)))
    assert msgspec.json.decode(told[0][2])["shared"] > 1
    assert all(one == told[0] for one in told)


@pytest.mark.usefixtures("small")
def test_a_line_that_never_ends_is_not_waited_for() -> None:
    with pytest.raises(UncutError):
        list(cut(Large("1", "", iter([b"x" * 1000] * 1000)), NDJSON))


def test_entries_are_batched_by_size_and_a_bundle_without_any_is_one_empty_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "BATCH", 10)
    entries = [Entry(str(size), NDJSON, b"x" * size) for size in (4, 5, 2, 30, 1)]
    assert [[one.name for one in batch] for batch in batched(entries)] == [["4", "5"], ["2"], ["30"], ["1"]]
    assert list(batched([])) == [[]]


def test_a_feed_gives_bytes_whatever_their_pieces() -> None:
    feed = Feed(iter([b"ab", b"", b"cdef", b"g"]))
    assert (feed.peek(3), feed.take(2), feed.read(3), feed.peek(9), feed.take(9), feed.take(1)) == (
        b"abc", b"ab", b"cde", b"fg", b"fg", b"",
    )  # fmt: skip
