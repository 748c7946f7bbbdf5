"""Reads the packaged tables: tab-separated text, ``#`` starts a comment line, the file's digest is its version."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

NAMES = ("conditions", "crosswalk", "drugs", "genes", "labs", "oncotree", "oncotree_names", "units")


@cache
def _text(name: str) -> str:
    return files("trialbridge.criteria.terminology").joinpath(f"{name}.tsv").read_text("utf-8")


def rows(name: str, width: int) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table ``name``, each padded with empty strings to ``width`` columns."""
    for line in _text(name).splitlines():
        if line and not line.startswith("#"):
            cells = tuple(cell.strip() for cell in line.split("\t"))
            yield cells + ("",) * (width - len(cells))


def listed(cell: str) -> tuple[str, ...]:
    """Return the parts of a cell that holds a comma-separated list."""
    return tuple(part.strip() for part in cell.split(",") if part.strip())


def versions() -> str:
    """Return each table's name and the first 8 hex digits of its digest, sorted by name: a changed table is another version."""
    return " ".join(f"{name}@{hashlib.sha256(_text(name).encode()).hexdigest()[:8]}" for name in NAMES)
