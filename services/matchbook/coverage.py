"""Sums up per feed and day what conversions mapped, kept and dropped, once for each delivery however often it is told."""

from collections import Counter
from typing import Any, Final

from services.matchbook.tables import DAYS, SAID, SUMS, DaySum, Said
from trialbridge.contracts.documents import COVERAGE, CoverageDoc
from trialbridge.contracts.events import FeedConverted
from trialbridge.contracts.ids import derive, feed_id
from trialbridge.emr.coverage import counted, summed
from trialbridge.runtime.effects import Effects, Received

OPEN_DAYS: Final = 62
"""Days of a feed, the newest, to which deliveries are still counted. What each of them said is remembered so long."""


async def keep_coverage(record: Received[FeedConverted], effects: Effects) -> None:
    """Count a delivery, in place of what an earlier conversion of it said; a repeat saves the same sum again."""
    said = record.payload
    feed = feed_id(said.network, said.source)
    if not _open(feed, said.day, effects):
        effects.warn("coverage.day-closed")
        return
    day, delivery = f"{feed}/{said.day}", f"{feed}/{said.day}/{said.delivery}"
    saids, sums = effects.table(SAID), effects.table(SUMS)
    known, total = saids.get(delivery), sums.get(day) or DaySum()
    if known is None or known.issue < said.issue:
        rows: Counter[tuple[Any, ...]] = counted(total.rows)
        rows.subtract(counted(known.rows if known else ()))
        rows.update(counted(said.rows))
        total = DaySum(total.version + 1, total.deliveries + (known is None), summed(rows))
        saids.put(delivery, Said(said.issue, said.rows))
        sums.put(day, total)
    effects.save(
        COVERAGE,
        CoverageDoc(
            id=derive("cov", (feed, said.day)),
            version=total.version,
            tenant=said.tenant,
            source=said.source,
            day=said.day,
            deliveries=total.deliveries,
            rows=total.rows,
        ),
    )


def _open(feed: str, day: str, effects: Effects) -> bool:
    """Return whether a day still counts; a new day closes the oldest ones, whose deliveries are forgotten."""
    table = effects.table(DAYS)
    before = table.get(feed) or ()
    if day in before:
        return True
    after = tuple(sorted({*before, day}))
    for old in after[:-OPEN_DAYS]:
        if old != day:
            _close(f"{feed}/{old}", effects)
    table.put(feed, after[-OPEN_DAYS:])
    return day in after[-OPEN_DAYS:]


def _close(day: str, effects: Effects) -> None:
    said = effects.table(SAID)
    for delivery in [key for key, _ in said.items() if key.startswith(f"{day}/")]:
        said.delete(delivery)
    effects.table(SUMS).delete(day)
