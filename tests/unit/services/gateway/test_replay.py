"""What the gateway keeps is a bundle: the coat check makes the same records of it, and numbers documents in the same way."""

from collections.abc import Iterable
from typing import Any

import msgspec

from services.coatcheck.agents import handlers as coatcheck_handlers
from services.coatcheck.handlers import Handlers
from services.coatcheck.redeeming import Redeemer
from services.coatcheck.tickets import cause_of, check_ticket, document, ticket_of
from services.gateway.messages import read
from tests.unit.services.gateway.conftest import AUTH, NORTH, Gateway, adt
from trialbridge.contracts.documents import RECORDS, TICKETS
from trialbridge.contracts.events import RecordsReceived
from trialbridge.contracts.topics import EMR_RECORDS, EMR_TICKETS
from trialbridge.emr.convert import TABLES
from trialbridge.testkit.stage import FakeStage


async def redeemed(gateway: Gateway) -> FakeStage:
    """Return a coat check that has redeemed every ticket of the gateway."""
    redeemer = Redeemer(gateway.objects, gateway.keys)
    stage = FakeStage(coatcheck_handlers(Handlers(redeemer, gateway.documents, gateway.now)))
    for doc in (await gateway.documents.all(TICKETS)).values():
        ticket = ticket_of(doc)
        check_ticket(ticket)
        await stage.deliver(EMR_TICKETS, ticket.ticket, ticket, ticket.network, cause=cause_of(ticket))
    return stage


def rows(found: list[Any]) -> list[bytes]:
    return sorted(msgspec.json.encode(one) for one in found)


def untold(records: Iterable[RecordsReceived]) -> list[bytes]:
    return rows([msgspec.structs.replace(one, tables="") for one in records])


def plain(doc: Any) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(doc))
    return found


async def test_the_coat_check_makes_the_same_records_of_what_is_kept(gateway: Gateway) -> None:
    batch = b"BHS|^~\\&|EHR\r" + adt(5) + adt(6).replace(b"M6^^^NORTH^MR", b"") + b"BTS|2\r"
    arrivals = [read(body)[0] for body in (adt(1), adt(2), adt(1, event="A08", control="C9"), batch)]
    await gateway.delivering.deliver(NORTH, arrivals)
    stage = await redeemed(gateway)
    # Which tables were in force is the process's to say, and here both are one.
    assert {one.tables for one in await gateway.records()} == {TABLES}
    assert untold(one.payload for one in stage.take(EMR_RECORDS)) == untold(await gateway.records())
    assert rows(list(stage.docs(RECORDS).values())) == rows(list((await gateway.documents.all(RECORDS)).values()))
    (letter,) = await gateway.dead_letters()
    (aside,) = stage.set_aside
    assert (letter.code, letter.place, letter.payload) == (aside.error.code, aside.error.place, aside.payload)


async def test_the_ticket_s_document_is_the_coat_check_s(gateway: Gateway) -> None:
    for body in (adt(1), adt(2).replace(b"M2^^^NORTH^MR", b"")):
        await gateway.delivering.deliver(NORTH, [read(body)[0]])
    kept = await gateway.documents.all(TICKETS)
    stage = await redeemed(gateway)
    assert {name: plain(doc) for name, doc in kept.items()} == {n: plain(doc) for n, doc in stage.docs(TICKETS).items()}
    assert sorted(doc.status for doc in kept.values()) == ["redeemed", "refused"]


async def test_a_replay_is_newer_than_what_the_gateway_wrote(gateway: Gateway) -> None:
    async with gateway.http() as http:
        await http.post("/hl7v2", content=adt(1), headers=AUTH)
    (doc,) = (await gateway.documents.all(TICKETS)).values()
    again = msgspec.structs.replace(ticket_of(doc), issue=2)
    assert document(again, "redeemed", gateway.now(), doc).version > doc.version
