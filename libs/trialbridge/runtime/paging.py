"""Reading a whole search, page by page."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TypeVar

from trialbridge.contracts.documents import Collection, Document
from trialbridge.runtime.ports import DocumentStore, Query

D = TypeVar("D", bound=Document)


async def every(documents: DocumentStore, collection: Collection[D], query: Query) -> AsyncIterator[D]:
    """Yield all documents that ``query`` finds, a page (``query.limit``) at a time."""
    while True:
        items, cursor = await documents.find(collection, query)
        for item in items:
            yield item
        if cursor is None:
            return
        query = replace(query, after=cursor)


async def collect(documents: DocumentStore, collection: Collection[D], query: Query) -> list[D]:
    """Return all documents that ``query`` finds."""
    return [item async for item in every(documents, collection, query)]
