"""Oncology drugs: generic names, other names, classes and the broader classes that these belong to."""

import re
from decimal import Decimal
from typing import Final

from trialbridge.criteria.terminology.source import imported, kept, listed, rows

_SALTS: Final = frozenset({
    "acetate", "besylate", "chloride", "citrate", "dimaleate", "dimeglumine", "ditosylate", "fumarate", "hydrobromide",
    "hydrochloride", "lactate", "malate", "maleate", "mesylate", "monohydrate", "phosphate", "sodium", "succinate", "sulfate",
    "tartrate", "tosylate",
})  # fmt: skip
_SUFFIX: Final = re.compile(r"-[a-z]{4}$")
"""The four letters that tell biosimilars apart (``bevacizumab-awwb``)."""


@kept()
def _classes() -> dict[str, frozenset[str]]:
    every = (*rows("drugs", 3), *imported("drugs", 3))
    return {drug: frozenset(listed(classes)) for drug, classes, _ in every}


@kept()
def _names() -> dict[str, str]:
    every = (*rows("drugs", 3), *imported("drugs", 3))
    table = {alias: drug for drug, _, aliases in every for alias in listed(aliases)}
    table.update({drug: drug for drug in _classes()})
    return table


def known() -> tuple[str, ...]:
    """Return every drug name of the table."""
    return tuple(_names())


@kept()
def classes() -> frozenset[str]:
    """Return every drug class of the tables."""
    return frozenset(word for words in _classes().values() for word in words)


@kept()
def broader() -> dict[str, frozenset[str]]:
    """Return for each class of the packaged hierarchy all classes that it belongs to, itself among them."""
    direct = {name: listed(above) for name, above in rows("drug_classes", 2)}

    def all_above(name: str) -> frozenset[str]:
        return frozenset({name}).union(*(all_above(one) for one in direct.get(name, ())))

    return {name: all_above(name) for name in direct}


def is_generic(name: str) -> bool:
    """Return whether a name in lower case is a drug's own name."""
    return name in _classes()


@kept(maxsize=65536)
def generic(drug: str) -> str:
    """Return the generic name in lower case; a drug that the table lacks is returned as it is, in lower case.

    A salt and the suffix of a biosimilar are left out where the table has the name without them.
    """
    low = " ".join(drug.split()).casefold()
    bare = low.rpartition(" ")
    for name in (low, bare[0] if bare[2] in _SALTS else "", _SUFFIX.sub("", low)):
        if name in _names():
            return _names()[name]
    return low


@kept(maxsize=65536)
def classes_of(drug: str) -> frozenset[str] | None:
    """Return the classes of a drug, or None where the table does not know the drug (which is not the same as no class)."""
    return _classes().get(generic(drug))


@kept()
def _half_lives() -> dict[str, Decimal]:
    return {drug: Decimal(hours) for drug, hours, _, _ in (*rows("half_lives", 4), *imported("half_lives", 4))}


@kept(maxsize=65536)
def half_life(drug: str) -> Decimal | None:
    """Return the half-life in hours, None where no table has one."""
    return _half_lives().get(generic(drug))
