"""Reads one protein change (HGVS p., hgvs-nomenclature.org, and the older spellings that reports still have) into its parts.

Every spelling of a change gives the same parts: one- and three-letter names, in any letter case, predicted (in parentheses) or
not, with a reference before it or not, a stop as ``*``, ``Ter``, ``Stop`` or (one-letter) ``X``. Nothing is guessed: what is not
understood in full is no change. The work is linear in the length of the text, and texts longer than `LONGEST` are not read.
"""

import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Final, Literal, NamedTuple

LONGEST: Final = 2000
"""Characters; an internal tandem duplication of hundreds of residues in three-letter names fits."""
Kind = Literal[
    "position", "synonymous", "unknown", "substitution", "frameshift", "deletion", "duplication", "insertion", "indel",
    "extension", "repeat", "no_protein"
]  # fmt: skip
STOP: Final = "*"
ANY: Final = "Xaa"
"""One amino acid that is not told; one-letter X is a stop, as it was when reports wrote it."""
_NAMES: Final = (
    "AlaA ArgR AsnN AspD CysC GlnQ GluE GlyG HisH IleI LeuL LysK MetM PheF ProP PylO SecU SerS ThrT TrpW TyrY ValV Ter*"
)
_THREE: Final = {name[:3].upper(): name[3] for name in _NAMES.split()}
_ONE: Final = frozenset(_THREE.values())
_RESIDUE: Final = re.compile(r"([A-Z]{3}|[A-Z*])([1-9][0-9]{0,5})")
_MARK: Final = re.compile(r"(?:^|[^A-Z0-9])P\.")
_STOPS: Final = ("*", "X", "TER", "STOP")
_STOP_AT: Final = re.compile(r"(?:\*|X|TER|STOP)([1-9][0-9]{0,5}|\?)?")
_LONGER: Final = re.compile(r"(?:(?:\*|X|TER|STOP)([1-9][0-9]{0,5}|\?)?|(?:MET|M)?-([1-9][0-9]{0,5}|\?))?")
_COUNT: Final = re.compile(r"\(?([1-9][0-9]{0,5})\)?|(?:XAA|X)?\[([1-9][0-9]{0,5})\]")
_TIMES: Final = re.compile(r"\[([1-9][0-9]{0,5})\]")
_PREDICTED_TIMES: Final = re.compile(r"\(([^()]+)\)(\[[0-9]+\])")
_WRAPPERS: Final = (("(", ")"), ("[", "]"))
_ROUNDS: Final = 4
Mode = Literal[1, 3]
"""Letters of an amino acid's name."""


class Residue(NamedTuple):
    """An amino acid of the reference, in one letter (``*`` for the stop), and its number."""

    letter: str
    number: int

    def __str__(self) -> str:
        """Return ``V600``."""
        return f"{self.letter}{self.number}"


class ProteinChange(NamedTuple):
    """A change from the first to the last residue that it touches; both are None where it is of the protein as a whole."""

    kind: Kind
    first: Residue | None = None
    last: Residue | None = None
    new: str = ""
    """What comes in their place, in one letter each; ``[5]`` is five residues that are not told, `ANY` one of them."""
    extent: str = ""
    """Of a frameshift or extension where it ends, of a repeat how often; empty where that is not told."""

    @property
    def place(self) -> str:
        """Return ``V600`` or ``E746_A750``."""
        return f"{self.first}" if self.first == self.last else f"{self.first}_{self.last}"

    def __str__(self) -> str:
        """Return the one spelling that stands for all."""
        if self.first is None:
            return {"synonymous": "=", "no_protein": "0"}.get(self.kind, "?")
        stop = f"*{self.extent}" if self.extent else ""
        length = f"{'' if self.extent.startswith('-') else '*'}{self.extent}" if self.extent else ""
        return (
            self.place
            + {
                "position": "",
                "synonymous": "=",
                "unknown": "?",
                "substitution": self.new,
                "frameshift": f"{self.new}fs{stop}",
                "deletion": "del",
                "duplication": "dup",
                "insertion": f"ins{self.new}",
                "indel": f"delins{self.new}",
                "extension": f"{self.new}ext{length}",
                "repeat": f"[{self.extent}]",
                "no_protein": "",
            }[self.kind]
        )


