"""What a local code could mean: the words of our terminology tables, each with the standard code that it names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from trialbridge.criteria.terminology import drugs, oncotree
from trialbridge.criteria.terminology.source import kept, listed, rows
from trialbridge.emr.localcodes.codes import Kind, Target
from trialbridge.emr.localcodes.finding import ANSWERED
from trialbridge.emr.tables.rows import observation_kinds
from trialbridge.emr.tables.rows import rows as answer_rows

_ASKED: Final = {name for names in ANSWERED.values() for name in names} | {"msi", "mmr", "tmb", "ecog"}
_SCORE: Final = 1
"""Digits of a score, which is no code."""
_SCORES: Final = {
    "ecog": "ECOG performance status",
    "karnofsky": "Karnofsky performance status",
    "lansky": "Lansky play score",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word of a table and what it names."""

    word: str
    target: Target
    table: str


@kept()
def candidates(kind: Kind) -> Mapping[str, Candidate]:
    """Return the candidates for codes of a kind by their folded words; of two for one word the first."""
    found: dict[str, Candidate] = {}
    for one in _of(kind):
        found.setdefault(folded(one.word), one)
    found.pop("", None)
    return MappingProxyType(found)


def folded(words: str) -> str:
    """Return words in lower case with nothing but letters, digits and single spaces between."""
    return " ".join("".join(one if one.isalnum() or one in "%/" else " " for one in words.casefold()).split())


def _of(kind: Kind) -> Iterator[Candidate]:
    if kind == "observation":
        yield from _tests()
    elif kind == "condition":
        yield from _diseases()
    elif kind == "medication":
        yield from (Candidate(name, Target("drug", drugs.generic(name)), "drugs") for name in drugs.known())
    elif kind == "unit":
        yield from _units()
    elif kind == "answer":
        yield from _answers()


def _tests() -> Iterator[Candidate]:
    for name, codes, _, aliases in rows("labs", 4):
        target = Target("loinc", listed(codes)[0], name)
        yield from (Candidate(word, target, "labs") for word in (name, *listed(aliases), *listed(codes)))
    for (system, code), (kind, argument) in observation_kinds().items():
        if system == "loinc":
            name = _SCORES.get(argument) or f"{argument} {kind}".strip().replace("_", " ")
            words = dict.fromkeys((name, argument or name, code))
            yield from (Candidate(word, Target("loinc", code, name), "observations") for word in words)


def _diseases() -> Iterator[Candidate]:
    for code in oncotree.codes():
        name = oncotree.name(code)
        yield from (Candidate(word, Target("oncotree", code, name), "oncotree") for word in (name, code))
    for name, icd, _, aliases in rows("conditions", 4):
        if listed(icd):
            target = Target("icd10", listed(icd)[0], name)
            yield from (Candidate(word, target, "conditions") for word in (name, *listed(aliases)))


def _answers() -> Iterator[Candidate]:
    """Yield the words of the answers that matching reads, each with the first code that stands for it."""
    coded: dict[tuple[str, str], Target] = {}
    for name, written, word, _ in answer_rows("answers"):
        code = written.upper()
        system = "snomed" if code.isdigit() and len(code) > _SCORE else "loinc-answer" if code.startswith("LA") else ""
        if name in _ASKED and system:
            coded.setdefault((name, word), Target(system, code, word))
    for name, written, word, _ in answer_rows("answers"):
        target = coded.get((name, word))
        if target is not None:
            yield from (Candidate(one, target, "answers") for one in dict.fromkeys((f"{name} {word}", written, word)))


def _units() -> Iterator[Candidate]:
    first: dict[tuple[str, str], str] = {}
    for unit, dimension, factor in rows("units", 3):
        ucum = first.setdefault((dimension, factor), unit)
        yield Candidate(unit, Target("ucum", ucum, ucum), "units")
