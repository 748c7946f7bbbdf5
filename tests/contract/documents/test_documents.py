"""The document store port, over both adapters."""

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from trialbridge.contracts.documents import DEAD_LETTERS, MATCHES, PATIENTS, STAGES, MatchDoc, PatientDoc, StageDoc
from trialbridge.contracts.errors import Refused, Unavailable, Undecodable
from trialbridge.runtime.documents.mongo import MongoDocuments
from trialbridge.runtime.documents.sqlite import SqliteDocuments
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query
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
