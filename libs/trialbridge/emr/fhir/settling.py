"""The end of a conversion: references between entries are settled, and what a newer version replaced leaves the account."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from trialbridge.emr.account import Account, Row
from trialbridge.emr.fhir.links import settle
from trialbridge.emr.fhir.shapes import SHAPES, Same
from trialbridge.emr.held import Held
from trialbridge.emr.records import Resource, Warnings

SUPERSEDED: Final = "fhir.superseded"
_CONTAINED: Final = re.compile(r"contained\.[A-Z][A-Za-z]+")


def settle_open(every: Sequence[dict[str, Held]], warnings: Warnings) -> None:
    """Make the references that no entry could resolve by itself relative or logical, in what is held by ``Type/id``."""
    if not warnings.open:
        return
    known = {name for held in every for name in held}
    for held in every:
        for name in warnings.open.keys() & held.keys():
            if held[name].is_fhir and any(one not in known for one in warnings.open[name]):
                _settle(held[name], known, warnings)
    warnings.open.clear()


def _settle(held: Held, known: set[str], warnings: Warnings) -> None:
    value = held.value
    away = settle(value, SHAPES.walk(value, defaultdict(int)), known)
    held.replace(value)
    for source, where in away:
        warnings.note("fhir.reference-elsewhere")
        for _ in range(held.copies):
            if held.rows is None:
                warnings.account.move(source, "mapped", where)
            else:
                _move(held.rows, source, where)


def _move(found: list[Row], path: str, where: str) -> None:
    """Let one of the rows that lead to ``path`` lead to ``where``."""
    # Rows tell what is contained without its type.
    names = (path, _CONTAINED.sub("contained", path))
    for number, (source, fate, places) in enumerate(found):
        if any(one in names for one in places):
            found[number] = (source, fate, tuple(where if one in names else one for one in places))
            break


def forget(held: Held, account: Account, reason: str = SUPERSEDED) -> None:
    """Take a resource that is not in the output after all out of the account: its leaves were dropped."""
    if held.rows is not None:
        forget_rows(held.rows, account, reason)
        held.rows = None
    elif held.is_fhir:
        for _ in range(held.copies):
            forget_same(held.value, account, reason)


def forget_rows(rows: Iterable[Row], account: Account, reason: str) -> None:
    """Enter the leaves of a resource that was changed, and then left out."""
    account.enter_all((source, "dropped", (reason,)) for source, _, _ in rows)


def forget_same(value: Resource, account: Account, reason: str) -> None:
    """Do the same for one that was counted as it is."""
    same: Same = defaultdict(int)
    SHAPES.walk(value, same)
    for shape, count in same.items():
        account.same[shape] -= count
        for path in shape.paths:
            account.enter_counts({path: count}, "dropped", reason)
