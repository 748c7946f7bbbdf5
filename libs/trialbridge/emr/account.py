"""The account of an input: what became of each populated leaf of the source, so that nothing is lost silently.

A leaf is one populated value of the source: a component of an HL7 v2 field, an attribute or a text of an XML element, a scalar of
a JSON document, a cell of a table. It has one fate:

* mapped: it, or what a table makes of it, is in the output; the account names the elements;
* kept: it is in the output as it was written, in an extension or an attachment; the account says in which;
* dropped: it is not in the output, for a reason that has a code (``ccda.null-flavor``).

A leaf without a fate is ``unaccounted``: a fault of the converter, which tests look for. How a converter of any format fills it:

1. It reads each source value as a `Leaf`, a string, and builds resources out of them: as they are, or as `made` of them.
2. `settle` makes the resource plain and finds every leaf that is in it. Only what is found counts as mapped, so that no converter
   can claim what it does not deliver; `confirm` enters it once the resource has passed its checks.
3. What is left is given to `keep` (after it was put into an extension) or to `drop` with a reason.
4. `Account.enter` takes each leaf with its source path, for example ``PID-5.1`` or ``section/entry/act/code/@code``.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

Fate = Literal["mapped", "kept", "dropped", "unaccounted"]
Found = list[tuple["Leaf", str]]
"""Leaves of a resource, each with the path of the element that it is in."""
MOST_ROWS: Final = 100_000
"""Rows of details that one account holds; totals go on beyond."""


class Leaf(str):
    """A populated value of the source; it knows what became of it."""

    __slots__ = ("fate", "where")
    fate: Fate
    where: list[str]


def leaf(value: str) -> Leaf:
    """Return a leaf that nothing has become of yet."""
    found = Leaf(value)
    found.fate = "unaccounted"
    found.where = []
    return found


class Derived(str):
    """Text that a table or a rule makes of leaves."""

    __slots__ = ("of",)
    of: tuple[str, ...]


Scalar = bool | int | Decimal


class Made:
    """A value other than text (a number, a truth value) that is made of leaves."""

    __slots__ = ("of", "value")

    def __init__(self, value: Scalar, of: tuple[str, ...]) -> None:
        """Keep the value and what it is made of."""
        self.value = value
        self.of = of


def made(value: str, *of: str | None) -> Derived:
    """Return ``value`` as made of the given leaves, or of what was made of them; None and plain text are passed over."""
    found = Derived(value)
    found.of = tuple(one for one in of if type(one) is Leaf or type(one) is Derived)
    return found


def settle(resource: Mapping[str, Any]) -> tuple[dict[str, Any], Found]:
    """Return the resource in plain values, and the leaves in it with their paths, for example ``Patient.name.family``."""
    found: Found = []
    kind = str(resource.get("resourceType"))
    return {str(key): _plain(value, f"{kind}.{key}", found) for key, value in resource.items()}, found


def _plain(value: Any, path: str, found: Found) -> Any:
    kind = type(value)
    if kind is Leaf:
        found.append((value, path))
        return str(value)
    if kind is Derived:
        found.extend((one, path) for one in leaves_of(value))
        return str(value)
    if kind is dict:
        return {str(key): _plain(inner, f"{path}.{key}", found) for key, inner in value.items()}
    if kind is list:
        return [_plain(inner, path, found) for inner in value]
    if kind is Made:
        found.extend((one, path) for source in value.of for one in leaves_of(source))
        return value.value
    return value


def leaves_of(text: str) -> Iterator[Leaf]:
    """Yield the leaves that a text is or was made of."""
    if isinstance(text, Leaf):
        yield text
    elif isinstance(text, Derived):
        for one in text.of:
            yield from leaves_of(one)


def confirm(found: Found) -> None:
    """Enter into the leaves that they are in the output: the resource passed its checks."""
    for one, path in found:
        one.fate = "mapped"
        if path not in one.where:
            one.where.append(path)


def keep(one: Leaf, where: str) -> None:
    """Say that a leaf is in the output as it was written; a mapped one stays mapped."""
    _leave(one, "kept", where)


def drop(one: Leaf, reason: str) -> None:
    """Say why a leaf is not in the output; one that is mapped or kept stays so."""
    _leave(one, "dropped", reason)


def _leave(one: Leaf, fate: Fate, where: str) -> None:
    if one.fate == "unaccounted":
        one.fate = fate
        one.where.append(where)


class Account:
    """Adds up the fates of all leaves of a conversion, by source path."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self.totals: Counter[str] = Counter()
        self.rows: Counter[tuple[str, Fate, str]] = Counter()
        """How many leaves went the same way: source path, fate, and where (paths with spaces between), or why not."""

    def enter(self, source: str, one: Leaf) -> None:
        """Count one leaf of the source, whose fate is settled by now."""
        self.totals["leaves"] += 1
        self.totals[one.fate] += 1
        self._row((source, one.fate, " ".join(one.where)), 1)

    def enter_counts(self, sources: Mapping[str, int], fate: Fate, where: str) -> None:
        """Count leaves that went the same way, by source path: a narrative's, for example."""
        for source, count in sources.items():
            self.totals["leaves"] += count
            self.totals[fate] += count
            self._row((source, fate, where), count)

    def add(self, other: "Account") -> None:
        """Add another account, of one document for example."""
        self.totals.update(other.totals)
        for row, count in other.rows.items():
            self._row(row, count)

    def _row(self, row: tuple[str, Fate, str], count: int) -> None:
        if row in self.rows or len(self.rows) < MOST_ROWS:
            self.rows[row] += count
        else:
            self.totals["without_details"] += count

    def enter_all(self, leaves: Iterable[tuple[str, Leaf]]) -> None:
        """Count many leaves with their source paths."""
        for source, one in leaves:
            self.enter(source, one)

    def summary(self) -> dict[str, int]:
        """Return ``leaves, mapped, kept, dropped, unaccounted``, and of the leaves ``structure`` and ``without_details``.

        ``structure`` are mapped leaves that only say what the others are (an XML type, a class code): who wants to leave them out of
        a share takes them off both ``leaves`` and ``mapped``. ``without_details`` are beyond `MOST_ROWS`.
        """
        names = ("leaves", "mapped", "kept", "dropped", "unaccounted", "structure", "without_details")
        return {name: self.totals[name] for name in names}

    def details(self) -> list[dict[str, Any]]:
        """Return ``{"source", "fate", "where", "count"}`` by source path: output elements, the place kept, or the reason."""
        return [
            {"source": source, "fate": fate, "where": where.split(" ") if where else [], "count": count}
            for (source, fate, where), count in sorted(self.rows.items())
        ]
