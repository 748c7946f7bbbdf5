"""Small checks that many leaf kinds share: something is asked for, and words are known ones."""

from collections.abc import Iterable
from typing import Any

from trialbridge.criteria.diagnostics import Problems
from trialbridge.criteria.terminology.nearest import hint


def asked(node: Any, names: tuple[str, ...], place: str, problems: Problems) -> None:
    """Note where none of the fields is given."""
    if not any(getattr(node, name) not in (None, ()) for name in names):
        problems.error("nothing-asked", place, f"Say what is asked for: {', '.join(names)}.")


def known_words(
    words: Iterable[str], allowed: Iterable[str], path: str, problems: Problems, code: str = "unknown-term"
) -> tuple[str, ...]:
    """Return the words in lower case; those that are not allowed are noted with the nearest one."""
    allowed = frozenset(allowed)
    found = []
    for number, word in enumerate(words):
        folded = " ".join(word.split()).casefold()
        if folded not in allowed:
            problems.error(code, f"{path}[{number}]", f"There is no {word!r} here.", hint(folded, allowed))
        found.append(folded)
    return tuple(found)
