"""Words in a patient written by hand that no table knows: such a fact is kept, and answers hardly any criterion.

Said without quoting the word: it may name a patient.
"""

from collections.abc import Iterator
from typing import NamedTuple

from trialbridge.criteria import facts as f
from trialbridge.criteria.genomic_checks import INTERGENIC
from trialbridge.criteria.leaves.disease import readings
from trialbridge.criteria.terminology import crosswalk, drugs, genes, oncotree
from trialbridge.criteria.terminology.nearest import hint
from trialbridge.criteria.terminology.source import kept


class UnknownWord(NamedTuple):
    """A warning: its code, where the word stands (``facts[3].gene``), and what may be meant."""

    code: str
    path: str
    message: str


def unknown_words(patient: f.PatientFacts) -> Iterator[UnknownWord]:
    """Yield the genes, drugs and tumour types of a patient that the tables in force do not know, in the order of the facts."""
    for number, fact in enumerate(patient.facts):
        path = f"facts[{number}]"
        for symbol, key in _symbols(fact):
            yield from _gene(symbol, f"{path}.{key}")
        if isinstance(fact, f.Therapy):
            unknown = (place for place, drug in enumerate(fact.drugs) if drugs.classes_of(drug) is None)
            for place in unknown:
                yield UnknownWord("facts.unknown-drug", f"{path}.drugs[{place}]", _drug(fact.drugs[place]))
        elif isinstance(fact, f.Diagnosis):
            yield from _diagnosis(fact, path)


def _symbols(fact: f.AnyFact) -> Iterator[tuple[str, str]]:
    """Yield the gene symbols of a fact and where in it they stand."""
    if isinstance(fact, f.Coverage):
        yield from ((gene, f"genes[{place}]") for place, gene in enumerate(fact.genes))
    elif isinstance(fact, f.Variant | f.CopyNumber | f.Fusion):
        yield fact.gene, "gene"
        if isinstance(fact, f.Fusion) and fact.partner is not None:
            yield fact.partner, "partner"


def _gene(symbol: str, path: str) -> Iterator[UnknownWord]:
    if genes.approved(symbol) is not None or symbol.casefold() == INTERGENIC:
        return
    several = genes.choices(symbol)
    if several:
        choices = " or ".join(map(repr, several))
        yield UnknownWord("facts.ambiguous-gene", path, f"Several genes have this name; did you mean {choices}?")
    else:
        yield UnknownWord("facts.unknown-gene", path, _unknown_gene(symbol))


@kept(maxsize=4096)
def _unknown_gene(symbol: str) -> str:
    return f"The gene table has no such gene. {hint(symbol.upper(), genes.known())}".rstrip()


@kept(maxsize=4096)
def _drug(name: str) -> str:
    said = "The drug table has no such drug: only criteria with this very name see it."
    return f"{said} {hint(name, drugs.known())}".rstrip()


def _diagnosis(fact: f.Diagnosis, path: str) -> Iterator[UnknownWord]:
    recognised = bool(readings(fact))
    for number, coding in enumerate(fact.codes):
        word = coding.code or coding.text or ""
        own = crosswalk.system_of(coding.system) == "oncotree"
        if own and oncotree.resolve(word) is None:
            yield UnknownWord("facts.unknown-term", f"{path}.codes[{number}]", _term(word))
        elif not own and not recognised:
            yield UnknownWord("facts.unknown-term", f"{path}.codes[{number}]", _term(coding.text or ""))


@kept(maxsize=4096)
def _term(word: str) -> str:
    near = hint(word, oncotree.spellings()) if word else ""
    return f"No tumour type is known by this. {near}".rstrip()
