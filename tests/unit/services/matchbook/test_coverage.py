"""Coverage per feed and day: the sum counts each delivery once, by its newest conversion, in whatever order they are told."""

from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matchbook.coverage import OPEN_DAYS
from services.matchbook.tables import SAID
from tests.unit.services.matchbook.said import NORTH, Book
from trialbridge.contracts.documents import COVERAGE
from trialbridge.contracts.events import CoverageRow, FeedConverted
from trialbridge.contracts.ids import SourceId, TenantId, feed_id
from trialbridge.contracts.topics import FEED_COVERAGE


def told(
    delivery: str, *counts: int, issue: int = 1, day: str = "2026-06-01", source: str = "north/ehr"
) -> FeedConverted:
    rows = tuple(CoverageRow("hl7v2", f"S{n:02}", "mapped", "", count) for n, count in enumerate(counts))
    return FeedConverted(
        network=NORTH, tenant=TenantId("north"), source=SourceId(source), delivery=delivery, issue=issue, day=day, rows=rows
    )  # fmt: skip


async def hear(book: Book, *events: FeedConverted) -> dict[tuple[str, str], tuple[int, tuple[int, ...]]]:
    for one in events:
        await book.stage.deliver(FEED_COVERAGE, feed_id(one.network, one.source), one, NORTH)
    docs = book.stage.docs(COVERAGE).values()
    return {(one.source, one.day): (one.deliveries, tuple(row.count for row in one.rows)) for one in docs}


async def test_deliveries_of_a_day_are_summed_by_feed() -> None:
    found = await hear(
        Book(), told("a", 5, 1), told("b", 7), told("c", 1, day="2026-06-02"), told("a", 9, source="hill/ehr")
    )
    assert found == {
        ("north/ehr", "2026-06-01"): (2, (12, 1)), ("north/ehr", "2026-06-02"): (1, (1,)), ("hill/ehr", "2026-06-01"): (1, (9,)),
    }  # fmt: skip


async def test_a_delivery_that_is_converted_again_counts_by_its_newest_conversion() -> None:
    found = await hear(Book(), told("a", 5, 3), told("b", 1), told("a", 8, issue=2), told("a", 5, 3))
    assert found == {("north/ehr", "2026-06-01"): (2, (9,))}


@settings(max_examples=40)
@given(st.lists(st.sampled_from(range(5)), max_size=12))
async def test_order_and_repeats_do_not_matter(order: Sequence[int]) -> None:
    events = (told("a", 5), told("b", 2, 2), told("a", 6, 1, issue=2), told("c", 1, day="2026-06-03"), told("b", 2, 2))
    assert await hear(Book(), *(events[n] for n in order), *events) == await hear(Book(), *events)


async def test_a_repeat_saves_what_a_crash_lost() -> None:
    book = Book()
    expected = await hear(book, told("a", 5))
    book.stage.state.documents.clear()
    assert await hear(book, told("a", 5)) == expected


async def test_old_days_are_closed_and_what_was_said_of_them_forgotten() -> None:
    book = Book()
    days = [f"2026-{1 + n // 28:02}-{1 + n % 28:02}" for n in range(OPEN_DAYS + 3)]
    found = await hear(book, *(told("a", 5, day=day) for day in days))
    assert len(found) == OPEN_DAYS + 3
    assert len(book.stage.values(SAID)) == OPEN_DAYS
    before = dict(book.stage.docs(COVERAGE))
    late = await hear(book, told("late", 5, day=days[0]))
    assert late == found
    assert msgspec.json.encode(list(book.stage.docs(COVERAGE).values())) == msgspec.json.encode(list(before.values()))
    assert book.stage.warnings["coverage.day-closed"] == 1
