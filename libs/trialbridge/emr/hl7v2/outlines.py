"""Splits a segment into codes, texts and times at once, by its outline: the delimiters that are in it.

``DG1|1||C34.1^Lung^I10||20260301|F`` has the outline ``|||^^|||`` behind its name; ``I10`` is a code (of a system), its texts are
``1``, ``C34.1``, ``Lung`` and ``F``, its time is ``20260301``. A code is what decides how a segment is read; ``C34.1`` goes over as
it is, so it is a text here.

`forms.py` tells which components of a field hold codes and which hold what is of one patient; here the same is told of whole
segments, with people, places and organizations among their fields. Of each outline one pattern is made, which fits where every
component holds what may stand there; what it does not fit (escapes, deletions, texts with unusual signs) is read in full.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from trialbridge.emr.bounded import Bounded
from trialbridge.emr.hl7v2.forms import CODED, TEXT, TIME, form_of
from trialbridge.emr.tables.rows import rows

OFTEN: Final = 3
"""How often an outline must have come before its pattern is made."""
LONGEST: Final = 1_500
"""Signs of a segment; longer ones are read in full."""
FAMILIES: Final = {
    "MSH": "MSH", "EVN": "MSH", "PID": "PID", "PD1": "PID", "PV1": "PV1", "PV2": "PV1", "ORC": "ORC", "OBR": "ORC", "SPM": "ORC",
    "NTE": "ORC", "IN1": "IN1", "IN2": "IN1", **dict.fromkeys(("NK1", "AL1", "DG1", "PR1", "GT1"), ""),
}  # fmt: skip
"""Segments that patterns are made of; those of one family fill the same resources, so that it matters whether they say the same."""
_SIGNS: Final = bytes(one for one in range(256) if one not in b"|^~&")
_PATTERNS: Final = {
    "h": f"(?:{TEXT})?",
    "c": r'[^|^~\\"]{0,80}',
    "k": r'[^|^~&\\" ]{0,40}',
    "x": r'[^|^~&\\" ]{0,40}',
    "t": f"(?:{TIME})?",
}
"""What fits a component, by its letter: ``h`` a text, ``c`` a name of a system or place, ``k`` a code (in whose place there are no
words), ``x`` one that a table translates, ``t`` a time; empty ones fit too. ``-`` has no pattern: nothing may stand there."""
_PERSON, _HD, _PLACE, _FIRM = "hhhhhhcccccccc", "ccc", "hhhccchhh", "hchcccc--h"
_CODES: Final = "khckhckk"
"""A CWE whose code decides what is made of it."""
_GOING: Final = "hhchhckk"
"""A CWE whose code goes over as it is."""
_ACTORS: Final = {
    **dict.fromkeys(("practitioner", "participant", "agent", "requester"), _PERSON),
    **dict.fromkeys(("location", "placed"), _PLACE),
    **dict.fromkeys(("organization", "agentXon", "ordering"), _FIRM),
}
"""Readers of people, places and organizations, which a message may name again in the same words."""
_MORE: Final = {
    **_ACTORS,
    **dict.fromkeys(("hd", "agentHd", "site", "device", "entityDevice", "hdSource", "hdDestination"), _HD),
    **dict.fromkeys(("boolean", "status", "integer", "dataAbsent", "patientClass"), _CODES),
    **dict.fromkeys(("concept", "coding", "race", "language", "codedIdentifier", "codeText"), _GOING),
    **dict.fromkeys(("event", "eventWords"), "kkkkkkkk"),
    **dict.fromkeys(("identifier", "visitNumber"), "hccccctt"),
    "address": "hhhhhhchh",
    "comment": "h",
    "insured": "hhhhhhcc",
    "wholeName": "hhhhh",
    "named": "hhc",
    "dayOf": "t",
    "licence": "hct",
    "group": "hccc",
}
"""Letters of what a reader takes, where those of `forms.py` are too few or are not enough for a whole segment."""
_SAYS_NOTHING: Final = frozenset({"constant", "coded"})
"""Readers that look at no text of their field."""
_LOOKED_AT: Final = frozenset({("IN1", 17)})
"""Fields whose codes some reader of another field asks for."""
_TRANSLATED: Final = frozenset({("PID", 8), ("PID", 16), ("NK1", 15), ("DG1", 6), ("ORC", 5), ("OBR", 25)})
"""Fields whose codes a table translates, whatever they are."""
_CONDITION: Final = re.compile(r"!?(?:([A-Z][A-Z0-9]{2})-)?(\d+)(?:\.(\d+))?!?=")
_UNREAD: Final = "h" * 12
"""A field without a rule: kept as it was written."""


class Outline:
    """One outline of a segment."""

    __slots__ = (
        "_count",
        "actors",
        "codes",
        "family",
        "inside",
        "key",
        "match",
        "name",
        "own",
        "pieces",
        "texts",
        "times",
        "translated",
    )

    def __init__(self, name: str, line: str, key: tuple[str, bytes]) -> None:
        """Make the pattern of segments with the same delimiters as this one."""
        self.name = name
        self.key = key
        """The same for an outline that was forgotten and is made anew."""
        self.family = FAMILIES[name]
        """Empty for a segment that has resources of its own."""
        self.pieces: list[str | int] = []
        """The segment as it is written: delimiters, and numbers of groups."""
        self.codes: list[int] = []
        self.texts: list[int] = []
        self.times: list[int] = []
        self.actors: list[int] = []
        """Groups of whole repetitions that name somebody."""
        self.inside: dict[int, tuple[int, int]] = {}
        """By the groups in one of these: which one, and which component."""
        self.translated: list[int] = []
        """Those of texts that are codes which a table translates."""
        self.own: list[int] = []
        """Groups of texts and times that are in none of these."""
        self._count = 0
        self.match = re.compile("".join(self._parts(name, line))).fullmatch

    def _parts(self, name: str, line: str) -> Iterator[str]:
        fields = line.split("|")
        first = 2 if name == "MSH" else 1
        start = "|".join(fields[:first])
        yield re.escape(start)
        self.pieces.append(start)
        for number, field in enumerate(fields[first:], 3 if name == "MSH" else 1):
            yield self._sign("|")
            form, is_actor = _field(name, number)
            for at, rep in enumerate(field.split("~")):
                if at:
                    yield self._sign("~")
                if not is_actor:
                    yield from self._rep(rep, form)
                    continue
                self.actors.append(self._group())
                yield from ("(", *self._rep(rep, form, self.actors[-1]), ")")

    def _rep(self, rep: str, form: str, actor: int | None = None) -> Iterator[str]:
        for at, part in enumerate(rep.split("^")):
            if at:
                yield self._sign("^")
            letter = form[at] if at < len(form) else "-"
            if "&" in part and letter != "c":
                # Subcomponents where nobody expects them: nothing fits.
                letter = "-"
            if letter != "-":
                group = self._group()
                self.pieces.append(group)
                kinds = {"c": self.codes, "k": self.codes, "h": self.texts, "x": self.texts, "t": self.times}
                kinds[letter].append(group)
                if letter == "x":
                    self.translated.append(group)
                elif actor is not None:
                    self.inside[group] = actor, at
                elif letter in "ht":
                    self.own.append(group)
                yield f"({_PATTERNS[letter]})"

    def _group(self) -> int:
        self._count += 1
        return self._count - 1

    def _sign(self, sign: str) -> str:
        self.pieces.append(sign)
        return re.escape(sign)

    def written(self, groups: Sequence[str]) -> str:
        """Return the segment with other texts and times."""
        return "".join(one if isinstance(one, str) else groups[one] for one in self.pieces)


@cache
def _field(name: str, number: int) -> tuple[str, bool]:
    """Return the letters of a field's components, and whether it names somebody."""
    found: list[str] = []
    is_actor = is_ruled = False
    for target, field, _, _, reader, argument, _ in rows("v2_segments"):
        if target.partition("/")[0] == name and field == str(number):
            is_ruled = True
            if reader not in _SAYS_NOTHING:
                found.append(_form(reader, argument))
                is_actor = is_actor or reader in _ACTORS
    letters = list(_joined(found)) if found else list(_CODES if is_ruled else _UNREAD)
    if (name, number) in _TRANSLATED:
        letters[0] = "x"
    elif (name, number) in _LOOKED_AT:
        letters[0] = "k"
    for component in _asked(name, number):
        letters[component - 1 : component] = "k" if letters[component - 1 : component] != ["-"] else "-"
    return "".join(letters), is_actor


