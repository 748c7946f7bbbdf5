"""The documents of local codes and of coverage, over both adapters: what is sealed, what can be searched, what guards a table."""

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from services.patientview.reviewing import book_of, last_of
from trialbridge.contracts.documents import (
    CODE_CHANGES,
    CODE_TABLES,
    COVERAGE,
    LOCAL_CODES,
    CodeChangeDoc,
    CodeTableDoc,
    Collection,
    CoverageDoc,
    Document,
    LocalCodeDoc,
)
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.events import CoverageRow
from trialbridge.contracts.ids import NetworkId
from trialbridge.emr.localcodes.book import Book, Decision
from trialbridge.emr.localcodes.codes import LocalCode, Target
from trialbridge.runtime.documents.mongo import MongoDocuments
from trialbridge.runtime.documents.sqlite import SqliteDocuments
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query
from trialbridge.testkit.seals import ClearSeal

WORDS = "Quillonbraxe typed this"
CODE = LocalCode("observation", "urn:x", "HGB", WORDS, "g/dl")


class Opaque(ClearSeal):
    """A seal that keeps nothing readable, so that what is readable was not sealed."""

    async def seal(self, network: NetworkId, context: str, plaintext: bytes) -> bytes:
        return _turned(await super().seal(network, context, plaintext))

    def open_now(self, value: bytes, context: str) -> bytes:
        return super().open_now(_turned(value), context)


def _turned(text: bytes) -> bytes:
    return bytes(one ^ 0x5A for one in text)


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
    yield store
    await store.close()


def seen(name: str, patients: int, tenant: str = "north") -> LocalCodeDoc:
    return LocalCodeDoc(
        id=name, version=1, network="lakeland", tenant=tenant, source=f"{tenant}/lis", kind="observation", patients=patients,
        count=3 * patients, said=msgspec.Raw(msgspec.json.encode(CODE)),
    )  # fmt: skip


def change(number: int, code: str = "lcd_1") -> CodeChangeDoc:
    return CodeChangeDoc(
        id=f"cdc_{code}_{number}", version=1, network="lakeland", tenant="north", source="north/lis", code=code,
        kind="observation", action="accept", number=number, actor="ann@north", at=f"2026-06-0{number}T00:00:00Z", command="cmd_1",
        said=msgspec.Raw(msgspec.json.encode(CODE)), note=WORDS,
    )  # fmt: skip


def table(version: int) -> CodeTableDoc:
    book, _ = Book(version - 1).decide([Decision("lcd_1", CODE, "accept", Target("loinc", "718-7"))], "ann", "now")
    return CodeTableDoc(
        id="fed_1", version=version, network="lakeland", tenant="north", source="north/lis", digest=book.digest, accepted=1,
        entries=msgspec.Raw(msgspec.json.encode(book.entries)), last=msgspec.Raw(msgspec.json.encode([change(version)])),
    )  # fmt: skip


def coverage(source: str, day: str) -> CoverageDoc:
    rows = (CoverageRow("hl7v2", "PID", "dropped", "v2.no-table", 7),)
    return CoverageDoc(
        id=f"{source}/{day}", version=1, tenant="north", source=source, day=day, deliveries=1, rows=rows
    )  # fmt: skip


async def test_codes_are_found_by_practice_and_feed_those_with_most_patients_first(documents: DocumentStore) -> None:
    docs = [seen("lcd_a", 3), seen("lcd_b", 40), seen("lcd_c", 12), seen("lcd_d", 90, "hill")]
    assert await documents.upsert(LOCAL_CODES, docs) == 4
    found, _ = await documents.find(LOCAL_CODES, Query({"tenant": "north"}, "-patients", 2))
    assert [one.id for one in found] == ["lcd_b", "lcd_c"]
    assert msgspec.json.decode(found[0].said, type=LocalCode) == CODE
    assert await documents.count(LOCAL_CODES, {}, by="source") == {"north/lis": 3, "hill/lis": 1}


async def test_a_table_comes_back_and_is_written_by_compare_and_set_alone(documents: DocumentStore) -> None:
    assert await documents.replace(CODE_TABLES, table(1), 0)
    assert not await documents.replace(CODE_TABLES, table(1), 0)
    assert await documents.replace(CODE_TABLES, table(2), 1)
    assert not await documents.replace(CODE_TABLES, table(2), 1)
    kept = await documents.get(CODE_TABLES, "fed_1")
    assert kept is not None
    assert book_of(kept).accepted() == {"lcd_1": Target("loinc", "718-7")}
    assert [one.number for one in last_of(kept)] == [2]


async def test_history_is_never_overwritten_and_found_by_code_command_and_time(documents: DocumentStore) -> None:
    await documents.upsert(CODE_CHANGES, [change(1), change(2), change(3, "lcd_2")])
    altered = msgspec.structs.replace(change(1), actor="somebody else")
    assert await documents.upsert(CODE_CHANGES, [altered]) == 0
    found = await collect(documents, CODE_CHANGES, Query({"code": "lcd_1"}, "-number", 10))
    assert [(one.number, one.actor) for one in found] == [(2, "ann@north"), (1, "ann@north")]
    assert len(await collect(documents, CODE_CHANGES, Query({"command": "cmd_1"}, limit=10))) == 3
    assert [one.number for one in await collect(documents, CODE_CHANGES, Query({}, "-at", 10))] == [3, 2, 1]


async def test_coverage_is_found_by_feed_the_newest_day_first(documents: DocumentStore) -> None:
    docs = [
        coverage("north/lis", "2026-06-01"),
        coverage("north/lis", "2026-06-02"),
        coverage("hill/lis", "2026-06-03"),
    ]
    await documents.upsert(COVERAGE, docs)
    found, _ = await documents.find(COVERAGE, Query({"source": "north/lis"}, "-day", 5))
    assert [one.day for one in found] == ["2026-06-02", "2026-06-01"]
    assert found[0].rows == docs[0].rows


@pytest.mark.parametrize(
    ("collection", "field"),
    [
        (LOCAL_CODES, "said"), (CODE_TABLES, "entries"), (CODE_TABLES, "last"), (CODE_CHANGES, "said"),
        (CODE_CHANGES, "before"), (CODE_CHANGES, "after"), (CODE_CHANGES, "note"),
    ],
)  # fmt: skip
async def test_what_may_be_free_text_cannot_be_searched(
    documents: DocumentStore, collection: Collection[Document], field: str
) -> None:
    with pytest.raises((Refused, ValueError)):
        await documents.find(collection, Query({field: "x"}))


async def test_words_of_a_feed_do_not_stand_in_clear(tmp_path: Path) -> None:
    store = SqliteDocuments(tmp_path / "documents.db", Opaque())
    await store.prepare()
    await store.upsert(LOCAL_CODES, [seen("lcd_a", 3)])
    await store.upsert(CODE_CHANGES, [change(1)])
    await store.replace(CODE_TABLES, table(1), 0)
    kept = await store.get(LOCAL_CODES, "lcd_a")
    assert kept is not None
    assert msgspec.json.decode(kept.said, type=LocalCode) == CODE
    await store.close()
    raw = bytes_of(tmp_path)
    assert b"lcd_a" in raw
    assert WORDS.encode() not in raw


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("documents.db*"))
