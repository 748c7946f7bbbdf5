"""The document store port, over both adapters."""

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from bson.errors import InvalidDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DocumentTooLarge,
    OperationFailure,
    WriteError,
    WTimeoutError,
)

from trialbridge.contracts.documents import (
    DEAD_LETTERS,
    MATCHES,
    PATIENTS,
    SESSIONS,
    STAGES,
    TICKETS,
    DeadLetterDoc,
    MatchDoc,
    PatientDoc,
    StageDoc,
    TicketDoc,
)
from trialbridge.contracts.errors import Misconfigured, Refused, Unavailable, Undecodable
from trialbridge.runtime.documents import codec, cursor
from trialbridge.runtime.documents.mongo import MongoDocuments, _translated
from trialbridge.runtime.documents.sqlite import SqliteDocuments
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query
from trialbridge.runtime.stage.lane import KEPT_BYTES
from trialbridge.testkit.seals import ClearSeal


@pytest.fixture(params=["sqlite", pytest.param("mongodb", marks=pytest.mark.integration)])
async def documents(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DocumentStore]:
    store: DocumentStore
    if request.param == "sqlite":
        store = SqliteDocuments(tmp_path / "documents.db", ClearSeal())
    else:
        url = os.environ.get("TRIALBRIDGE_TEST_MONGO")
        if not url:
            pytest.skip("no MongoDB here: run make test, or make testbed-up")
        store = MongoDocuments(url.replace("/?", f"/test_{secrets.token_hex(4)}?"), ClearSeal())
    await store.prepare()
    await store.prepare()
    yield store
    await store.close()


def match(
    identity: str, version: int = 1, status: str = "held", tenants: tuple[str, ...] = ("north",), changed: str = ""
) -> MatchDoc:
    return MatchDoc(
        id=identity, version=version, network="lakeland", tenants=tenants, patient="pat_1", trial="T", trial_title="t",
        lab="lab", status=status, outcome="eligible", explanation=msgspec.Raw(b'{"a":1}'), changed=changed,  # type: ignore[arg-type]
    )  # fmt: skip


async def test_a_document_comes_back_as_it_was(documents: DocumentStore) -> None:
    large = msgspec.Raw(b'"' + b"x" * 5000 + b'"')
    doc = PatientDoc(id="pat_1", version=3, network="lakeland", tenants=("a", "b"), digest="d", facts=large)
    assert await documents.upsert(PATIENTS, [doc]) == 1
    found = await documents.get(PATIENTS, "pat_1")
    assert found is not None
    assert bytes(found.facts) == bytes(large)
    assert bytes(found.display) == b"{}"
    assert msgspec.structs.replace(found, facts=large, display=doc.display, survivors=doc.survivors) == doc
    assert await documents.get(PATIENTS, "pat_2") is None


async def test_only_a_newer_version_wins(documents: DocumentStore) -> None:
    assert await documents.upsert(MATCHES, [match("m", 2), match("n", 1)]) == 2
    assert await documents.upsert(MATCHES, [match("m", 1, "approved"), match("n", 2, "approved")]) == 1
    assert await documents.upsert(MATCHES, [match("m", 2, "approved")]) == 0
    found = await documents.get_many(MATCHES, ["m", "n", "o"])
    assert {identity: doc.status for identity, doc in found.items()} == {"m": "held", "n": "approved"}


async def test_compare_and_set(documents: DocumentStore) -> None:
    assert await documents.replace(MATCHES, match("m", 1), 0)
    assert not await documents.replace(MATCHES, match("m", 1), 0)
    assert not await documents.replace(MATCHES, match("m", 5), 4)
    assert await documents.replace(MATCHES, match("m", 5, "approved"), 1)
    found = await documents.get(MATCHES, "m")
    assert found is not None
    assert (found.version, found.status) == (5, "approved")


