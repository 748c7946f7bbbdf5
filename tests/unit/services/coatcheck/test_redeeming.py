"""What becomes of a ticket: redeemed, refused, early, expired, repeated, tampered, wrong tenant, wrong key."""

import dataclasses
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from services.coatcheck.agents import handlers
from services.coatcheck.handlers import Handlers
from services.coatcheck.redeeming import Redeemer
from services.coatcheck.tickets import document as ticket_document
from tests.unit.services.coatcheck.conftest import HILL, LAKELAND, NORTH, Check, bundle, ids, patient
from tests.unit.vault.sealed import keys
from trialbridge.contracts.documents import RECORDS, TICKETS
from trialbridge.contracts.errors import Unavailable
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import Digest, SourceId, TicketId
from trialbridge.contracts.topics import EMR_TICKETS
from trialbridge.runtime.effects import Origin
from trialbridge.testkit.ccda_documents import document
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.testkit.packing import encode, gzipped, ndjson, tarred, zipped, zstandardised
from trialbridge.testkit.pseudonyms import SYNTHETIC
from trialbridge.testkit.stage import FakeStage
from trialbridge.vault.containers.openpgp_head import is_message
from trialbridge.vault.containers.s3 import IN_OBJECT_ONLY
from trialbridge.vault.containers.table import BY_NAME, CONTAINERS


async def test_a_bundle_becomes_one_record_for_each_patient(check: Check) -> None:
    info, ticket = await check.store(gzipped(bundle("p2", "p1")))
    await check.deliver(ticket)
    records = check.records()
    assert [one.payload.local_patient for one in records] == ["p1", "p2"]
    one = records[0]
    assert (
        one.key
        == one.payload.key
        == SYNTHETIC.source_patient(LAKELAND, SourceId("north/ehr"), one.payload.local_patient)
    )
    assert one.network == LAKELAND
    assert (one.payload.ticket, one.payload.bundle_sha256) == (ticket.ticket, ticket.sha256)
    assert one.payload.received == "2026-05-31T20:00:00Z"
    assert {r["resourceType"] for r in msgspec.json.decode(one.payload.resources)} >= {"Patient", "Condition"}
    assert one.payload.tables
    doc = await check.doc(ticket)
    assert (doc.status, doc.patients, doc.set_aside, doc.issue, doc.network) == ("redeemed", 2, 0, 1, "lakeland")
    assert doc.resources >= 4
    kept = await check.documents.all(RECORDS)
    assert set(kept) == {one.payload.record for one in records}
    row = kept[one.payload.record]
    assert (row.ticket, row.object_uri, row.object_version, row.bundle_sha256) == (
        ticket.ticket,
        info.uri,
        info.version,
        ticket.sha256,
    )
    assert check.codes() == []


@pytest.mark.parametrize("stream", [bytes, gzipped, zstandardised])
@pytest.mark.parametrize("archive", [tarred, zipped])
async def test_how_it_is_packed_makes_no_difference(
    check: Check, archive: Callable[..., bytes], stream: Callable[[bytes], bytes]
) -> None:
    members = [("a.ndjson", bundle("p1")), ("b.json", encode(patient("p2")[0])), ("c.ndjson", bundle("p2")[0:0])]
    _, ticket = await check.store(stream(archive(members)))
    await check.deliver(ticket)
    assert [one.payload.local_patient for one in check.records()] == ["p1", "p2"]


async def test_a_patient_in_several_files_is_one_delivery(check: Check) -> None:
    first, second = patient("p1")
    _, ticket = await check.store(tarred([("a.ndjson", ndjson([first])), ("b.ndjson", ndjson([second]))]))
    await check.deliver(ticket)
    (one,) = check.records()
    (row,) = (await check.documents.all(RECORDS)).values()
    assert row.id == one.payload.record
    assert row.entries == ("1", "2")


async def test_a_large_patient_travels_in_parts_with_ids_of_their_own(check: Check) -> None:
    person, condition = patient("p1")
    many = [{**condition, "id": f"c{n}", "note": [{"text": f"{n} " * 300}]} for n in range(900)]
    _, ticket = await check.store(zstandardised(ndjson([person, *many])))
    await check.deliver(ticket)
    records = check.records()
    assert len(records) > 1
    assert len(set(ids(records))) == len({one.payload.record for one in records}) == len(records)
    assert all(len(bytes(one.payload.resources)) < 700_000 for one in records)
    seen = [r["id"] for one in records for r in msgspec.json.decode(one.payload.resources)]
    assert len(seen) == len(set(seen)) >= 901
    assert (await check.doc(ticket)).patients == 1


