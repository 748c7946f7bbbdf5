"""What authorities say of each trial, for the operator who records it. Trials alone, never a person or a count."""

from dataclasses import dataclass

import msgspec

from trialbridge.contracts.documents import REGULATORY, TRIALS, RegulatoryDoc, TrialDoc
from trialbridge.contracts.events import Site
from trialbridge.runtime.ports import DocumentStore, Query


@dataclass(frozen=True, slots=True)
class Standing:
    """One trial and the statement in force; without one its matches are held."""

    trial: TrialDoc
    statement: RegulatoryDoc | None

    @property
    def word(self) -> str:
        """Return how it stands in one word of the table ``authority``."""
        if self.statement is None:
            return "none"
        if self.statement.hold:
            return "hold"
        return "approved" if self.statement.approved else "not_approved"

    @property
    def sites(self) -> tuple[tuple[Site, str], ...]:
        """Return the trial's sites, each with what the authority says of it."""
        said = self.statement.sites if self.statement else {}
        sites = msgspec.json.decode(self.trial.sites, type=tuple[Site, ...])
        return tuple((site, said.get(site.id, "")) for site in sites)


async def read_standings(documents: DocumentStore, after: str | None, size: int) -> tuple[list[Standing], str | None]:
    """Return one page of all laboratories' trials, by id."""
    trials, following = await documents.find(TRIALS, Query({}, "id", size, after))
    said = await documents.get_many(REGULATORY, [one.id for one in trials])
    return [Standing(one, said.get(one.id)) for one in trials], following


async def read_standing(documents: DocumentStore, identity: str) -> Standing | None:
    """Return one trial, or None."""
    trial = await documents.get(TRIALS, identity)
    return Standing(trial, await documents.get(REGULATORY, identity)) if trial else None
