"""Where rows come from: the packaged tables, and imported ones that were put in force over them.

Tables are tab-separated text; ``#`` starts a comment line. A table's digest is its version: a changed table is another one.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, NamedTuple, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

NAMES: Final = (
    "conditions",
    "crosswalk",
    "crosswalk_icd9",
    "drug_classes",
    "drugs",
    "genes",
    "half_lives",
    "her2_ish",
    "labs",
    "oncotree",
    "oncotree_names",
    "places",
    "units",
)
REPLACED: Final = frozenset({"oncotree"})
"""Imported tables that stand alone: a tree cannot be mixed with another one. Of the rest, packaged rows fill the gaps."""
DIGITS: Final = 8
"""Hex digits of a digest that tell versions apart."""


class Table(NamedTuple):
    """An imported table: which one, the version that it is known by, and its rows."""

    name: str
    version: str
    text: str


class _Shelf:
    """What is in force in this process. It is set once, before anything is evaluated."""

    imported: Mapping[str, Table] = {}
    caches: list[Callable[[], None]] = []  # noqa: RUF012 - one list for the process, filled as modules are read


def kept(maxsize: int | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that keeps a function's answers until other tables come into force; ``maxsize`` bounds how many."""

    def keep(function: Callable[P, R]) -> Callable[P, R]:
        cached = lru_cache(maxsize)(function)
        _Shelf.caches.append(cached.cache_clear)
        return cast("Callable[P, R]", cached)

    return keep


def use(imported: Mapping[str, Table]) -> None:
    """Put imported tables in force over the packaged ones, in place of those before; none: the packaged ones alone."""
    if dict(imported) == dict(_Shelf.imported):
        return
    _Shelf.imported = dict(imported)
    for clear in _Shelf.caches:
        clear()


@cache
def _packaged(name: str) -> str:
    return files("trialbridge.criteria.terminology").joinpath(f"{name}.tsv").read_text("utf-8")


def _rows(text: str, width: int) -> Iterator[tuple[str, ...]]:
    for line in text.split("\n"):
        if line.strip() and not line.startswith("#"):
            cells = tuple(cell.strip() for cell in line.split("\t"))
            yield cells + ("",) * (width - len(cells))


def rows(name: str, width: int) -> Iterator[tuple[str, ...]]:
    """Yield the packaged rows of a table, each padded with empty strings to ``width`` columns.

    Of a table that an import replaces, the imported rows.
    """
    table = _Shelf.imported.get(name) if name in REPLACED else None
    return _rows(_packaged(name) if table is None else table.text, width)


def imported(name: str, width: int) -> Iterator[tuple[str, ...]]:
    """Yield the imported rows of a table whose gaps the packaged ones fill; none where nothing was imported."""
    table = None if name in REPLACED else _Shelf.imported.get(name)
    return iter(()) if table is None else _rows(table.text, width)


def listed(cell: str) -> tuple[str, ...]:
    """Return the parts of a cell that holds a comma-separated list."""
    return tuple(part.strip() for part in cell.split(",") if part.strip())


@kept()
def versions() -> str:
    """Return the tables in force, sorted: ``name@digest`` of packaged ones, ``name:version@digest`` of imported ones."""
    found = [f"{name}@{short(_packaged(name))}" for name in NAMES if not (name in REPLACED and name in _Shelf.imported)]
    found += [f"{table.name}:{table.version}@{short(table.text)}" for table in _Shelf.imported.values()]
    return " ".join(sorted(found))


def size(name: str) -> int:
    """Return the number of packaged rows of a table."""
    return sum(1 for _ in _rows(_packaged(name), 0))


def short(text: str) -> str:
    """Return the first digits of a table's digest."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
