"""What a conversion covered, by format and place: the account summed to what an operator looks at. Counts, never content."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from trialbridge.contracts.events import CoverageRow, FeedConverted, TicketIssued
from trialbridge.emr.account import Account

Coverage = dict[str, dict[str, dict[str, int]]]
"""Counts by format, section, and fate with its reason (``mapped``, ``kept``, ``dropped v2.no-table``)."""
OTHER: Final = "other"
MOST_SECTIONS: Final = 200
"""Sections of one format that are told apart in one conversion: senders name some of them."""
_SEGMENT: Final = re.compile(r"([A-Z][A-Z0-9]{2})-\d")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:#@/-]{0,59}")
_GENOMIC: Final = frozenset({"vcf", "maf"})


def coverage(account: Account) -> Coverage:
    """Return the account's counts by format, section, fate and reason, in the order of their names.

    In which order an account was filled hangs on what the process had read before.
    """
    found: Coverage = {}
    for (source, fate, where), count in account.rows.items():
        form, section = place_of(source)
        sections = found.setdefault(form, {})
        if section not in sections and len(sections) >= MOST_SECTIONS:
            section = OTHER
        word = f"dropped {where[0]}" if fate == "dropped" and where else fate
        counts = sections.setdefault(section, {})
        counts[word] = counts.get(word, 0) + count
    for fate, count in account.beyond.items():
        counts = found.setdefault(OTHER, {}).setdefault(OTHER, {})
        counts[fate] = counts.get(fate, 0) + count
    return {
        form: {section: dict(sorted(counts.items())) for section, counts in sorted(sections.items())}
        for form, sections in sorted(found.items())
    }


def place_of(source: str) -> tuple[str, str]:
    """Return format and section of a source path: ``PID-5.1`` is of hl7v2 and PID, ``section/entry/act`` of ccda and section/entry."""
    segment = _SEGMENT.match(source)
    if segment is not None:
        return "hl7v2", segment[1]
    if "/" in source:
        return "ccda", _plain("/".join(source.split("/")[:2]))
    first = source.partition(".")[0]
    if first.casefold() in _GENOMIC:
        return "genomics", _plain(first)
    return ("fhir" if first[:1].isupper() else "csv"), _plain(first)


def _plain(section: str) -> str:
    return section if _PLAIN.fullmatch(section) else OTHER


def rows_of(found: Mapping[str, Mapping[str, Mapping[str, int]]]) -> tuple[CoverageRow, ...]:
    """Return the counts as rows, sorted."""
    return tuple(
        sorted(
            CoverageRow(form, section, cast("Literal['mapped']", word.partition(" ")[0]), word.partition(" ")[2], count)
            for form, sections in found.items()
            for section, counts in sections.items()
            for word, count in counts.items()
        )
    )


def covered(ticket: TicketIssued, account: Mapping[str, Any]) -> FeedConverted:
    """Return what became of a delivery's source leaves, out of its account with its ``coverage``."""
    return FeedConverted(
        network=ticket.network,
        tenant=ticket.tenant,
        source=ticket.source,
        delivery=ticket.ticket,
        issue=ticket.issue,
        day=ticket.created[:10],
        rows=rows_of(account.get("coverage", {})),
    )


def summed(many: Counter[tuple[Any, ...]]) -> tuple[CoverageRow, ...]:
    """Return counts by format, section, fate and reason as rows, sorted; what came to nothing is left out."""
    rows = (
        CoverageRow(form, section, fate, reason, count)
        for (form, section, fate, reason), count in many.items()
        if count
    )
    return tuple(sorted(rows))


def counted(rows: tuple[CoverageRow, ...]) -> Counter[tuple[Any, ...]]:
    """Return rows as counts by format, section, fate and reason."""
    return Counter({(one.format, one.section, one.fate, one.reason): one.count for one in rows})
