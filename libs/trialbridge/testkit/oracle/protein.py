"""The oracle's own reading of protein changes (HGVS p.): residue by residue, into one form that can be compared."""

import re
from typing import NamedTuple

_NAMES = "AlaA ArgR AsnN AspD CysC GlnQ GluE GlyG HisH IleI LeuL LysK MetM PheF ProP SerS ThrT TrpW TyrY ValV Ter* SecU"
_LETTER = {name[:3].upper(): name[3] for name in _NAMES.split()}
_KINDS = ("delins", "del", "dup", "ins", "ext", "fs")


class Change(NamedTuple):
    """A change of a protein: from residue to residue, what happens (a kind, ``sub`` or ``=``), and what comes in its place."""

    first: tuple[str, int]
    last: tuple[str, int]
    kind: str
    new: str

    @property
    def synonymous(self) -> bool:
        """Return whether the protein stays as it is."""
        return self.kind == "=" or (self.kind == "sub" and self.new == self.first[0])


def _letters(text: str) -> str | None:
    """Return amino acids in one-letter form, from one- or three-letter form; None where there is anything else."""
    if len(text) % 3 == 0 and text and all(text[n : n + 3].upper() in _LETTER for n in range(0, len(text), 3)):
        return "".join(_LETTER[text[n : n + 3].upper()] for n in range(0, len(text), 3))
    return text.upper() if all(one in "ACDEFGHIKLMNPQRSTVWYU*" for one in text.upper()) else None


def _residue(text: str) -> tuple[str, int] | None:
    found = re.fullmatch(r"([A-Za-z*]+)(\d+)", text)
    letter = _letters(found[1]) if found else None
    return (letter, int(found[2])) if found and letter and len(letter) == 1 else None


def read(text: str | None) -> Change | None:
    """Return the change, None where the text is not a protein change; a bare residue has an empty kind."""
    plain = re.sub(r"[()\[\] ]", "", (text or "").strip().rsplit(":", maxsplit=1)[-1])
    plain = re.sub(r"(?i)^p\.", "", plain)
    where = re.match(r"([A-Za-z*]{1,3}\d+)(?:_([A-Za-z*]{1,3}\d+))?", plain)
    first = _residue(where[1]) if where else None
    last = _residue(where[2]) if where and where[2] else first
    if where is None or first is None or last is None:
        return None
    what = plain[where.end() :]
    if what in ("", "="):
        return Change(first, last, what, "")
    if "fs" in what.lower():
        before, after = re.split("(?i)fs", what, maxsplit=1)
        return Change(first, last, "fs", f"{_letters(before)}:{re.sub('(?i)ter|x', '*', after)}")
    kind = next((one for one in _KINDS if what.lower().startswith(one)), "sub")
    new = _letters(what if kind == "sub" else what[len(kind) :])
    known = new is not None and (kind != "sub" or len(new) == 1) and (new or kind in ("del", "dup"))
    return Change(first, last, kind, new or "") if known else None


def substituted_at(text: str | None) -> tuple[str, int] | None:
    """Return the residue at which one amino acid stands for another, None for any other change."""
    found = read(text)
    plain = found is not None and found.kind == "sub" and "*" not in (found.new, found.first[0])
    return found.first if found and plain and found.first == found.last and not found.synonymous else None


def effects(text: str | None) -> frozenset[str] | None:
    """Return what a change may do to the protein, None where that cannot be told."""
    found = read(text)
    if found is None or found.kind == "":
        return None
    if found.synonymous:
        return frozenset({"silent"})
    if found.kind == "sub":
        return frozenset({"nonsense" if found.new == "*" else "stop_lost" if found.first[0] == "*" else "missense"})
    return {
        "fs": frozenset({"frameshift_del", "frameshift_ins"}),
        "ext": frozenset({"stop_lost", "start_lost"}),
        "delins": frozenset({"inframe_del", "inframe_ins"}),
        "del": frozenset({"inframe_del"}),
        "dup": frozenset({"inframe_ins"}),
        "ins": frozenset({"inframe_ins"}),
    }[found.kind]
