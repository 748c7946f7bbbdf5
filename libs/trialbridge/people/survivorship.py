"""Which value of a single-valued attribute survives, and what it beat.

The rule, per attribute: the most recent statement wins; of equally recent ones the better-ranked source; of equally ranked
ones the value that more statements give; and if that is still a tie the smaller value, so that the answer is the same
whatever the order. Silence never competes. The losers are kept with the winner.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import msgspec

from trialbridge.contracts.ids import SourceId
from trialbridge.criteria.facts import Demographics

Attribute = Literal["birth_date", "sex", "vital_status"]
ATTRIBUTES: tuple[Attribute, ...] = ("birth_date", "sex", "vital_status")
UNRANKED = 100


class Statement(msgspec.Struct, frozen=True, gc=False):
    """What one source says of one attribute."""

    fact: Demographics
    """Carries this attribute alone, with its own evidence."""
    source: SourceId
    tenant: str
    time: str
    """When it was said: a partial date or dateTime."""


class Survivor(msgspec.Struct, frozen=True, gc=False):
    """The winner of one attribute, the rank that its source had, and the statements that lost, best first."""

    attribute: Attribute
    winner: Statement
    rank: int
    losers: tuple[Statement, ...] = ()


@lru_cache(maxsize=16_384)
def instant(time: str) -> str:
    """Return a sortable form of a partial date or dateTime: zoned times in UTC, missing parts earliest, nonsense first of all.

    A time that has no equivalent in UTC (``0001-01-01T00:00:00+14:00``) is nonsense too: it never raises.
    """
    padded = f"{time}-01-01"[:10] if len(time) in (4, 7) else time
    try:
        moment = datetime.fromisoformat(padded)
        zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return zoned.isoformat(timespec="microseconds")


def only(fact: Demographics, attribute: Attribute) -> Demographics | None:
    """Return ``fact`` reduced to one attribute, or None where it says nothing of it."""
    if attribute == "birth_date":
        return _bare(fact, birth_date=fact.birth_date) if fact.birth_date else None
    if attribute == "sex":
        return _bare(fact, sex=fact.sex) if fact.sex and fact.sex != "unknown" else None
    if fact.deceased is None and fact.deceased_date is None:
        return None
    return _bare(fact, deceased=fact.deceased is not False, deceased_date=fact.deceased_date)


def _bare(fact: Demographics, **attributes: object) -> Demographics:
    nothing: dict[str, object] = {"birth_date": None, "sex": None, "deceased": None, "deceased_date": None}
    return msgspec.structs.replace(fact, **(nothing | attributes))


def value_of(fact: Demographics) -> str:
    """Return the attribute's value in a form that compares: the same value, the same string."""
    return f"{fact.birth_date or ''}|{fact.sex or ''}|{fact.deceased}|{fact.deceased_date or ''}"


def survive(attribute: Attribute, statements: Iterable[Statement], ranks: Mapping[SourceId, int]) -> Survivor | None:
    """Return the survivor of ``statements`` about one attribute; ``ranks`` by source, 1 the best, unnamed sources last."""
    said = list(statements)
    if len(said) == 1:
        return Survivor(attribute, said[0], ranks.get(said[0].source, UNRANKED))
    unique = {msgspec.json.encode(statement): statement for statement in said}
    support = Counter(value_of(statement.fact) for statement in unique.values())

    def order(raw: bytes) -> tuple[int, int, str, bytes]:
        statement = unique[raw]
        value = value_of(statement.fact)
        return ranks.get(statement.source, UNRANKED), -support[value], value, raw

    # Two stable sorts: by the tie-breaks, then by time with the newest first.
    settled = sorted(unique, key=order)
    ranked = [unique[raw] for raw in sorted(settled, key=lambda raw: instant(unique[raw].time), reverse=True)]
    if not ranked:
        return None
    return Survivor(attribute, ranked[0], ranks.get(ranked[0].source, UNRANKED), tuple(ranked[1:]))
