"""Protein changes (HGVS p.) and coding changes (HGVS c.) in forms that can be compared.

A criterion on a position (``p.V600``) is met by a single amino acid substitution at that position, nothing else: a
stop (``p.V600*``), a deletion-insertion that begins there (``p.V600_K601delinsE``), a frameshift, or text that is not HGVS
is another change. A frameshift in short form (``p.R97fs``) is another one than in long form (``p.R97Pfs*23``): it says less.
"""

import re
from functools import lru_cache
from typing import Final

from trialbridge.criteria.hgvs_protein import ANY, LONGEST, STOP, ProteinChange, read

_SHORT: Final = 120
"""Characters of what is kept; longer changes are rare and read anew."""
_INFRAME: Final = frozenset({"inframe_del", "inframe_ins"})
_EFFECTS: Final = {
    "synonymous": frozenset({"silent"}),
    "frameshift": frozenset({"frameshift_del", "frameshift_ins"}),
    "deletion": frozenset({"inframe_del"}),
    "duplication": frozenset({"inframe_ins"}),
    "insertion": frozenset({"inframe_ins"}),
    "indel": _INFRAME,
    "extension": frozenset({"stop_lost", "start_lost"}),
}
_PLACE: Final = r"[-*]?[0-9]{1,9}(?:[-+][0-9]{1,9})?"
_CODING: Final = re.compile(
    rf"({_PLACE}(?:_{_PLACE})?)(?:([ACGTU]{{1,999}})>([ACGTU]{{1,999}})|(=)|(delins|del|dup|inv|ins)([ACGTUN]{{0,999}}|[0-9]{{1,9}})"
    rf"(?:ins([ACGTUN]{{1,999}}))?)"
)


@lru_cache(maxsize=65536)
def _kept(text: str) -> ProteinChange | None:
    return read(text)


def parsed(change: str) -> ProteinChange | None:
    """Return the parts of a protein change, or None where the text is not one."""
    return _kept(change) if len(change) <= _SHORT else read(change)


def normal(change: str) -> str | None:
    """Return a change without ``p.`` in its one spelling (``V600E``), or None where the text is not a protein change."""
    found = parsed(change)
    return None if found is None else str(found)


def position(text: str) -> str | None:
    """Return ``V600`` of a position written ``p.V600``, ``V600`` or ``p.Val600``; None where it is not a position."""
    found = parsed(text)
    if found is None or found.kind != "position" or found.first != found.last or found.place.startswith(STOP):
        return None
    return found.place


def substitution_at(change: str) -> str | None:
    """Return the position (``V600``) at which a change is a single substitution, else None."""
    found = parsed(change)
    if found is None or found.kind != "substitution" or STOP in (found.new, found.place[0]):
        return None
    return found.place


def is_synonymous(change: str) -> bool:
    """Return whether the change leaves the protein as it was (``p.G12=``, ``p.(Gly12=)``)."""
    found = parsed(change)
    return found is not None and found.kind == "synonymous"


def codon_of(change: str) -> tuple[int, int] | None:
    """Return the first and last residue number that a change touches, or None where it cannot be read."""
    found = parsed(change)
    if found is None or found.first is None or found.last is None:
        return None
    return found.first.number, found.last.number


def coding(text: str) -> str | None:
    """Return a coding change without transcript and ``c.`` in one spelling (``1799T>A``), or None where the text is not one.

    Bases that are said to go, or to come twice, are left out: the place names them already.
    """
    if len(text) > LONGEST:
        return None
    plain = "".join(text.split()).rsplit(":", 1)[-1].partition("(p.")[0]
    plain = plain.removeprefix("c.").removeprefix("C.")
    if plain.startswith("(") and plain.endswith(")"):
        plain = plain[1:-1]
    found = _CODING.fullmatch(_bases(plain))
    return None if found is None else _written(*found.groups())


def _written(
    place: str,
    old: str | None,
    new: str | None,
    same: str | None,
    word: str | None,
    said: str | None,
    inserted: str | None,
) -> str | None:
    """Return a coding change out of its parts; None where they do not go together."""
    if word is None:
        return f"{place}=" if same else f"{place}{old}>{new}"
    if inserted:
        return f"{place}delins{inserted}" if word == "del" else None
    if word in ("ins", "delins"):
        return f"{place}{word}{said}" if said else None
    return f"{place}{word}"


def _bases(text: str) -> str:
    """Return the text with bases in capitals and words in small letters."""
    return re.sub(r"DELINS|DEL|DUP|INV|INS", lambda word: word[0].lower(), text.upper())


def effect(change: str) -> frozenset[str] | None:
    """Return the elementary classes of effect that a protein change may be, or None where it cannot be told."""
    found = parsed(change)
    if found is None:
        return None
    if found.kind == "substitution":
        return _of_substitution(found)
    if found.kind == "unknown" and found.place == "M1":
        return frozenset({"start_lost"})
    return _EFFECTS.get(found.kind)


def _of_substitution(found: ProteinChange) -> frozenset[str] | None:
    if found.new == ANY:
        return None
    if found.place.startswith(STOP):
        return frozenset({"stop_lost"})
    if found.new == STOP:
        return frozenset({"nonsense"})
    return frozenset({"missense", "start_lost"}) if found.place == "M1" else frozenset({"missense"})
