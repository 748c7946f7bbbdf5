"""HGVS texts as annotators and MAF files write them: unescaped, split from their reference, told apart from what only looks like it."""

import re
from typing import Final

from trialbridge.criteria import hgvs as criteria_hgvs
from trialbridge.emr.account import made
from trialbridge.emr.genomics.finding import Cell

_ESCAPED: Final = {
    "%3D": "=",
    "%3d": "=",
    "%3E": ">",
    "%3e": ">",
    "%3B": ";",
    "%3b": ";",
    "%2C": ",",
    "%2c": ",",
    "%25": "%",
}
_SPLICE: Final = re.compile(r"p\.X[0-9]+_splice")
"""Of MAF files: names a splice site by its nearest residue; HGVS has no such change."""
_NUMBERED: Final = re.compile(r"([0-9]{1,4})(?:/[0-9]{1,4})?$")
_OFFSET: Final = re.compile(r"[0-9]([+-])([0-9]{1,7})")
_PLACE: Final = re.compile(r"(?:^|_)[*-]?[0-9]+([+-][0-9]+)?")
_BESIDE: Final = 50
"""Bases into an intron from which a change is no longer taken to be at an exon: its polypyrimidine tract and branch point are nearer."""


def plain(cell: Cell | None) -> Cell | None:
    """Return an HGVS text without spaces and escapes; None where there is none."""
    if cell is None:
        return None
    text = "".join(cell.split())
    for escaped, letter in _ESCAPED.items():
        text = text.replace(escaped, letter)
    if not text or text in (".", "-"):
        return None
    return cell if text == cell else made(text, cell)


def protein(cell: Cell | None) -> Cell | None:
    """Return a protein change with ``p.``, None where the text is no HGVS of a protein (``p.X1010_splice``)."""
    found = plain(cell)
    if found is None or _SPLICE.fullmatch(found) or criteria_hgvs.normal(found) is None:
        return None
    if "p." in found:
        return found
    reference, colon, change = found.rpartition(":")
    return made(f"{reference}{colon}p.{change}", found)


def agree(long: Cell, short: Cell) -> bool:
    """Return whether a change in three letters and one in one letter are the same."""
    return criteria_hgvs.normal(long) == criteria_hgvs.normal(short)


def exon_beside(intron: Cell | None, coding: Cell | None) -> Cell | None:
    """Return the exon that a change within an intron (``14/20``) stands at, None where the change is beside none or beside two.

    Intron n lies between exon n and the next. Offsets of HGVS c. with ``+`` count from the exon before, with ``-`` from the one after.
    """
    number = _NUMBERED.match(intron) if intron is not None else None
    change = plain(coding)
    if number is None or intron is None or change is None:
        return None
    offsets = _OFFSET.findall(change.rpartition("c.")[2])
    if not offsets or len({sign for sign, _ in offsets}) > 1 or any(int(far) > _BESIDE for _, far in offsets):
        return None
    return made(str(int(number[1]) + (offsets[0][0] == "-")), intron, change)


def within_intron(coding: Cell | None) -> bool:
    """Return whether HGVS c. places a change in an intron alone: every position has an offset."""
    change = plain(coding)
    places = _PLACE.findall(change.rpartition("c.")[2]) if change is not None else []
    return bool(places) and all(places)


def with_transcript(change: Cell | None, transcript: Cell | None) -> Cell | None:
    """Return HGVS c. with its transcript before it, where it has none of its own."""
    found = plain(change)
    if found is None or ":" in found or transcript is None:
        return found
    return made(f"{transcript}:{found}", transcript, found)
