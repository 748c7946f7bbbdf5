"""What became of each feed's source leaves, by day, format and section: mapped, kept raw, dropped with a reason. Counts alone."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from trialbridge.contracts.documents import COVERAGE, LOCAL_CODES, CoverageDoc
from trialbridge.runtime.ports import DocumentStore, Query, Scalar

DAYS: Final = 14
MOST_DOCS: Final = 2_000
TONES: Final = (("mapped", "Mapped", "good"), ("kept", "Kept raw", "calm"), ("dropped", "Dropped", "wait"),
                ("unaccounted", "Not accounted for", "bad"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Share:
    """Leaves of one place by what became of them."""

    name: str
    total: int
    counts: dict[str, int]

    @property
    def parts(self) -> list[tuple[str, int, str]]:
        """Return label, count and tone of each part of the bar."""
        return [(label, self.counts.get(fate, 0), tone) for fate, label, tone in TONES]

    @property
    def mapped(self) -> str:
        """Return the share that is mapped, in percent."""
        return f"{100 * self.counts.get('mapped', 0) / self.total:.1f} %" if self.total else "–"  # noqa: RUF001 -- a sign


@dataclass(frozen=True, slots=True)
class FeedCoverage:
    """One feed over the days shown."""

    source: str
    tenant: str
    deliveries: int
    whole: Share
    days: tuple[Share, ...]
    """The newest first."""
    sections: tuple[tuple[str, Share], ...]
    """Format and section, those with the most that is not mapped first."""
    reasons: tuple[tuple[str, int], ...]
    """Why leaves were dropped, most frequent first."""
    codes: int
    """Local codes seen in the feed."""


async def read_coverage(documents: DocumentStore, source: str) -> list[FeedCoverage]:
    """Return the feeds, or the one named, over their newest days; those with the largest part that is not mapped first."""
    where: dict[str, Scalar | tuple[Scalar, ...]] = {"source": source} if source else {}
    docs, after = await documents.find(COVERAGE, Query(where, "-day", 500))
    while after is not None and len(docs) < MOST_DOCS:
        more, after = await documents.find(COVERAGE, Query(where, "-day", 500, after))
        docs += more
    feeds: dict[tuple[str, str], list[CoverageDoc]] = {}
    for doc in docs:
        feeds.setdefault((doc.tenant, doc.source), []).append(doc)
    counts = await documents.count(LOCAL_CODES, {}, by="source")
    found = [_feed(own[:DAYS], counts.get(own[0].source, 0)) for own in feeds.values()]
    return sorted(found, key=lambda one: (_rest(one.whole) * -1, one.source))


def _rest(share: Share) -> float:
    return 1 - share.counts.get("mapped", 0) / share.total if share.total else 0.0


def _feed(docs: list[CoverageDoc], codes: int) -> FeedCoverage:
    places: dict[tuple[str, str], list[tuple[str, int]]] = {}
    reasons: Counter[str] = Counter()
    for row in (row for doc in docs for row in doc.rows):
        places.setdefault((row.format, row.section), []).append((row.fate, row.count))
        if row.fate == "dropped":
            reasons[row.reason or "no reason given"] += row.count
    sections = [(form, _share(section, own)) for (form, section), own in places.items()]
    sections.sort(key=lambda one: (one[1].counts.get("mapped", 0) - one[1].total, one[0], one[1].name))
    return FeedCoverage(
        source=docs[0].source,
        tenant=docs[0].tenant,
        deliveries=sum(doc.deliveries for doc in docs),
        whole=_share("all", ((row.fate, row.count) for doc in docs for row in doc.rows)),
        days=tuple(_share(doc.day, ((row.fate, row.count) for row in doc.rows)) for doc in docs),
        sections=tuple(sections),
        reasons=tuple(reasons.most_common()),
        codes=codes,
    )


def _share(name: str, rows: Iterable[tuple[str, int]]) -> Share:
    counts: Counter[str] = Counter()
    for fate, count in rows:
        counts[fate] += count
    return Share(name, counts.total(), dict(counts))
