"""A laboratory's trials: what was registered, how it stands, and counts under the small-cell rule. Never a person."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from trialbridge.access.cells import Cell, SafeTable, protect
from trialbridge.contracts.documents import COMMANDS, MATCHES, REGULATORY, TRIALS, CommandDoc, RegulatoryDoc, TrialDoc
from trialbridge.contracts.events import Site
from trialbridge.runtime.ports import DocumentStore, Query

SHOWN = ("approved", "awaiting_review", "held", "potentially", "withdrawn")
COMMANDS_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial of the laboratory."""

    id: str
    title: str
    phase: str
    status: str
    version: int
    counts: SafeTable
    hold: str
    approved: bool


@dataclass(frozen=True, slots=True)
class TrialPage:
    """One trial in full."""

    row: TrialRow
    drugs: tuple[str, ...]
    sites: tuple[Site, ...]
    review: bool
    definition: str
    """JSON as registered, indented."""
    digest: str
    authority: str


async def counts_of(documents: DocumentStore, trial: str) -> SafeTable:
    """Return the numbers of matches by status, protected together."""
    found = await documents.count(MATCHES, {"trial": trial}, by="status")
    return protect({status: found.get(status, 0) for status in SHOWN})


async def read_trials(
    documents: DocumentStore, lab: str, after: str | None, size: int
) -> tuple[list[TrialRow], str | None]:
    """Return one page of the laboratory's trials, by id."""
    docs, following = await documents.find(TRIALS, Query({"lab": lab}, "id", size, after))
    statuses = await documents.get_many(REGULATORY, [doc.id for doc in docs])
    return [await _row(documents, doc, statuses) for doc in docs], following


async def own_trial(documents: DocumentStore, lab: str, id: str) -> TrialDoc | None:
    """Return the trial if it is this laboratory's, otherwise None, as if it did not exist."""
    doc = await documents.get(TRIALS, id)
    return doc if doc is not None and doc.lab == lab else None


async def read_trial(documents: DocumentStore, lab: str, id: str) -> TrialPage | None:
    """Return the trial's page, None where this laboratory has no such trial."""
    doc = await own_trial(documents, lab, id)
    if doc is None:
        return None
    statuses = await documents.get_many(REGULATORY, [id])
    regulatory = statuses.get(id)
    return TrialPage(
        row=await _row(documents, doc, statuses),
        drugs=doc.drugs,
        sites=msgspec.json.decode(doc.sites, type=tuple[Site, ...]),
        review=doc.review,
        definition=msgspec.json.format(bytes(doc.definition), indent=2).decode(),
        digest=doc.digest,
        authority=regulatory.authority if regulatory else "",
    )


async def recent_commands(documents: DocumentStore, tenant: str) -> list[CommandDoc]:
    """Return what the laboratory asked for last, newest first."""
    found, _ = await documents.find(COMMANDS, Query({"tenant": tenant}, "-requested", COMMANDS_AT_MOST))
    return found


async def _row(documents: DocumentStore, doc: TrialDoc, statuses: Mapping[str, RegulatoryDoc]) -> TrialRow:
    regulatory = statuses.get(doc.id)
    return TrialRow(
        doc.id,
        doc.title,
        doc.phase,
        doc.status,
        doc.version,
        await counts_of(documents, doc.id),
        (regulatory.hold_reason or "On hold.") if regulatory and regulatory.hold else "",
        bool(regulatory and regulatory.approved),
    )


def cells(table: SafeTable) -> dict[str, Cell]:
    """Return the cells with their total, for pages."""
    return {**table.cells, "total": table.total}
