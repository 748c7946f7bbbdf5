"""The drugs in the name of a product: ``trastuzumab 150 MG Injection [Herceptin]`` is trastuzumab.

RxNorm names products by ingredient, strength and dose form, several ingredients with ``/`` between, the brand in brackets; hospitals
write much the same. A drug is read only where the drug table knows it, and only where its name stands first.
"""

import re
from collections.abc import Iterator
from typing import Final

from trialbridge.criteria.terminology import drugs

_BRAND: Final = re.compile(r"\[([^\[\]]{1,60})\]")
_BETWEEN: Final = re.compile(r"\s+/\s+")
_AMOUNT: Final = re.compile(r"(?:\d[\d.,]*\s*[A-Za-z%]*\s+)+")
_MOST_WORDS: Final = 6


def drugs_in(product: str) -> tuple[str, ...]:
    """Return the generic names of the known drugs in a product's name, in their order; none where it names no known drug."""
    if drugs.classes_of(product) is not None:
        return (drugs.generic(product),)
    bare = _BRAND.sub(" ", product)
    found = [name for part in _BETWEEN.split(bare) if (name := _first(part)) is not None]
    if not found:
        found = [name for brand in _BRAND.findall(product) if (name := _first(brand)) is not None]
    return tuple(dict.fromkeys(found))


def _first(part: str) -> str | None:
    """Return the drug that a part begins with, behind its amount (``5 ML``): the longest name that is known."""
    text = part.strip()
    amount = _AMOUNT.match(text)
    words = list(_words(text[amount.end() :] if amount else text))
    for count in range(len(words), 0, -1):
        name = " ".join(words[:count])
        if drugs.classes_of(name) is not None:
            return drugs.generic(name)
    return None


def _words(text: str) -> Iterator[str]:
    for number, word in enumerate(text.split()[:_MOST_WORDS]):
        if number and word[0].isdigit():
            return
        yield word.rstrip(",;")