def _form(reader: str, argument: str) -> str:
    """Return the letters of what a reader takes, ``-`` where it must be read in full."""
    if reader in ("extension", "wrapped"):
        told = argument.split(" ", 3 if reader == "extension" else 2)[2 if reader == "extension" else 1 :]
        return _form(told[0], told[1] if len(told) > 1 else "")
    if reader == "part":
        return "k" * int(argument.split(" ", 1)[0])
    if reader == "code":
        return "kkkkkkkk" if " " in argument else _CODES
    form = _MORE.get(reader) or form_of(reader, argument)
    return "-" if form is None else _CODES if form == CODED else form


def _joined(forms: Sequence[str]) -> str:
    """Return the letters that suit all of several readers."""
    found = []
    for letters in zip(*(one.ljust(12, "-") for one in forms), strict=True):
        kinds = set(letters)
        found.append("-" if "-" in kinds else next(one for one in "kcth" if one in kinds))
    return "".join(found)


@cache
def _asked(name: str, number: int) -> tuple[int, ...]:
    """Return the components of a field whose codes some condition asks for."""
    found = set()
    for target, _, when, *_ in rows("v2_segments"):
        for one in _CONDITION.finditer(when):
            if (one[1] or target.partition("/")[0]) == name and int(one[2]) == number:
                found.add(int(one[3] or 1))
    return tuple(sorted(found))


_known: Bounded[tuple[str, bytes], Outline | int] = Bounded(2_000)


def outline_of(line: str) -> Outline | None:
    """Return the outline of a segment, None of one that is not known (yet)."""
    name = line[:3]
    if name not in FAMILIES or line[3:4] != "|" or len(line) > LONGEST:
        return None
    key = name, line.encode("utf-8", "replace").translate(None, _SIGNS)
    known = _known.get(key, 0)
    if isinstance(known, int):
        known = _known.keep(key, known + 1 if known + 1 < OFTEN else Outline(name, line, key))
    return known if isinstance(known, Outline) else None


def forget() -> None:
    """Begin anew, as a new process does."""
    _known.clear()
