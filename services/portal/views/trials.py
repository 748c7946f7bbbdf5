"""A laboratory's trials: what was registered, how it stands, and counts under the small-cell rule. Never a person."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from trialbridge.access.deidentify import RANKED, TrialCounts, trial_counts
from trialbridge.contracts.documents import MATCHES, REGULATORY, TRIALS, RegulatoryDoc, TrialDoc
from trialbridge.contracts.events import Site
from trialbridge.runtime.ports import DocumentStore, Query


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial of the laboratory."""

    id: str
    title: str
    phase: str
    status: str
    version: int
    counts: TrialCounts
    hold: str
    approved: bool


@dataclass(frozen=True, slots=True)
class SiteLine:
    """One site, as the trial and as the authority say."""

    site: Site
    activation: str


@dataclass(frozen=True, slots=True)
class TrialPage:
    """One trial in full."""

    row: TrialRow
    drugs: tuple[str, ...]
    sites: tuple[SiteLine, ...]
    review: bool
    definition: str
    """JSON as registered, indented."""
    digest: str
    authority: str
    effective: str


async def counts_of(documents: DocumentStore, trial: str) -> TrialCounts:
    """Return how many people stand where, protected together. Only opaque keys are read, no person."""
    people: dict[str, set[str]] = {}
    for status in RANKED:
        found = await documents.count(MATCHES, {"trial": trial, "status": status}, by="patient")
        people[status] = {patient for patient in found if patient}
    return trial_counts(people)


async def read_trials(
    documents: DocumentStore, lab: str, after: str | None, size: int
) -> tuple[list[TrialRow], str | None]:
    """Return one page of the laboratory's trials, by id."""
    docs, following = await documents.find(TRIALS, Query({"lab": lab}, "id", size, after))
    statuses = await documents.get_many(REGULATORY, [doc.id for doc in docs])
    return [await _row(documents, doc, statuses) for doc in docs], following


async def own_trial(documents: DocumentStore, lab: str, identity: str) -> TrialDoc | None:
    """Return the trial if it is this laboratory's, otherwise None, as if it did not exist."""
    doc = await documents.get(TRIALS, identity)
    return doc if doc is not None and doc.lab == lab else None


async def read_trial(documents: DocumentStore, lab: str, identity: str) -> TrialPage | None:
    """Return the trial's page, None where this laboratory has no such trial."""
    doc = await own_trial(documents, lab, identity)
    if doc is None:
        return None
    statuses = await documents.get_many(REGULATORY, [identity])
    regulatory = statuses.get(identity)
    activations = regulatory.sites if regulatory else {}
    sites = msgspec.json.decode(doc.sites, type=tuple[Site, ...])
    return TrialPage(
        row=await _row(documents, doc, statuses),
        drugs=doc.drugs,
        sites=tuple(SiteLine(site, activations.get(site.id, "")) for site in sites),
        review=doc.review,
        definition=msgspec.json.format(bytes(doc.definition), indent=2).decode(),
        digest=doc.digest,
        authority=regulatory.authority if regulatory else "",
        effective=doc.effective,
    )


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


def labels(counts: TrialCounts) -> dict[str, dict[str, str | int | None]]:
    """Return the cells and the funnel as plain values, for the API."""
    cells = {**counts.by_status.cells, "total": counts.by_status.total}
    by_status = {name: {"value": cell.value, "label": cell.label} for name, cell in cells.items()}
    funnel = {step.name: {"value": step.people.value, "label": step.people.label} for step in counts.funnel}
    return {**by_status, **funnel}
