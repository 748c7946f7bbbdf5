"""The nearest valid spelling of a word that is not known."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process


def nearest(word: str, known: Iterable[str], cutoff: float = 60.0) -> str | None:
    """Return the known word most like ``word`` (letter case ignored), or None where nothing is alike (score 0 to 100)."""
    found = process.extractOne(
        word.casefold(), sorted(known), scorer=fuzz.WRatio, processor=str.casefold, score_cutoff=cutoff
    )
    return None if found is None else str(found[0])


def hint(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean …?`` for the nearest known word, or an empty string."""
    found = nearest(word, known)
    return f"did you mean {found!r}?" if found else ""
