"""Which identifiers prove that two source records are one person, and how strongly. The tables here are data.

Type codes are HL7 table 0203. The order follows the HL7 identity matching guide: identifiers that one authority gives to one
person come first; a social security number alone proves nothing, nor does a number that families, visits or accounts share.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from trialbridge.contracts.events import Identifier

RANKS: Mapping[str, int] = {
    "NI": 1,  # national person identifier
    "NH": 1,  # national health plan identifier
    "HC": 2,  # health card
    "JHN": 2,  # jurisdictional health number
    "PPN": 3,  # passport
    "DL": 4,  # driver's licence
    "MB": 5,  # insurance member, one per person
    "MC": 5,  # Medicare
    "MA": 5,  # Medicaid
    "MR": 6,  # medical record number, of the named authority
    "PI": 7,  # patient internal
    "PT": 7,  # patient external
    "": 9,  # no type given, yet a named authority
}
"""Rank by type, 1 the best; a type that is not here proves nothing (SS, SN, AN, VN, ANON …)."""

WEAK_SYSTEMS = frozenset({"http://hl7.org/fhir/sid/us-ssn", "2.16.840.1.113883.4.1", "ssn", "usssa"})
"""Social security numbers, whatever type the record gives them."""

_STOCK_WORDS = """
    UNKNOWN UNK UNKN UKN NOTKNOWN NONE NOVALUE NONUMBER NOID NOMRN NOSSN NOIDENTIFIER NULL NIL NAN UNDEFINED EMPTY BLANK
    NA N/A NOTAVAILABLE UNAVAILABLE NOTAPPLICABLE NOTGIVEN NOTPROVIDED NOTRECORDED NOTSPECIFIED UNSPECIFIED NOTASSIGNED
    UNASSIGNED NOTONFILE MISSING DECLINED REFUSED WITHHELD MASKED REDACTED ANONYMOUS ANON PENDING TBD TBA TOBEASSIGNED
    TEST TESTPATIENT TEMP TEMPORARY DUMMY DEFAULT SAMPLE EXAMPLE DUMMYMRN OTHER SELF PATIENT EMERGENCY TRAUMA NEWBORN
    JOHNDOE JANEDOE ? - 123456789 1234567890 0123456789 987654321 9876543210 ABCDEF
"""
PLACEHOLDERS = frozenset(_STOCK_WORDS.split())
"""Words and numbers that stand for no number; compared in upper case, and without what is neither letter nor digit."""
_REPEATED = 4


class Token(NamedTuple):
    """A strong identifier, comparable: best rank first, then system and value."""

    rank: int
    system: str
    value: str

    @property
    def name(self) -> str:
        """Return what two records must share: system and value, whatever type each gave."""
        return f"{self.system}|{self.value}"


def is_placeholder(value: str) -> bool:
    """Return whether a value stands for no value: empty, a stock word, all zeros, or one character four times or more."""
    bare = "".join(char for char in value.upper() if char.isalnum())
    if not bare or value.strip().upper() in PLACEHOLDERS or bare in PLACEHOLDERS or not bare.strip("0"):
        return True
    return len(bare) >= _REPEATED and len(set(bare)) == 1


def token(identifier: Identifier) -> Token | None:
    """Return the comparable form of a strong identifier, or None where it proves nothing (weak, placeholder, no authority)."""
    system = identifier.system.strip().lower().removeprefix("urn:oid:").rstrip("/")
    rank = RANKS.get(identifier.type.strip().upper())
    if rank is None or not system or system in WEAK_SYSTEMS or is_placeholder(identifier.value):
        return None
    return Token(rank, system, identifier.value.strip().upper())


def tokens(identifiers: Iterable[Identifier]) -> Mapping[str, tuple[Token, str]]:
    """Return the strong identifiers by name, each with its best rank and the type word that gave it."""
    return _tokens(tuple(identifiers))


@lru_cache(maxsize=8_192)
def _tokens(identifiers: tuple[Identifier, ...]) -> Mapping[str, tuple[Token, str]]:
    found: dict[str, tuple[Token, str]] = {}
    for identifier in identifiers:
        strong = token(identifier)
        if strong is not None and (strong.name not in found or strong < found[strong.name][0]):
            found[strong.name] = (strong, identifier.type.strip().upper() or "other")
    return found
