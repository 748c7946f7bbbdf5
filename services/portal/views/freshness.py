"""How fresh the data is: the last delivery of each source."""

from dataclasses import dataclass

from trialbridge.contracts.documents import TICKETS
from trialbridge.runtime.ports import DocumentStore, Query, Scalar

SOURCES = 200
"""No page lists more sources than this."""


@dataclass(frozen=True, slots=True)
class Source:
    """One feed's newest delivery."""

    source: str
    tenant: str
    issued: str
    status: str


async def read_freshness(documents: DocumentStore, tenant: str | None = None) -> list[Source]:
    """Return the newest ticket of each source, of one tenant or of all, by name."""
    base: dict[str, Scalar | tuple[Scalar, ...]] = {"tenant": tenant} if tenant else {}
    names = sorted(name for name in await documents.count(TICKETS, base, by="source") if name)
    found = []
    for name in names[:SOURCES]:
        newest = await newest_ticket(documents, base | {"source": name})
        found.extend(newest)
    return found


async def newest_ticket(documents: DocumentStore, where: dict[str, Scalar | tuple[Scalar, ...]]) -> list[Source]:
    """Return the source whose newest ticket fits, as a list of one, or nothing."""
    tickets, _ = await documents.find(TICKETS, Query(where, sort="-issued", limit=1))
    return [Source(one.source, one.tenant, one.issued, one.status) for one in tickets]
