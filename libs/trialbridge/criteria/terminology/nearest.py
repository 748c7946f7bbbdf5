"""The nearest valid spelling of a word that is not known."""

from collections.abc import Iterable
from typing import Final

from rapidfuzz import fuzz, process

_LONGEST: Final = 64
"""Letters of a word in which a swap is looked for."""


def nearest(word: str, known: Iterable[str], cutoff: float = 60.0) -> str | None:
    """Return the known word most like ``word`` (letter case ignored), or None where nothing is alike (score 0 to 100).

    Two letters that changed places are the commonest slip in short symbols: EGRF is EGFR, though ERF is as near.
    """
    every, low = sorted(known), word.casefold()
    swapped = {low[:n] + low[n + 1] + low[n] + low[n + 2 :] for n in range(min(len(low), _LONGEST) - 1)}
    found = process.extractOne(low, every, scorer=fuzz.WRatio, processor=str.casefold, score_cutoff=cutoff)
    if found is None:
        return None
    return next((one for one in every if one.casefold() in swapped), str(found[0]))


def hint(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean …?`` for the nearest known word, or an empty string."""
    found = nearest(word, known)
    return f"did you mean {found!r}?" if found else ""