def read(text: str) -> ProteinChange | None:
    """Return the protein change in a text, None where the text as a whole is not one."""
    if len(text) > LONGEST or not text.isascii():
        return None
    plain = _bare(text.upper().replace("%3D", "="))
    if plain in ("=", "?", "0", "0?"):
        return ProteinChange("synonymous" if plain == "=" else "no_protein" if plain[0] == "0" else "unknown")
    found = _residue(plain, 0)
    if found is None:
        return None
    first, mode, at = found
    last = first
    if plain[at : at + 1] in ("_", "-") and (second := _residue(plain, at + 1)) is not None:
        last, _, at = second
        if last.number <= first.number:
            return None
    return _what(first, last, plain[at:], mode)


def _bare(text: str) -> str:
    """Return a text in capitals without reference, ``p.``, parentheses, brackets and spaces around the change."""
    tail = text.rsplit(":", 1)[-1]
    marks = list(_MARK.finditer(tail))
    if marks:
        inside = tail[marks[-1].start()] == "("
        tail = tail[marks[-1].end() :]
        if inside:
            tail = tail.rstrip().removesuffix(")")
    tail = "".join(tail.split())
    for _ in range(_ROUNDS):
        before = tail
        for opening, closing in _WRAPPERS:
            if tail.startswith(opening) and tail.endswith(closing):
                tail = tail[1:-1]
        tail = tail.removeprefix("P.")
        if tail == before:
            break
    predicted = _PREDICTED_TIMES.fullmatch(tail)
    return predicted[1] + predicted[2] if predicted else tail


def _residue(text: str, at: int) -> tuple[Residue, Mode, int] | None:
    found = _RESIDUE.match(text, at)
    if found is None:
        return None
    name = found[1]
    letter = _THREE.get(name) if len(name) == len(ANY) else STOP if name == "X" else name if name in _ONE else None
    if letter is None:
        return None
    return Residue(letter, int(found[2])), 3 if len(name) == len(ANY) else 1, found.end()


def _what(first: Residue, last: Residue, rest: str, mode: Mode) -> ProteinChange | None:
    """Return what happens to the residues, in the names that the reference has, or else in the other ones."""
    modes: tuple[Mode, ...] = (mode, 1 if mode == len(ANY) else 3)
    for reader, names in product(_READERS, modes):
        found = reader(first, last, rest, names)
        if found is not None:
            return found
    return None


Reader = Callable[[Residue, Residue, str, Mode], ProteinChange | None]


def _plain(first: Residue, last: Residue, rest: str, mode: Mode) -> ProteinChange | None:
    del mode
    kinds: dict[str, Kind] = {"": "position", "=": "synonymous", "?": "unknown"}
    if rest in kinds:
        return ProteinChange(kinds[rest], first, last)
    times = _TIMES.fullmatch(rest)
    return ProteinChange("repeat", first, last, extent=times[1]) if times else None


def _one(text: str, mode: Mode) -> str | None:
    """Return one residue, a stop, or one that is not told."""
    if text in _STOPS:
        return STOP
    if text == ANY.upper():
        return ANY
    return _THREE.get(text) if mode == len(ANY) else text if text in _ONE else None


def _substitution(first: Residue, last: Residue, rest: str, mode: Mode) -> ProteinChange | None:
    new = _one(rest.removeprefix(">"), mode) if first == last else None
    return _replaced(first, last, new) if new else None


