"""Reads the record room's tables."""

from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=8)
def rows(name: str, width: int) -> tuple[tuple[str, ...], ...]:
    """Return the rows of ``name``.tsv, each padded to ``width`` columns."""
    text = files("trialbridge.emr.tables").joinpath(f"{name}.tsv").read_text("utf-8")
    cells = (tuple(line.split("\t")) for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(row + ("",) * (width - len(row)) for row in cells)


@lru_cache(maxsize=1)
def meanings() -> dict[tuple[str, str], tuple[str, str]]:
    """Return kind of fact and argument by system word and code."""
    return {(system, code): (kind, argument) for system, code, kind, argument in rows("observations", 4)}


@lru_cache(maxsize=1)
def answers() -> dict[tuple[str, str], str]:
    """Return the word that facts use by set and answer (lower case)."""
    return {(name, answer): word for name, answer, word in rows("answers", 3)}