async def test_searches_by_equality_membership_and_lists(documents: DocumentStore) -> None:
    await documents.upsert(
        MATCHES,
        [
            match("a", tenants=("north", "hill")),
            match("b", status="approved"),
            match("c", status="closed", tenants=("hill",)),
        ],
    )
    assert {d.id for d in await collect(documents, MATCHES, Query(where={"tenants": "hill"}))} == {"a", "c"}
    assert {d.id for d in await collect(documents, MATCHES, Query(where={"status": ("held", "approved")}))} == {
        "a",
        "b",
    }
    assert {d.id for d in await collect(documents, MATCHES, Query(where={"status": "held", "tenants": ("hill",)}))} == {
        "a"
    }


@pytest.mark.parametrize("sort", ["id", "-id", "changed", "-changed"])
async def test_pages_hold_everything_once_in_order(documents: DocumentStore, sort: str) -> None:
    docs = [match(f"m{n:02}", changed=f"2026-06-{1 + n % 3:02}") for n in range(23)]
    await documents.upsert(MATCHES, docs)
    found = await collect(documents, MATCHES, Query(sort=sort, limit=5))
    key = sort.removeprefix("-")
    wanted = sorted(docs, key=lambda d: (getattr(d, key), d.id), reverse=sort.startswith("-"))
    assert [d.id for d in found] == [d.id for d in wanted]


async def test_a_foreign_cursor_is_refused(documents: DocumentStore) -> None:
    with pytest.raises(Refused) as refused:
        await documents.find(MATCHES, Query(after="nonsense!"))
    assert refused.value.code == "query.bad-cursor"


async def test_counts(documents: DocumentStore) -> None:
    await documents.upsert(MATCHES, [match("a"), match("b"), match("c", status="approved")])
    assert await documents.count(MATCHES, {}) == {"": 3}
    assert await documents.count(MATCHES, {"status": "closed"}) == {"": 0}
    assert await documents.count(MATCHES, {}, by="status") == {"held": 2, "approved": 1}
    await documents.upsert(PATIENTS, [PatientDoc(id="p", version=1, tenants=(), digest="", removed=True)])
    assert await documents.count(PATIENTS, {}, by="removed") == {"true": 1}


async def test_a_sealed_field_cannot_be_searched(documents: DocumentStore) -> None:
    with pytest.raises(ValueError, match="no clear field"):
        await documents.find(DEAD_LETTERS, Query(where={"payload": "x"}))


async def test_a_removed_document_is_gone(documents: DocumentStore) -> None:
    await documents.upsert(STAGES, [StageDoc(id="s", version=1, stage="s", worker="w", state="ready", seconds=1.5)])
    await documents.delete(STAGES, "s")
    await documents.delete(STAGES, "s")
    assert await documents.get(STAGES, "s") is None


async def test_a_sealed_value_that_was_moved_is_refused(tmp_path: Path) -> None:
    store = SqliteDocuments(tmp_path / "documents.db", ClearSeal())
    await store.prepare()
    await store.upsert(MATCHES, [match("a"), match("b")])
    store._writer.execute("UPDATE matches SET sealed = (SELECT sealed FROM matches WHERE id = 'a') WHERE id = 'b'")
    with pytest.raises(Undecodable):
        await store.get(MATCHES, "b")
    await store.close()


async def test_a_server_that_is_away_is_a_passing_fault() -> None:
    store = MongoDocuments("mongodb://127.0.0.1:1/none?serverSelectionTimeoutMS=50", ClearSeal())
    with pytest.raises(Unavailable):
        await store.ping()
    await store.close()


def ticket(identity: str, **change: object) -> TicketDoc:
    """Return a redeemed ticket."""
    doc = TicketDoc(
        id=identity, version=1, tenant="north", source="north/ehr", object_uri="file:///x", object_version="1",
        sha256="", size=1, status="redeemed", issued="", updated="",
    )  # fmt: skip
    return msgspec.structs.replace(doc, **change)