def _replaced(first: Residue, last: Residue, new: str) -> ProteinChange:
    """Return the change of residues for others; one for one is a substitution however it is written."""
    if first != last or (len(new) > 1 and new != ANY):
        return ProteinChange("indel", first, last, new)
    return (
        ProteinChange("synonymous", first, last)
        if new == first.letter
        else ProteinChange("substitution", first, last, new)
    )


def _shifted(first: Residue, last: Residue, rest: str, mode: Mode) -> ProteinChange | None:
    for new, tail in _split(rest, "FS", mode):
        stop = _STOP_AT.fullmatch(tail) if tail else None
        if first == last and (not tail or stop):
            return ProteinChange("frameshift", first, last, new, _number(stop[1] if stop else None))
    return None


def _extended(first: Residue, last: Residue, rest: str, mode: Mode) -> ProteinChange | None:
    if first != last or (first.letter != STOP and str(first) != "M1"):
        return None
    for new, tail in _split(rest, "EXT", mode):
        longer = _LONGER.fullmatch(tail)
        if longer:
            ahead = _number(longer[2])
            return ProteinChange("extension", first, last, new, f"-{ahead}" if ahead else _number(longer[1]))
    return None


def _split(rest: str, word: str, mode: Mode) -> Iterator[tuple[str, str]]:
    """Yield the residue before a keyword, empty where there is none, and the text behind it."""
    before, found, behind = rest.partition(word)
    new = _one(before, mode) if before else ""
    if found and new is not None and new != ANY:
        yield new, behind


def _number(text: str | None) -> str:
    return "" if text in (None, "?") else str(text)


def _removed(first: Residue, last: Residue, rest: str, mode: Mode) -> ProteinChange | None:
    for word, kind in _WORDS.items():
        if rest.startswith(word) and _same(first, last, rest[len(word) :], mode):
            return ProteinChange(kind, first, last)
    return None


_WORDS: Final[dict[str, Kind]] = {"DEL": "deletion", "DUP": "duplication"}


def _same(first: Residue, last: Residue, said: str, mode: Mode) -> bool:
    """Return whether the residues that are said to go, or to come twice, are those named; often nothing is said."""
    length = last.number - first.number + 1
    if not said or said == str(length):
        return True
    letters = _letters(said, mode)
    return bool(letters) and len(letters) == length and letters[0] == first.letter and letters[-1] == last.letter


def _letters(text: str, mode: Mode) -> str:
    """Return residues in one letter each; empty where there is anything else, or a stop before the end."""
    if mode == len(ANY):
        tail = STOP if text.endswith(STOP) else ""
        body = text.removesuffix(STOP)
        names = [body[at : at + len(ANY)] for at in range(0, len(body), len(ANY))]
        letters = "".join(_THREE.get(name, " ") for name in names) + tail
    else:
        letters = f"{text[:-1]}{STOP}" if text.endswith("X") else text
    return letters if set(letters) <= _ONE and STOP not in letters[:-1] else ""


def _inserted(first: Residue, last: Residue, rest: str, mode: Mode) -> ProteinChange | None:
    gone, found, said = rest.partition(">") if rest.startswith(">") else rest.partition("INS")
    new = _sequence(said, mode) if found else ""
    if not new:
        return None
    if found == ">" or (gone.startswith("DEL") and _same(first, last, gone.removeprefix("DEL"), mode)):
        return _replaced(first, last, new)
    # Between two neighbours; some reports name the first of them alone.
    beside = last.number - first.number <= 1
    return ProteinChange("insertion", first, last, new) if not gone and beside else None


def _sequence(text: str, mode: Mode) -> str:
    """Return inserted residues, ``[5]`` where only their number is told, or empty."""
    counted = _COUNT.fullmatch(text)
    if counted:
        return f"[{counted[1] or counted[2]}]"
    return ANY if text == ANY.upper() else _letters(text, mode)


_READERS: Final[tuple[Reader, ...]] = (_plain, _substitution, _shifted, _extended, _inserted, _removed)
