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

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final, Literal, Protocol

from trialbridge.emr.bounded import Bounded

Fate = Literal["mapped", "kept", "dropped", "unaccounted"]
Row = tuple[str, Fate, tuple[str, ...]]
"""Source path, fate, and where."""
Found = list[tuple["Leaf", str]]
"""Leaves of a resource, each with the path of the element that it is in."""
MOST_ROWS: Final = 100_000
"""Rows of details that one account holds; totals go on beyond."""


class Leaf(str):  # noqa: SLOT000 - most leaves never need room for what became of them
    """A populated value of the source; it knows what became of it, which is nothing yet."""

    fate: Fate = "unaccounted"
    where: tuple[str, ...] = ()
    """Elements of the output, the place kept, or the reason."""


class Derived(str):
    """Text that a table or a rule makes of leaves."""

    __slots__ = ("of",)
    of: tuple[str | None, ...]


Scalar = bool | int | Decimal


class Made:
    """A value other than text (a number, a truth value) that is made of leaves."""

    __slots__ = ("of", "value")

    def __init__(self, value: Scalar, of: tuple[str, ...]) -> None:
        """Keep the value and what it is made of."""
        self.value = value
        self.of = of

    def __eq__(self, other: object) -> bool:
        """Whether it is the same value, of the same kind, whatever it is made of."""
        return type(other) is Made and type(other.value) is type(self.value) and str(other.value) == str(self.value)

    __hash__ = None  # type: ignore[assignment]  # never a key


def made(value: str, *of: str | None) -> Derived:
    """Return ``value`` as made of the given leaves, or of what was made of them; None and plain text are passed over."""
    found = Derived(value)
    found.of = of
    return found


def settle(resource: Mapping[str, Any]) -> tuple[dict[str, Any], Found]:
    """Return the resource in plain values, and the leaves in it with their paths, for example ``Patient.name.family``."""
    found: Found = []
    return _object(resource, str(resource.get("resourceType")), found), found


def _object(value: Mapping[str, Any], path: str, found: Found) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        kind = type(inner)
        if kind is str:
            kept[key] = inner
        elif kind is Leaf:
            found.append((inner, f"{path}.{key}"))
            kept[key] = str(inner)
        elif kind is dict:
            kept[key] = _object(inner, f"{path}.{key}", found)
        elif kind is list:
            below = f"{path}.{key}"
            kept[key] = [_object(one, below, found) if type(one) is dict else plain(one, below, found) for one in inner]
        else:
            kept[key] = plain(inner, f"{path}.{key}", found)
    return kept


def plain(value: Any, path: str, found: Found) -> Any:
    """Return a value of a resource in plain values; add the leaves in it to ``found``, ``path`` being where it stands."""
    kind = type(value)
    if kind is dict:
        return _object(value, path, found)
    if kind is list:
        return [plain(inner, path, found) for inner in value]
    if kind is Leaf:
        found.append((value, path))
        return str(value)
    if kind is Derived:
        found += [(one, path) for one in leaves_of(value)]
        return str(value)
    if kind is Made:
        found += [(one, path) for source in value.of for one in leaves_of(source)]
        return value.value
    return value


def leaves_of(text: str | None) -> list[Leaf]:
    """Return the leaves that a text is or was made of; none of plain text."""
    if type(text) is Leaf:
        return [text]
    if type(text) is Derived:
        if len(text.of) == 1:
            return leaves_of(text.of[0])
        return [one for inner in text.of for one in leaves_of(inner)]
    return []