UNHELD = [
    {"size": 2**63}, {"size": -(2**63) - 1}, {"size": 10**30}, {"version": 2**63}, {"version": 10**30},
    {"warnings": {"a": 2**64}}, {"warnings": {"a\x00b": 1}}, {"account": msgspec.Raw(b"[1e3, 9223372036854775808]")},
    {"account": msgspec.Raw(b"[" * 200 + b"]" * 200)}, {"account": msgspec.Raw(b'{"a":' * 5000 + b"1" + b"}" * 5000)},
    {"message": "x" * (17 * 2**20)},
]  # fmt: skip


@pytest.mark.parametrize("change", UNHELD, ids=lambda change: next(iter(change)))
async def test_what_no_store_can_hold_is_refused_for_good_and_keeps_nobody_from_writing(
    documents: DocumentStore, change: dict[str, object]
) -> None:
    for write in (
        documents.upsert(TICKETS, [ticket("a"), ticket("odd", **change)]),
        documents.replace(TICKETS, ticket("odd", **change), 0),
    ):
        with pytest.raises(Refused) as refused:
            await write
        assert refused.value.code == "document.refused"
    await documents.upsert(TICKETS, [ticket("b")])
    assert await documents.get(TICKETS, "odd") is None
    assert [doc.id for doc in (await documents.find(TICKETS, Query()))[0]] == ["b"]


def letter(payload: bytes) -> DeadLetterDoc:
    """Return a dead letter."""
    return DeadLetterDoc(
        id="dlq", version=1, stage="s", topic="t", partition=0, offset=1, key="k", code="c", message="m" * 10_000,
        payload=payload,
    )  # fmt: skip


async def test_the_largest_payload_that_a_stage_keeps_fits_and_a_larger_document_is_refused(
    documents: DocumentStore,
) -> None:
    doc = letter(secrets.token_bytes(KEPT_BYTES))
    codec.check(DEAD_LETTERS, doc)
    assert await documents.upsert(DEAD_LETTERS, [doc]) == 1
    assert await documents.get(DEAD_LETTERS, "dlq") == doc
    large = msgspec.structs.replace(letter(secrets.token_bytes(17 * 2**20)), version=2)
    with pytest.raises(Refused) as refused:
        await documents.upsert(DEAD_LETTERS, [large])
    assert refused.value.code == "document.refused"
    with pytest.raises(Refused):
        codec.check(DEAD_LETTERS, large)


async def test_what_compresses_well_is_measured_as_it_is_kept(documents: DocumentStore) -> None:
    doc = letter(b"x" * (20 * 2**20))
    codec.check(DEAD_LETTERS, doc)
    assert await documents.upsert(DEAD_LETTERS, [doc]) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OperationFailure("canary", 10334), Refused),
        (WriteError("canary", 17419), Refused),
        (OperationFailure("canary", 2), Refused),
        (BulkWriteError({"writeErrors": [{"code": 11000}, {"code": 10334}]}), Refused),
        (DocumentTooLarge("canary"), Refused),
        (InvalidDocument("canary"), Refused),
        (OverflowError("canary"), Refused),
        (OperationFailure("canary", 18), Unavailable),
        (OperationFailure("canary", 13), Unavailable),
        (OperationFailure("canary", 189), Unavailable),
        (OperationFailure("canary"), Unavailable),
        (BulkWriteError({"writeErrors": [{"code": 91}]}), Unavailable),
        (AutoReconnect("canary"), Unavailable),
        (WTimeoutError("canary", 64), Unavailable),
    ],
)
def test_only_what_the_server_will_never_take_is_refused(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind) as raised, _translated():
        raise error
    assert "canary" not in str(raised.value)


