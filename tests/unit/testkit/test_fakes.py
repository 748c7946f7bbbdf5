"""The in-memory twins of the ports: the same answers as the embedded adapters, and outages on demand."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from trialbridge.contracts.documents import DEAD_LETTERS, MATCHES, PATIENTS, MatchDoc, PatientDoc
from trialbridge.contracts.errors import Refused, Unavailable
from trialbridge.contracts.events import DayBegan
from trialbridge.contracts.ids import NetworkId, event_id
from trialbridge.contracts.topics import CALENDAR_DAYS
from trialbridge.runtime.documents.sqlite import SqliteDocuments
from trialbridge.runtime.keys.keyring import create_keyring, read_keyring
from trialbridge.runtime.objects.folder import FolderObjects
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, KeyService, ObjectStore, Query
from trialbridge.testkit.fakes import ClearSeal, MemoryDocuments, MemoryEmitter, MemoryKeys, MemoryObjects, Outage

META = {"x-amz-key-v2": "a2V5"}


@pytest.fixture(params=["memory", "sqlite"])
async def documents(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DocumentStore]:
    memory = request.param == "memory"
    store: DocumentStore = MemoryDocuments() if memory else SqliteDocuments(tmp_path / "d.db", ClearSeal())
    await store.prepare()
    yield store
    await store.close()


@pytest.fixture(params=["memory", "folder"])
async def objects(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    store: ObjectStore = MemoryObjects() if request.param == "memory" else FolderObjects(tmp_path / "objects")
    yield store
    await store.close()


@pytest.fixture(params=["memory", "file"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> KeyService:
    if request.param == "memory":
        return MemoryKeys("north")
    create_keyring(tmp_path / "keys.json", ["north"])
    return read_keyring(tmp_path / "keys.json")


def match(identity: str, version: int = 1, status: str = "held", changed: str = "", tenants: str = "north") -> MatchDoc:
    return MatchDoc(
        id=identity, version=version, network="n", tenants=tuple(tenants.split()), patient="p", trial="T",
        trial_title="t", lab="l", status=status, outcome="eligible", changed=changed, missing=version,  # type: ignore[arg-type]
        explanation=msgspec.Raw(b'{"a":1}'),
    )  # fmt: skip


async def test_documents_come_back_whole_and_only_newer_ones_win(documents: DocumentStore) -> None:
    assert await documents.upsert(MATCHES, [match("a", 2), match("b")]) == 2
    assert await documents.upsert(MATCHES, [match("a", 2, "closed"), match("a", 1, "closed"), match("b", 3)]) == 1
    found = await documents.get_many(MATCHES, ["a", "b", "c"])
    assert {one: (doc.version, doc.status) for one, doc in found.items()} == {"a": (2, "held"), "b": (3, "held")}
    assert bytes(found["a"].explanation) == b'{"a":1}'
    await documents.delete(MATCHES, "a")
    assert await documents.get(MATCHES, "a") is None


async def test_documents_compare_and_set(documents: DocumentStore) -> None:
    assert await documents.replace(MATCHES, match("m"), 0)
    assert not await documents.replace(MATCHES, match("m", 2), 0)
    assert not await documents.replace(MATCHES, match("m", 5), 4)
    assert await documents.replace(MATCHES, match("m", 5), 1)
    assert not await documents.replace(MATCHES, match("absent", 5), 1)


async def test_documents_are_searched_alike(documents: DocumentStore) -> None:
    await documents.upsert(
        MATCHES, [match("a", tenants="north hill"), match("b", 2, "approved"), match("c", 3, "closed", tenants="hill")]
    )
    wanted = {
        "ab": Query(where={"tenants": "north"}),
        "bc": Query(where={"status": ("approved", "closed")}),
        "cba": Query(sort="-missing"),
        "ac": Query(where={"tenants": ("hill", "west")}, sort="missing"),
        "": Query(where={"status": "withdrawn"}),
    }
    for names, query in wanted.items():
        assert "".join(doc.id for doc in await collect(documents, MATCHES, query)) == names
    with pytest.raises(ValueError, match="no clear field"):
        await documents.find(DEAD_LETTERS, Query(where={"payload": "x"}))


@pytest.mark.parametrize("sort", ["id", "-id", "changed", "-changed"])
async def test_pages_hold_everything_once_in_order(documents: DocumentStore, sort: str) -> None:
    docs = [match(f"m{n:02}", changed=f"2026-06-{1 + n % 3:02}") for n in range(12)]
    await documents.upsert(MATCHES, docs)
    found = await collect(documents, MATCHES, Query(sort=sort, limit=5))
    name = sort.removeprefix("-")
    key = lambda d: (getattr(d, name), d.id)  # noqa: E731
    assert [d.id for d in found] == [d.id for d in sorted(docs, key=key, reverse=sort.startswith("-"))]


async def test_a_foreign_cursor_is_refused(documents: DocumentStore) -> None:
    with pytest.raises(Refused) as refused:
        await documents.find(MATCHES, Query(after="nonsense!"))
    assert refused.value.code == "query.bad-cursor"


async def test_documents_are_counted_alike(documents: DocumentStore) -> None:
    await documents.upsert(MATCHES, [match("a"), match("b"), match("c", status="approved")])
    await documents.upsert(PATIENTS, [PatientDoc(id="p", version=1, tenants=(), digest="", removed=True)])
    assert await documents.count(MATCHES, {}) == {"": 3}
    assert await documents.count(MATCHES, {"status": "closed"}) == {"": 0}
    assert await documents.count(MATCHES, {}, by="status") == {"held": 2, "approved": 1}
    assert await documents.count(PATIENTS, {}, by="removed") == {"true": 1}


async def test_objects_are_written_once_pinned_and_capped(objects: ObjectStore) -> None:
    body = bytes(range(256)) * 1000
    info = await objects.put("north/a b.gz", body, META)
    assert info.size == len(body)
    with pytest.raises(Refused, match=r"object\.exists"):
        await objects.put("north/a b.gz", b"", {})
    found = await objects.head(info.uri, info.version)
    assert found is not None
    assert (found.uri, found.version, found.size, dict(found.metadata)) == (info.uri, info.version, len(body), META)
    assert b"".join([c async for c in objects.read(info.uri, info.version, max_bytes=len(body))]) == body
    assert await objects.head(info.uri, "another") is None
    assert await objects.head(info.uri + "x", "") is None
    for version, cap, code in (("another", 10**6, "object.missing"), (info.version, 9, "object.too-large")):
        with pytest.raises(Refused) as refused:
            _ = [c async for c in objects.read(info.uri, version, max_bytes=cap)]
        assert refused.value.code == code


async def test_objects_are_listed_by_prefix_in_order(objects: ObjectStore) -> None:
    for key in ("b/2", "a/1", "b/1"):
        await objects.put(key, key.encode(), META)
    assert [i.uri.rsplit("/", 1)[1] async for i in objects.list("b/")] == ["1", "2"]


async def test_objects_outside_are_refused(objects: ObjectStore) -> None:
    with pytest.raises(Refused, match=r"object\.outside"):
        await objects.head("https://example.org/x", "1")


async def test_a_stranger_can_place_bytes_that_the_store_would_refuse() -> None:
    objects = MemoryObjects()
    info = await objects.put("k", b"good", META)
    objects.place("k", b"evil", META, version=info.version)
    assert [c async for c in objects.read(info.uri, info.version, max_bytes=9)] == [b"evil"]
    newer = objects.place("k", b"newer", META)
    assert [i.version async for i in objects.list("")] == [newer.version]


async def test_keys_open_only_in_their_context(keys: KeyService) -> None:
    key = await keys.data_key("north", {"tenant": "north"})
    assert await keys.unwrap(key.key_id, key.wrapped, {"tenant": "north"}) == key.plaintext
    for key_id, context, code in (
        (key.key_id, {"tenant": "hill"}, "key.refused"),
        ("hill/1", {"tenant": "north"}, "key.unknown"),
    ):
        with pytest.raises(Refused) as refused:
            await keys.unwrap(key_id, key.wrapped, context)
        assert refused.value.code == code
    with pytest.raises(Refused, match=r"key\.unknown"):
        await keys.data_key("hill", {})


async def test_what_an_older_key_wrapped_still_opens() -> None:
    keys = MemoryKeys("north")
    old = await keys.data_key("north", {})
    keys.rotate("north")
    assert (await keys.data_key("north", {})).key_id == "north/2"
    assert await keys.unwrap(old.key_id, old.wrapped, {}) == old.plaintext


async def test_the_emitter_keeps_what_was_sent_under_ids_made_from_the_cause() -> None:
    emitter = MemoryEmitter()
    for _ in range(2):
        await emitter.publish(CALENDAR_DAYS, "day", DayBegan(date="2026-06-01"), NetworkId(""), "cause")
    first, again = emitter.of(CALENDAR_DAYS)
    assert first.id == again.id == event_id("calendar_days", "cause", "day")
    assert first.payload == DayBegan(date="2026-06-01")


async def test_everything_can_be_switched_off() -> None:
    documents, objects, keys, emitter = MemoryDocuments(), MemoryObjects(), MemoryKeys("north"), MemoryEmitter()
    for one in (documents, objects, keys, emitter):
        one.outage.away = True
    day = DayBegan(date="2026-06-01")
    for call in (
        documents.ping(),
        documents.upsert(MATCHES, [match("a")]),
        objects.head("mem://bucket/a", ""),
        objects.put("a", b"", {}),
        keys.data_key("north", {}),
        emitter.publish(CALENDAR_DAYS, "day", day, NetworkId(""), "c"),
    ):
        with pytest.raises(Unavailable):
            await call
    documents.outage.away = False
    assert await documents.all(MATCHES) == {}
    assert emitter.sent == []


def test_an_outage_may_begin_later_and_end_by_itself() -> None:
    outage = Outage("log", calls=1, skip=1)
    outage.check()
    with pytest.raises(Unavailable):
        outage.check()
    outage.check()
