"""What the review of local codes rests on: the feeds' tables, the codes seen in records, and what open trials read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import msgspec

from trialbridge.contracts.documents import CODE_TABLES, LOCAL_CODES, TRIALS, CodeTableDoc, LocalCodeDoc
from trialbridge.contracts.errors import Undecodable
from trialbridge.contracts.ids import NetworkId, SourceId, feed_id
from trialbridge.criteria.compiler import load
from trialbridge.emr.localcodes.book import Book, Entry
from trialbridge.emr.localcodes.suggesting import Learned
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import DocumentStore, Query, Scalar

MOST_RANKED: Final = 5_000
"""Codes that are ranked, those with the most patients."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The tables of the feeds at hand, and what open trials read."""

    books: Mapping[str, Book]
    docs: tuple[CodeTableDoc, ...]
    used: frozenset[str]

    def entry(self, doc: LocalCodeDoc) -> Entry | None:
        """Return what is decided of a code in its feed's table, None where nothing ever was."""
        book = self.books.get(feed_id(NetworkId(doc.network), SourceId(doc.source)))
        return book.entries.get(doc.id) if book else None

    def brought(self, identity: str) -> LocalCodeDoc | None:
        """Return a code of a table that nobody's records hold, as if it had been counted; None where there is none."""
        for table in self.docs:
            entry = self.books[table.id].entries.get(identity)
            if entry is not None:
                return LocalCodeDoc(
                    id=identity,
                    version=0,
                    network=table.network,
                    tenant=table.tenant,
                    source=table.source,
                    kind=entry.code.kind,
                    patients=0,
                    count=0,
                    said=msgspec.Raw(msgspec.json.encode(entry.code)),
                )
        return None


async def read_shelf(documents: DocumentStore, tenant: str) -> Shelf:
    """Return the tables of a practice's feeds (of all feeds without one), and what open trials read."""
    where: dict[str, Scalar | tuple[Scalar, ...]] = {"tenant": tenant} if tenant else {}
    docs = await collect(documents, CODE_TABLES, Query(where, limit=500))
    trials = await collect(documents, TRIALS, Query({}, limit=500))
    used = frozenset(
        kind for one in trials if one.status == "open" for kind in _reads(one.digest, bytes(one.definition))
    )
    return Shelf({doc.id: _book(doc) for doc in docs}, tuple(docs), used)


def _book(doc: CodeTableDoc) -> Book:
    return Book(doc.version, msgspec.json.decode(doc.entries, type=dict[str, Entry]))


@lru_cache(maxsize=1024)
def _reads(digest: str, definition: bytes) -> frozenset[str]:
    """Return the kinds of facts that a trial's criteria read; none where it cannot be read."""
    del digest
    try:
        return load(definition).kinds
    except Undecodable:
        return frozenset()


async def read_seen(documents: DocumentStore, tenant: str) -> Sequence[LocalCodeDoc]:
    """Return the codes that a practice's records (all records without one) hold, those with the most patients first."""
    where: dict[str, Scalar | tuple[Scalar, ...]] = {"tenant": tenant} if tenant else {}
    found: list[LocalCodeDoc] = []
    after: str | None = None
    while len(found) < MOST_RANKED:
        page, after = await documents.find(LOCAL_CODES, Query(where, "-patients", 500, after))
        found += page
        if after is None:
            break
    return [doc for doc in found if doc.patients > 0]


async def read_learned(documents: DocumentStore, doc: LocalCodeDoc) -> list[Learned]:
    """Return what other feeds of the same network accepted for codes of the kind."""
    tables = await collect(documents, CODE_TABLES, Query({}, limit=500))
    return [
        Learned(entry.code, entry.standing.target, table.id)
        for table in tables
        if table.network == doc.network and table.source != doc.source
        for entry in _book(table).entries.values()
        if entry.standing and entry.standing.target and entry.code.kind == doc.kind
    ]