async def test_first_versions_are_written_beside_those_that_are_there_already(documents: DocumentStore) -> None:
    await documents.upsert(TICKETS, [ticket("old", version=0), ticket("same"), ticket("newer", version=3)])
    given = [ticket("old"), ticket("same", size=7), ticket("newer", size=7), ticket("new"), ticket("later", version=2)]
    assert await documents.upsert(TICKETS, given) == 3
    found = await documents.get_many(TICKETS, ["old", "same", "newer", "new", "later"])
    assert {name: one.version for name, one in found.items()} == {"old": 1, "same": 1, "newer": 3, "new": 1, "later": 2}
    assert found["same"].size == found["newer"].size == ticket("same").size


class Unsure:
    """A collection whose server wrote, and could not say that a majority has it."""

    async def bulk_write(self, *_: object, **__: object) -> None:
        raise BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 64}], "nModified": 1, "nUpserted": 0})


async def test_a_write_that_no_majority_has_is_tried_again() -> None:
    store = MongoDocuments("mongodb://127.0.0.1:1/none", ClearSeal())
    store._db = {"tickets": Unsure()}
    with pytest.raises(Unavailable):
        await store.upsert(TICKETS, [ticket("a")])
    await store.close()


async def test_the_greatest_numbers_come_back_as_they_were(documents: DocumentStore) -> None:
    doc = ticket("a", size=2**63 - 1, version=2**63 - 1, warnings={"a": -(2**63)}, message="\x00" + "9" * 40)
    assert await documents.upsert(TICKETS, [doc]) == 1
    assert await documents.get(TICKETS, "a") == doc


async def test_a_cursor_beyond_all_numbers_is_refused(documents: DocumentStore) -> None:
    with pytest.raises(Refused) as refused:
        await documents.find(TICKETS, Query(sort="size", after=cursor.write(10**30, "a")))
    assert refused.value.code == "query.bad-cursor"


@pytest.mark.parametrize("row", [("b", 2**63, "{}", None), ("a", 1, "{}", None), ("b", None, "{}", None)])
async def test_what_only_the_driver_notices_is_refused_and_rolled_back(tmp_path: Path, row: tuple[object, ...]) -> None:
    store = SqliteDocuments(tmp_path / "documents.db", ClearSeal())
    await store.prepare()
    statement = "INSERT INTO sessions (id, version, clear, sealed) VALUES (?, ?, ?, ?)"
    with pytest.raises(Refused) as refused:
        await store._write(lambda: store._bulk(statement, [("a", 1, "{}", None), row]))
    assert refused.value.code == "document.refused"
    assert await store.count(SESSIONS, {}) == {"": 0}
    await store.upsert(TICKETS, [ticket("b")])
    await store.close()


async def filled(path: Path) -> SqliteDocuments:
    """Return a store with a few hundred documents, all of them in its file."""
    store = SqliteDocuments(path, ClearSeal())
    await store.prepare()
    await store.upsert(TICKETS, [ticket(f"tkt_{number}") for number in range(500)])
    await store.close()
    return SqliteDocuments(path, ClearSeal())


def overwrite(path: Path, start: int) -> None:
    """Put noise over a file from ``start`` on, as a failing disk does."""
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * (path.stat().st_size - start))


async def test_a_file_that_is_damaged_while_it_is_used_stops_its_user_and_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "documents.db"
    store = await filled(path)
    overwrite(path, 4096)
    with pytest.raises(Misconfigured) as caught:
        await store.find(TICKETS, Query(sort="id"))
    await store.close()
    assert caught.value.code == "documents.broken"
    assert "backup" in caught.value.message


@pytest.mark.parametrize(("start", "code"), [(0, "documents.unusable"), (100, "documents.broken")])
async def test_a_damaged_file_is_not_opened(tmp_path: Path, start: int, code: str) -> None:
    path = tmp_path / "documents.db"
    await (await filled(path)).close()
    overwrite(path, start)  # from the header on it is no database at all
    with pytest.raises(Misconfigured) as caught:
        await SqliteDocuments(path, ClearSeal()).prepare()
    assert caught.value.code == code
