"""A local code as a feed writes it, and the standard code that a person says it means."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, get_args

import msgspec

from trialbridge.contracts.errors import Place, Refused

Kind = Literal["observation", "condition", "medication", "procedure", "allergy", "unit", "answer"]
"""What a local code names; it decides what the code may be mapped to and which criteria could use it."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
SYSTEMS: Final[Mapping[str, str]] = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "icd10": "http://hl7.org/fhir/sid/icd-10-cm",
    "oncotree": "http://oncotree.mskcc.org",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "drug": "",
    "ucum": "http://unitsofmeasure.org",
    "loinc-answer": "http://loinc.org",
}
"""FHIR URIs of the standard systems by their words; a drug is mapped to its generic name, which has none."""
TARGETS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "observation": ("loinc", "snomed"),
    "condition": ("icd10", "oncotree", "snomed"),
    "medication": ("drug", "rxnorm"),
    "procedure": ("snomed",),
    "allergy": ("snomed", "rxnorm"),
    "unit": ("ucum",),
    "answer": ("snomed", "loinc-answer"),
}
"""Systems that a code of each kind may be mapped to, the usual one first."""
SERVES: Final[Mapping[Kind, frozenset[str]]] = {
    "observation": frozenset(
        {"lab", "vital", "performance", "stage", "marker", "signature", "pregnancy", "disease_status"}
    ),
    "condition": frozenset({"diagnosis", "condition", "stage"}),
    "medication": frozenset({"medication", "therapy"}),
    "procedure": frozenset({"procedure", "therapy"}),
    "allergy": frozenset({"allergy"}),
    "unit": frozenset({"lab", "vital"}),
    "answer": frozenset({"performance", "marker", "signature", "pregnancy", "disease_status", "variant", "stage"}),
}
"""Kinds of facts that a mapped code of each kind can give."""
LONGEST_CODE: Final = 80
LONGEST_WORDS: Final = 120
_UNPRINTABLE: Final = re.compile(r"[\s\x00-\x1f\x7f]+")
_SHAPES: Final = {
    "loinc": re.compile(r"\d{1,7}-\d"),
    "snomed": re.compile(r"[1-9]\d{5,17}"),
    "icd10": re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?"),
    "oncotree": re.compile(r"[A-Z][A-Z0-9_/-]{0,29}"),
    "rxnorm": re.compile(r"[1-9]\d{0,7}"),
    "drug": re.compile(r"[a-z0-9][a-z0-9 .,/+()'-]{0,79}"),
    "ucum": re.compile(r"[!-~]{1,40}"),
    "loinc-answer": re.compile(r"LA[1-9]\d{0,6}-\d"),
}
_LUHN: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_TEN: Final = 10
_TURN: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
"""Verhoeff's permutation."""
_FIVE: Final = 5
"""Turns of a pentagon; the digits above are its mirrored ones."""
_LETTERS: Final = (5, 2)
"""What the letters LA add to the check digit, before an even and an odd number of digits."""


class LocalCode(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """A code of a feed's own, or words that stand without any; capped, since both may be free text."""

    kind: Kind
    system: str = ""
    """As the record names it: a URI, a word, or nothing."""
    code: str = ""
    display: str = ""
    unit: str = ""
    """In which an observation's value is given, to tell tests of one name apart; not part of what the code is."""

    @property
    def identity(self) -> tuple[str, ...]:
        """Return what makes it this code and no other: its words count only where it has no code."""
        words = "" if self.code else self.display.casefold()
        return (self.kind, self.system, self.code, words)

    @property
    def words(self) -> str:
        """Return what people read it by: its display, else the code itself."""
        return self.display or self.code


class Target(msgspec.Struct, frozen=True, order=True):
    """A standard code: a word of `SYSTEMS`, the code, and its name."""

    system: str
    code: str
    display: str = ""


def local_code(kind: Kind, system: object, code: object, display: object, unit: object = "") -> LocalCode | None:
    """Return a local code, its parts trimmed and capped; None where it has neither code nor words."""
    parts = capped(system, LONGEST_CODE), capped(code, LONGEST_CODE), capped(display, LONGEST_WORDS)
    if not (parts[1] or parts[2]):
        return None
    return LocalCode(kind, *parts, capped(unit, LONGEST_CODE))


def capped(value: object, longest: int) -> str:
    """Return a text on one line and no longer than ``longest`` characters; nothing where it is no text."""
    if not isinstance(value, str) or not value:
        return ""
    text = _UNPRINTABLE.sub(" ", value[: longest * 8]).strip()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def checked(kind: Kind, target: Target) -> Target:
    """Return a target as it is kept, of a system for codes of this kind and of the system's form.

    Raises:
        Refused: ``codes.bad-system``, ``codes.bad-target``.
    """
    if target.system not in TARGETS[kind]:
        known = ", ".join(TARGETS[kind])
        raise Refused("codes.bad-system", f"A code of this kind is mapped to one of {known}.", Place(field="system"))
    written = " ".join(target.code.split())
    code = written.casefold() if target.system == "drug" else written
    if _SHAPES[target.system].fullmatch(code) is None or not _checks(target.system, code):
        message = f"This is not a code of {target.system}: its form or its check digit is wrong."
        raise Refused("codes.bad-target", message, Place(field="code"))
    return Target(target.system, code, capped(target.display, LONGEST_WORDS))


def _checks(system: str, code: str) -> bool:
    """Return whether the check digit holds of a code that has one.

    LOINC: Luhn, modulus 10; of an answer, its letters count too. SNOMED CT: Verhoeff, the last digit of all.
    """
    if system == "snomed":
        return _verhoeff(code) == 0
    if system not in ("loinc", "loinc-answer"):
        return True
    number, _, check = code.removeprefix("LA").partition("-")
    letters = _LETTERS[len(number) % 2] if system == "loinc-answer" else 0
    return (_luhn(number) + letters) % _TEN == int(check)


def _luhn(digits: str) -> int:
    total = sum(_LUHN[int(one)] if place % 2 == 0 else int(one) for place, one in enumerate(reversed(digits)))
    return -total % _TEN


def _verhoeff(digits: str) -> int:
    """Return Verhoeff's sum in the dihedral group D5: 0 where the last digit is the check digit of those before."""
    total = 0
    for place, one in enumerate(reversed(digits)):
        number = int(one)
        for _ in range(place % 8):
            number = _TURN[number]
        total = _compose(total, number)
    return total


def _compose(one: int, other: int) -> int:
    if one < _FIVE:
        return (one + other) % _FIVE if other < _FIVE else (one + other) % _FIVE + _FIVE
    return (one - other) % _FIVE + _FIVE if other < _FIVE else (one - other) % _FIVE


def serves(kind: Kind, used: Iterable[str]) -> bool:
    """Return whether criteria that read facts of the kinds ``used`` could use a mapped code of this kind."""
    return not SERVES[kind].isdisjoint(used)