async def test_a_repeat_has_the_same_effects_under_the_same_ids(check: Check) -> None:
    _, ticket = await check.store(bundle("p1", "p2"))
    await check.deliver(ticket)
    first, doc, kept = check.records(), await check.doc(ticket), await check.documents.all(RECORDS)
    check.pass_time(hours=1)
    await check.deliver(ticket, ticket)
    again = check.records()
    assert ids(again) == ids(first) * 3
    assert [one.payload for one in again] == [one.payload for one in first] * 3
    assert await check.doc(ticket) == doc
    assert await check.documents.all(RECORDS) == kept


async def test_what_is_redeemed_stays_redeemed_after_its_expiry(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    await check.deliver(ticket)
    check.pass_time(days=30)
    await check.deliver(ticket)
    assert (await check.doc(ticket)).status == "redeemed"
    assert len(check.records()) == 2
    assert check.codes() == []


async def test_an_old_ticket_is_expired_and_may_be_replayed(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    check.pass_time(days=8)
    await check.deliver(ticket)
    assert check.records() == []
    doc = await check.doc(ticket)
    assert (doc.status, doc.code) == ("expired", "ticket.expired")
    assert check.codes() == ["ticket.expired"]
    answer = await check.ask("replay", {"ticket": ticket.ticket})
    assert answer.status == "done"
    assert await check.deliver_published() == 1
    doc = await check.doc(ticket)
    assert (doc.status, doc.issue, doc.code) == ("redeemed", 2, "")
    assert len(check.records()) == 1


async def test_an_early_ticket_waits(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    late = msgspec.structs.replace(ticket)
    check.objects = type(check.objects)()
    check.__post_init__()
    await check.deliver(late)
    assert (await check.doc(late)).status == "waiting"
    assert check.records() == []
    assert check.codes() == []
    assert check.stage.warnings == {"ticket.early": 1}


async def refused(check: Check, ticket: TicketIssued, code: str) -> None:
    """Deliver, and see the refusal in both places and nothing else."""
    await check.deliver(ticket)
    assert check.records() == []
    doc = await check.doc(ticket)
    assert (doc.status, doc.code) == ("refused", code)
    assert doc.message.endswith(".")
    assert doc.place.bundle == ticket.object_uri
    (aside,) = check.stage.set_aside
    assert (aside.error.code, aside.payload_type) == (code, EMR_TICKETS.type)
    assert aside.origin == Origin(ticket.ticket, ticket.tenant, ticket.ticket)
    assert msgspec.json.decode(aside.payload, type=TicketIssued) == ticket
    assert await check.documents.all(RECORDS) == {}


@pytest.mark.parametrize("place", [0, 40, -1, -16])
async def test_a_flipped_bit_is_refused(check: Check, place: int) -> None:
    info, ticket = await check.store(bundle("p1"))
    good = b"".join([c async for c in check.objects.read(info.uri, info.version, max_bytes=10**6)])
    spoiled = bytearray(good)
    spoiled[place] ^= 1
    check.objects.place("b1", bytes(spoiled), info.metadata, version=info.version)
    await refused(check, ticket, "object.sha256-mismatch")
    check.stage.set_aside.clear()
    honest = msgspec.structs.replace(check.ticket(info, bytes(spoiled)), issue=2)
    await refused(check, honest, "envelope.tag-mismatch")


async def test_another_length_than_the_tickets_is_refused(check: Check) -> None:
    info, ticket = await check.store(bundle("p1"))
    check.objects.place("b1", b"x" * (info.size - 1), info.metadata, version=info.version)
    await refused(check, ticket, "object.size-mismatch")


async def test_a_store_that_sends_more_than_it_said_is_refused(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    held = check.objects._stored["b1"]
    check.objects._stored["b1"] = [(dataclasses.replace(held[0][0]), held[0][1] + b"more")]
    await refused(check, ticket, "object.too-large")


async def test_another_tenants_bundle_is_refused(check: Check) -> None:
    info, mine = await check.store(bundle("p1"))
    foreign = check.ticket(info, b"", HILL)
    await refused(check, msgspec.structs.replace(foreign, sha256=mine.sha256), "envelope.wrong-tenant")


async def test_a_wrong_key_is_refused_until_the_right_one_is_there(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    right, check.keys = check.keys, MemoryKeys("north")
    check.__post_init__()
    await refused(check, ticket, "key.refused")
    redeemer = Redeemer(check.objects, right)
    check.stage = FakeStage(handlers(Handlers(redeemer, check.documents, check.now)), state=check.stage.state)
    await check.ask("replay", {"ticket": ticket.ticket})
    assert await check.deliver_published() == 1
    assert (await check.doc(ticket)).status == "redeemed"


@pytest.mark.parametrize(
    ("drop", "change", "code"),
    [
        ("x-amz-iv", {}, "envelope.missing"),
        ("", {"x-amz-cek-alg": "AES/CBC/PKCS5Padding"}, "envelope.unsupported"),
        ("", {"x-amz-key-v2": "###"}, "envelope.broken"),
        ("", {"x-amz-unencrypted-content-length": "1"}, "envelope.length-mismatch"),
    ],
)
async def test_spoiled_metadata_are_refused(check: Check, drop: str, change: dict[str, str], code: str) -> None:
    info, ticket = await check.store(bundle("p1"))
    body = check.objects._stored["b1"][0][1]
    metadata = {name: value for name, value in {**info.metadata, **change}.items() if name != drop}
    check.objects.place("b1", body, metadata, version=info.version)
    await refused(check, ticket, code)


async def test_a_container_that_does_not_open_is_refused(check: Check) -> None:
    _, ticket = await check.store(gzipped(bundle("p1"))[:-9])
    await refused(check, ticket, "container.broken")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"expires": "tomorrow"}, "ticket.bad-time"),
        ({"created": "2026-06-01T08:00:00"}, "ticket.bad-time"),
        ({"sha256": "abc"}, "ticket.bad-digest"),
        ({"size": 0}, "ticket.bad-size"),
        ({"size": 2**63}, "ticket.bad-size"),
        ({"size": -(10**30)}, "ticket.bad-size"),
        ({"media_type": "text/plain"}, "ticket.unknown-type"),
        ({"source": ""}, "ticket.incomplete"),
    ],
)
async def test_a_ticket_that_does_not_hold_together_is_refused(
    check: Check, change: dict[str, str | int], code: str
) -> None:
    _, ticket = await check.store(bundle("p1"))
    await refused(check, msgspec.structs.replace(ticket, **change), code)


async def test_a_ticket_under_anothers_id_does_not_touch_the_others_document(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    await check.deliver(msgspec.structs.replace(ticket, object_version="another"))
    assert check.codes() == ["ticket.id-mismatch"]
    assert await check.documents.all(TICKETS) == {}
    await check.deliver(msgspec.structs.replace(ticket, ticket=TicketId("tkt_1")), ticket)
    assert [doc.status for doc in (await check.documents.all(TICKETS)).values()] == ["redeemed"]


async def test_one_bad_record_is_set_aside_with_its_place_and_the_rest_goes_on(check: Check) -> None:
    lines = bundle("p1") + b'{"resourceType": "Patient", "id": \n' + bundle("p2")
    _, ticket = await check.store(gzipped(tarred([("x.ndjson", bundle("p0")), ("y.ndjson", lines)])))
    await check.deliver(ticket)
    assert [one.payload.local_patient for one in check.records()] == ["p0", "p1", "p2"]
    (aside,) = check.stage.set_aside
    assert aside.error.place.bundle == ticket.object_uri
    assert aside.error.place.entry is not None
    assert aside.error.place.entry.startswith("2")
    assert aside.origin == Origin(ticket.ticket, ticket.tenant, ticket.ticket)
    assert b"Patient" in aside.payload
    doc = await check.doc(ticket)
    assert (doc.status, doc.patients, doc.set_aside) == ("redeemed", 3, 1)


async def test_a_bundle_without_one_good_record_is_refused_with_the_first_reason(check: Check) -> None:
    _, ticket = await check.store(b"this is not FHIR\nneither is this\n")
    await check.deliver(ticket)
    doc = await check.doc(ticket)
    assert doc.status == "refused"
    assert doc.code == check.codes()[0]
    assert check.records() == []
    assert b"not FHIR" not in msgspec.json.encode(doc)


async def test_a_bundle_with_too_many_faults_is_refused_whole(check: Check) -> None:
    redeemer = Redeemer(check.objects, check.keys, max_faults=5)
    check.stage = FakeStage(handlers(Handlers(redeemer, check.documents, check.now)))
    _, ticket = await check.store(bundle("p1") + b"{\n" * 6)
    await refused(check, ticket, "bundle.too-many-faults")


async def test_a_failed_reissue_of_a_redeemed_ticket_is_told_but_changes_no_outcome(check: Check) -> None:
    info, ticket = await check.store(bundle("p1"))
    await check.deliver(ticket)
    check.objects.place("b1", b"y" * info.size, info.metadata, version=info.version)
    await check.deliver(msgspec.structs.replace(ticket, issue=2))
    assert (await check.doc(ticket)).status == "redeemed"
    assert check.codes() == ["object.sha256-mismatch"]
    del check.objects._stored["b1"]
    await check.deliver(ticket)
    assert (await check.doc(ticket)).status == "redeemed"
    assert check.codes() == ["object.sha256-mismatch", "object.gone"]


@pytest.mark.parametrize("port", ["documents", "objects", "keys"])
async def test_a_port_that_is_away_is_a_passing_fault_without_effects(check: Check, port: str) -> None:
    _, ticket = await check.store(bundle("p1"))
    getattr(check, port).outage.away = True
    with pytest.raises(Unavailable):
        await check.deliver(ticket)
    assert check.records() == []
    assert check.stage.set_aside == []
    getattr(check, port).outage.away = False
    await check.deliver(ticket)
    assert (await check.doc(ticket)).status == "redeemed"


async def test_an_object_outside_of_the_store_is_refused(check: Check) -> None:
    info, ticket = await check.store(bundle("p1"))
    outside = dataclasses.replace(info, uri="file:///etc/passwd")
    await refused(check, msgspec.structs.replace(check.ticket(outside, b""), sha256=ticket.sha256), "object.outside")


async def test_dates_decide_by_the_injected_clock(check: Check) -> None:
    _, ticket = await check.store(bundle("p1"))
    check.time += timedelta(days=7)
    await check.deliver(ticket)
    assert (await check.doc(ticket)).status == "expired"
    assert isinstance(ticket.sha256, str)
    assert Digest(ticket.sha256) == ticket.sha256
    assert ticket.tenant == NORTH


@pytest.mark.parametrize(
    ("uri", "version", "code"),
    [
        ("mem://bucket/a%00b", "1", "object.bad-name"),
        ("mem://bucket/a/../b", "1", "object.bad-name"),
        ("mem://bucket/" + "k" * 1025, "1", "object.bad-name"),
        ("file://[x/y", "1", "object.bad-name"),
        ("mem://bucket/b1", "a b", "object.bad-version"),
    ],
)
async def test_an_object_that_no_store_can_hold_is_refused_at_once(
    check: Check, uri: str, version: str, code: str
) -> None:
    info, ticket = await check.store(bundle("p1"))
    odd = check.ticket(dataclasses.replace(info, uri=uri, version=version), b"")
    check.objects.outage.away = True
    await refused(check, msgspec.structs.replace(odd, size=1, sha256=ticket.sha256), code)


async def test_a_waiting_ticket_whose_name_is_refused_is_called_up_for_the_handler(check: Check) -> None:
    info, _ = await check.store(bundle("p1"))
    odd = check.ticket(dataclasses.replace(info, uri="mem://bucket/a%00b"), b"")
    await check.documents.upsert(TICKETS, [ticket_document(odd, "waiting", check.time, None)])
    check.time += timedelta(hours=1)
    assert await check.waiting().call_up(check.emitter) == 1
    await check.deliver_published()
    assert (await check.doc(odd)).code == "object.bad-name"


@pytest.mark.parametrize(("issue", "code"), [(10**15, "ticket.bad-issue"), (-(10**30), "ticket.incomplete")])
async def test_an_issue_beyond_all_counting_is_told_and_changes_no_document(
    check: Check, issue: int, code: str
) -> None:
    _, ticket = await check.store(bundle("p1"))
    await check.deliver(msgspec.structs.replace(ticket, issue=issue))
    assert check.codes() == [code]
    assert await check.documents.all(TICKETS) == {}
    await check.deliver(ticket)
    assert (await check.doc(ticket)).status == "redeemed"


@pytest.mark.parametrize("name", [one.name for one in CONTAINERS])
async def test_a_bundle_in_any_container_is_redeemed(check: Check, name: str) -> None:
    held = keys()
    check.keys = held
    check.__post_init__()
    body, metadata = await BY_NAME[name].seal(gzipped(bundle("p1", "p2")), NORTH, held)
    info = await check.objects.put("b1", body, metadata)
    ticket = check.ticket(info, body)
    await check.deliver(ticket)
    assert [one.payload.local_patient for one in check.records()] == ["p1", "p2"]
    foreign = check.ticket(info, body, HILL)
    await check.deliver(foreign)
    assert check.codes()[-1] in {"key.refused", "envelope.wrong-tenant"}


@pytest.mark.parametrize("name", ["s3-v2", "s3-v3"])
async def test_an_instruction_file_beside_the_object_is_read_and_is_no_orphan(check: Check, name: str) -> None:
    body, metadata = await BY_NAME[name].seal(bundle("p1"), NORTH, check.keys)
    while is_message(body):  # a ciphertext may begin with anything
        body, metadata = await BY_NAME[name].seal(bundle("p1"), NORTH, check.keys)
    own = {key: value for key, value in metadata.items() if key in IN_OBJECT_ONLY}
    told = {key: value for key, value in metadata.items() if key not in own}
    info = await check.objects.put("b1", body, own)
    ticket = check.ticket(info, body)
    await refused(check, ticket, "envelope.missing")
    check.stage.set_aside.clear()
    await check.objects.put("b1.instruction", msgspec.json.encode(told), {"x-amz-crypto-instr-file": ""})
    again = msgspec.structs.replace(ticket, issue=2)
    await check.deliver(again)
    assert (await check.doc(again)).status == "redeemed"
    assert await check.sweep().sweep() == 0


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"a":1}'])
async def test_an_instruction_file_that_is_none_is_refused(check: Check, content: bytes) -> None:
    body, _ = await BY_NAME["s3-v2"].seal(bundle("p1"), NORTH, check.keys)
    info = await check.objects.put("b1", body, {})
    await check.objects.put("b1.instruction", content, {})
    await refused(check, check.ticket(info, body), "envelope.broken")


async def test_a_package_of_documents_is_opened_without_what_accompanies_them(check: Check) -> None:
    """IHE XDM: the documents lie in a folder, with a manual, a style sheet and a directory around them."""
    clinical = document(48_000)
    package = zipped(
        [
            ("INDEX.HTM", b"<html>"), ("README.TXT", b"read me"), ("IHE_XDM/SUBSET01/METADATA.XML", b"<x/>"),
            ("IHE_XDM/SUBSET01/DOC0001.XML", clinical), ("IHE_XDM/SUBSET01/CDA.XSL", b"<x/>"),
        ]
    )  # fmt: skip
    for packed in (package, zipped([("mail/one.xdm", package)])):
        check = Check()
        _, sealed = await check.store(packed)
        ticket = msgspec.structs.replace(sealed, media_type="application/cda+xml")
        await check.deliver(ticket)
        doc = await check.doc(ticket)
        assert (doc.status, doc.patients, doc.set_aside) == ("redeemed", 1, 0)
        assert doc.warnings["bundle.companion-file"] == 4


async def test_names_that_point_out_of_a_package_are_names_like_others(check: Check) -> None:
    _, ticket = await check.store(zipped([("../../etc/p1.ndjson", bundle("p1")), ("/abs/p2.ndjson", bundle("p2"))]))
    await check.deliver(ticket)
    assert (await check.doc(ticket)).patients == 2
    (row, *_) = (await check.documents.all(RECORDS)).values()
    assert set(row.entries) <= {"1", "2"}
