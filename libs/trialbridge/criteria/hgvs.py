"""Protein changes (HGVS p.): one- and three-letter forms, with or without parentheses, to one comparable form.

A criterion on a position (``p.V600``) is met by a single amino acid substitution at that position, nothing else: a
stop (``p.V600*``), a deletion-insertion that begins there (``p.V600_K601delinsE``), a frameshift, or text that is not HGVS
is another change.
"""

import re
from functools import lru_cache

_THREE = {
    "Ala": "A", "Arg": "R", "Asn": "N", "Asp": "D", "Cys": "C", "Gln": "Q", "Glu": "E", "Gly": "G", "His": "H",
    "Ile": "I", "Leu": "L", "Lys": "K", "Met": "M", "Phe": "F", "Pro": "P", "Ser": "S", "Thr": "T", "Trp": "W",
    "Tyr": "Y", "Val": "V", "Ter": "*", "Sec": "U", "Xaa": "X",
}  # fmt: skip
_AMINO = "ACDEFGHIKLMNPQRSTVWYU"
_THREE_PATTERN = re.compile("|".join(_THREE), re.IGNORECASE)
_POSITION = re.compile(rf"([{_AMINO}])(\d+)")
_SUBSTITUTION = re.compile(rf"([{_AMINO}])(\d+)([{_AMINO}])")
_SYNONYMOUS = re.compile(rf"([{_AMINO}*])(\d+)(=|\1)")
_WHOLE = re.compile(
    rf"[{_AMINO}*]\d+(?:_[{_AMINO}*]\d+)?"
    rf"(?:=|[{_AMINO}*X]|fs(?:[*X]\d*)?|[{_AMINO}]fs(?:[*X]\d*)?|del|dup|ins[{_AMINO}*]+|delins[{_AMINO}*]+|ext[{_AMINO}*\d-]+)?"
)
_CODING = re.compile(
    r"[-*]?\d+(?:[-+]\d+)?(?:_[-*]?\d+(?:[-+]\d+)?)?(?:[ACGT]+>[ACGT]+|=|(?:delins|del|dup|ins|inv)[ACGT]*)"
)
_BY_KEYWORD = (
    ("fs", frozenset({"frameshift_del", "frameshift_ins"})),
    ("ext", frozenset({"stop_lost", "start_lost"})),
    ("delins", frozenset({"inframe_del", "inframe_ins"})),
    ("del", frozenset({"inframe_del"})),
    ("dup", frozenset({"inframe_ins"})),
    ("ins", frozenset({"inframe_ins"})),
)


@lru_cache(maxsize=65536)
def normal(change: str) -> str | None:
    """Return a change without ``p.`` in one-letter form (``V600E``), or None where the text is not a protein change."""
    text = change.strip()
    if ":" in text:
        text = text.rsplit(":", 1)[1]
    if text[:2].casefold() == "p.":
        text = text[2:]
    text = text.replace("(", "").replace(")", "").replace("[", "").replace("]", "").strip()
    text = _one_letter(text)
    return text if _WHOLE.fullmatch(text) else None


def _one_letter(text: str) -> str:
    if re.match(r"[A-Za-z]{3}\d", text):
        # Only names next to a number or to each other are amino acids; the keywords stay (del, ins, dup, ext).
        text = re.sub(r"(?i)(delins|ins|del|dup|ext|fs)", lambda m: f" {m[1].lower()} ", text)
        text = _THREE_PATTERN.sub(lambda m: _THREE[m[0].capitalize()], text)
        text = text.replace(" ", "")
    keyword = re.search(r"(delins|ins|del|dup|ext|fs)", text, re.IGNORECASE)
    if keyword is None:
        return text.upper()
    head, tail = text[: keyword.start()], text[keyword.end() :]
    return head.upper() + keyword[0].lower() + tail.upper()


@lru_cache(maxsize=65536)
def position(text: str) -> str | None:
    """Return ``V600`` of a position written ``p.V600``, ``V600`` or ``p.Val600``; None where it is not a position."""
    found = normal(text)
    return found if found and _POSITION.fullmatch(found) else None


def substitution_at(change: str) -> str | None:
    """Return the position (``V600``) at which a change is a single substitution, else None."""
    found = normal(change)
    match = _SUBSTITUTION.fullmatch(found) if found else None
    return f"{match[1]}{match[2]}" if match and match[1] != match[3] else None


def is_synonymous(change: str) -> bool:
    """Return whether the change leaves the protein as it was (``p.G12=``, ``p.(Gly12=)``)."""
    found = normal(change)
    return bool(found and _SYNONYMOUS.fullmatch(found))


def codon_of(change: str) -> tuple[int, int] | None:
    """Return the first and last residue number that a change touches, or None where it cannot be read."""
    found = normal(change)
    numbers = [int(n) for n in re.findall(rf"[{_AMINO}*](\d+)", found.split("ins")[0].split("fs")[0])] if found else []
    return (numbers[0], numbers[-1]) if numbers else None


@lru_cache(maxsize=65536)
def coding(text: str) -> str | None:
    """Return a coding change without transcript and ``c.`` (``1799T>A``), or None where the text is not one."""
    plain = "".join(text.split()).rsplit(":", 1)[-1].removeprefix("c.")
    return plain if _CODING.fullmatch(plain) else None


@lru_cache(maxsize=65536)
def effect(change: str) -> frozenset[str] | None:
    """Return the elementary classes of effect that a protein change may be, or None where it cannot be told."""
    found = normal(change)
    if found is None or "?" in found:
        return None
    if is_synonymous(change):
        return frozenset({"silent"})
    for word, classes in _BY_KEYWORD:
        if word in found:
            return classes
    if found.endswith("*"):
        return frozenset({"nonsense"})
    return frozenset({"missense"}) if _SUBSTITUTION.fullmatch(found) else None