def leaves_within(value: Any) -> list[Leaf]:
    """Return all leaves that a value holds, or that are in what it holds."""
    if isinstance(value, str):
        return leaves_of(value)
    if isinstance(value, dict):
        return [one for inner in value.values() for one in leaves_within(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in leaves_within(inner)]
    if isinstance(value, Made):
        return [one for source in value.of for one in leaves_of(source)]
    return []


def confirm(found: Found) -> None:
    """Enter into the leaves that they are in the output: the resource passed its checks."""
    for one, path in found:
        map_to(one, path)


def map_to(one: Leaf, path: str) -> None:
    """Say that a leaf is in the output at a place."""
    if one.fate != "mapped":
        one.fate, one.where = "mapped", (path,)
    elif path not in one.where:
        one.where += (path,)


def keep(one: Leaf, where: str) -> None:
    """Say that a leaf is in the output as it was written; a mapped one stays mapped."""
    _leave(one, "kept", where)


def drop(one: Leaf, reason: str) -> None:
    """Say why a leaf is not in the output; one that is mapped or kept stays so."""
    _leave(one, "dropped", reason)


def _leave(one: Leaf, fate: Fate, where: str) -> None:
    if one.fate == "unaccounted":
        one.fate = fate
        one.where = (where,)


class Same(Protocol):
    """Something that was met many times, whose leaves are in the output as they are: a set of elements at one place of a resource."""

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of its leaves, in the source as in the output."""


_fates_of: Bounded[int, tuple[tuple[Row, ...], tuple[tuple[Fate, int], ...]]] = Bounded(50_000)


def _fates(rows: tuple[Row, ...]) -> tuple[tuple[Fate, int], ...]:
    """Return how many of rows that come again and again have which fate, counted once for the very same object."""
    known = _fates_of.get(id(rows))
    if known is None:
        known = _fates_of.keep(id(rows), (rows, tuple(Counter(fate for _, fate, _ in rows).items())))
    return known[1]


class Account:
    """Adds up the fates of all leaves of a conversion, by source path."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._rows: dict[Row, int] = {}
        self._often: dict[int, tuple[tuple[Row, ...], int]] = {}
        """Rows that were met together, by their id(), and how often: added up when somebody asks."""
        self.same: defaultdict[Same, int] = defaultdict(int)
        """How often something was met whose leaves are all mapped to themselves."""
        self.beyond: Counter[Fate] = Counter()
        """Leaves by fate for which there was no row any more."""
        self.structure = 0
        """Mapped leaves that only say what the others are: an XML type, a class code."""

    @property
    def rows(self) -> dict[Row, int]:
        """How many leaves went the same way."""
        while self._often:
            told, count = self._often.pop(next(iter(self._often)))
            for row in told:
                self._row(row, count)
        return self._rows

    def enter(self, source: str, one: Leaf) -> None:
        """Count one leaf of the source, whose fate is settled by now."""
        self._row((source, one.fate, one.where), 1)

    def enter_all(self, rows: Iterable[Row]) -> None:
        """Count many leaves, each told by its row."""
        for row, count in Counter(rows).items():
            self._row(row, count)

    def enter_often(self, rows: tuple[Row, ...]) -> None:
        """Count leaves whose rows, the very same object, come again and again."""
        known = self._often.get(id(rows))
        self._often[id(rows)] = (rows, known[1] + 1 if known is not None else 1)

    def enter_counts(self, sources: Mapping[str, int], fate: Fate, where: str) -> None:
        """Count leaves that went the same way, by source path: a narrative's, for example."""
        for source, count in sources.items():
            self._row((source, fate, (where,)), count)

    def add(self, other: "Account") -> None:
        """Add another account, of one document for example."""
        for row, count in other.rows.items():
            self._row(row, count)
        for same, count in other.same.items():
            self.same[same] += count
        self.beyond.update(other.beyond)
        self.structure += other.structure

    def move(self, path: str, fate: Fate, where: str) -> None:
        """Count one leaf, met as one mapped to itself, as gone another way."""
        self._row((path, "mapped", (path,)), -1)
        self._row((path, fate, (where,)), 1)

    def _row(self, row: Row, count: int) -> None:
        known = self._rows.get(row)
        if known is not None:
            self._rows[row] = known + count
        elif len(self._rows) < MOST_ROWS:
            self._rows[row] = count
        else:
            self.beyond[row[1]] += count

    def summary(self) -> dict[str, int]:
        """Return ``leaves, mapped, kept, dropped, unaccounted``, and of the leaves ``structure`` and ``without_details``.

        Who wants to leave ``structure`` out of a share takes it off both ``leaves`` and ``mapped``. ``without_details`` are beyond
        `MOST_ROWS`.
        """
        often = list(self._often.values())
        if len(self._rows) + sum([len(told) for told, _ in often]) >= MOST_ROWS:
            often = []
        rows = self._rows if often else self.rows
        totals: Counter[str] = Counter(self.beyond)
        for told, count in often:
            for fate, number in _fates(told):
                totals[fate] += number * count
        totals["mapped"] += sum(len(same.paths) * count for same, count in self.same.items())
        for (_, fate, _), count in rows.items():
            totals[fate] += count
        found = {name: totals[name] for name in ("mapped", "kept", "dropped", "unaccounted")}
        return {
            "leaves": sum(found.values()),
            **found,
            "structure": self.structure,
            "without_details": self.beyond.total(),
        }

    def details(self) -> list[dict[str, Any]]:
        """Return ``{"source", "fate", "where", "count"}`` by source path: output elements, the place kept, or the reason."""
        rows = Counter(self.rows)
        for same, count in self.same.items():
            for path in same.paths:
                rows[path, "mapped", (path,)] += count
        return [
            {"source": source, "fate": fate, "where": list(where), "count": count}
            for (source, fate, where), count in sorted(rows.items())
            if count
        ]
