"""One person's view: a pure fold of what each source contributes. The same set, in any order, gives the same bytes.

All facts that carry a time of their own are kept from every source; the engine asks for the most recent itself. Attributes that
a person has only once (birth date, sex, vital status) survive by the rule of `people.survivorship`, one fact each.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import msgspec

from trialbridge.contracts.events import Display, SourceFreshness
from trialbridge.contracts.ids import Digest, RecordId, SourceId, SourcePatientKey, TenantId, digest
from trialbridge.criteria.facts import AnyFact, Demographics
from trialbridge.people.survivorship import ATTRIBUTES, Statement, Survivor, instant, only, survive

NOTHING = digest(b"[]")
"""The digest of a view without facts."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one source patient knows of a person now."""

    tenant: TenantId
    source: SourceId
    facts: tuple[AnyFact, ...] = ()
    display: Display = field(default_factory=Display)
    records: tuple[RecordId, ...] = ()
    as_of: str = ""
    """Newest ``received`` among the records."""


@dataclass(frozen=True, slots=True)
class View:
    """A person as all sources together describe them."""

    facts: tuple[AnyFact, ...] = ()
    """In canonical order, no two the same."""
    raw: bytes = b"[]"
    """The JSON of ``facts``: what travels, and what `digest` is of."""
    each: tuple[bytes, ...] = ()
    """The JSON of each fact."""
    digest: Digest = NOTHING
    display: Display = field(default_factory=Display)
    tenants: tuple[TenantId, ...] = ()
    sources: tuple[SourceFreshness, ...] = ()
    records: tuple[RecordId, ...] = ()
    survivors: tuple[Survivor, ...] = ()
    """Winner and losers of each single-valued attribute: the provenance of the view."""


def fold(contributions: Mapping[SourcePatientKey, Contribution], ranks: Mapping[SourceId, int] | None = None) -> View:
    """Return the view of ``contributions``; ``ranks`` orders sources for survivorship, 1 the best."""
    ordered = [contributions[key] for key in sorted(contributions)]
    survivors = _survivors(ordered, ranks or {})
    kept = [fact for given in ordered for fact in given.facts if type(fact) is not Demographics]
    encoded = canonical([*kept, *(survivor.winner.fact for survivor in survivors)])
    raw = b"[" + b",".join(encoded) + b"]"
    return View(
        facts=tuple(encoded.values()),
        raw=raw,
        each=tuple(encoded),
        digest=digest(raw),
        display=_display(ordered, survivors),
        tenants=tuple(sorted({given.tenant for given in ordered})),
        sources=_freshness(ordered),
        records=tuple(sorted({record for given in ordered for record in given.records})),
        survivors=survivors,
    )


def canonical(facts: Iterable[AnyFact]) -> dict[bytes, AnyFact]:
    """Return the facts by their JSON, without repeats, ordered by kind, time and bytes."""
    unique = {msgspec.json.encode(fact): fact for fact in facts}
    order = sorted((kind(fact), fact.effective or "", raw) for raw, fact in unique.items())
    return {raw: unique[raw] for _, _, raw in order}


def kind(fact: AnyFact) -> str:
    """Return the fact's kind: its tag on the wire."""
    return _tag(type(fact))


@cache
def _tag(of: type[AnyFact]) -> str:
    return str(of.__struct_config__.tag)


def digests_by_kind(facts: Sequence[AnyFact], each: Sequence[bytes] = ()) -> dict[str, Digest]:
    """Return one digest per kind of canonical ``facts``: two views differ in just the kinds whose digests differ.

    ``each`` is the JSON of each fact, where it is there already.
    """
    chunks: dict[str, list[bytes]] = {}
    for fact, raw in zip(facts, each or map(msgspec.json.encode, facts), strict=True):
        chunks.setdefault(kind(fact), []).append(raw)
    return {name: digest(b",".join(raw)) for name, raw in sorted(chunks.items())}


def _survivors(ordered: Sequence[Contribution], ranks: Mapping[SourceId, int]) -> tuple[Survivor, ...]:
    found = []
    for attribute in ATTRIBUTES:
        statements = [
            Statement(reduced, given.source, given.tenant, said_at(fact, given))
            for given in ordered
            for fact in given.facts
            if isinstance(fact, Demographics) and (reduced := only(fact, attribute)) is not None
        ]
        survivor = survive(attribute, statements, ranks)
        if survivor is not None:
            found.append(survivor)
    return tuple(found)


def said_at(fact: Demographics, given: Contribution) -> str:
    """Return when a demographic statement was made: its own time, else its resource's version, else its source's last delivery."""
    # A version may be a counter: only what is written as a date counts as one.
    version = fact.evidence.version if "-" in fact.evidence.version else ""
    for time in (fact.effective, fact.evidence.date, version, given.as_of):
        if time and instant(time):
            return time
    return ""


def _freshness(ordered: Sequence[Contribution]) -> tuple[SourceFreshness, ...]:
    newest: dict[tuple[SourceId, TenantId], str] = {}
    for given in ordered:
        at = (given.source, given.tenant)
        newest[at] = max(newest.get(at, ""), given.as_of, key=lambda time: (instant(time), time))
    return tuple(SourceFreshness(source, tenant, received) for (source, tenant), received in sorted(newest.items()))


def _newest_first(given: Sequence[Contribution]) -> list[Contribution]:
    settled = sorted(given, key=lambda one: (one.source, msgspec.json.encode(one.display, order="sorted")))
    return sorted(settled, key=lambda one: instant(one.as_of), reverse=True)


def _display(ordered: Sequence[Contribution], survivors: Sequence[Survivor]) -> Display:
    newest_first = ordered if len(ordered) == 1 else _newest_first(ordered)
    local_ids: dict[str, str] = {}
    for given in newest_first:
        for tenant, local in given.display.local_ids.items():
            local_ids.setdefault(tenant, local)
    winners = {survivor.attribute: survivor.winner.fact for survivor in survivors}
    birth, sex = winners.get("birth_date"), winners.get("sex")
    return Display(
        name=next((given.display.name for given in newest_first if given.display.name), ""),
        birth_date=(birth.birth_date if birth else None) or "",
        sex=(sex.sex if sex else None) or "",
        local_ids=dict(sorted(local_ids.items())),
    )
