"""Facts by what they are about (gene, test, marker, signature), so that a criterion looks at its own alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, get_args

from trialbridge.criteria import facts as f
from trialbridge.criteria.terminology import genes, markers
from trialbridge.criteria.terminology.source import kept


@kept(maxsize=1024)
def covered(symbols: tuple[str, ...]) -> frozenset[str]:
    """Return the approved symbols of a panel's genes."""
    return frozenset(genes.canonical(symbol) for symbol in symbols)


def genes_of(fact: Any) -> tuple[str, ...]:
    """Return the approved symbols of the genes that a genomic finding is about, each once."""
    own = genes.canonical(fact.gene)
    if isinstance(fact, f.Fusion) and fact.partner:
        other = genes.canonical(fact.partner)
        return (own, other) if other != own else (own,)
    return (own,)


def _loinc(fact: Any) -> tuple[str, ...]:
    return (fact.loinc,)


SUBJECTS: Final[Mapping[type[Any], Callable[[Any], tuple[str, ...]]]] = {
    f.Variant: genes_of,
    f.CopyNumber: genes_of,
    f.Fusion: genes_of,
    f.Lab: _loinc,
    f.Vital: _loinc,
    f.Signature: lambda fact: (fact.name,),
    f.Marker: lambda fact: (markers.canonical(fact.marker),),
}
"""What facts of a type are about; types that are read as a whole are not in it."""


class Subjects:
    """Facts by type, and (worked out when asked for) by subject; always in the order given."""

    __slots__ = ("_about", "_by_type", "_panels")

    def __init__(self, facts: Iterable[f.AnyFact]) -> None:
        """Sort the facts by type."""
        self._by_type: dict[type, list[Any]] = {}
        self._about: dict[type, dict[str, list[Any]]] = {}
        self._panels: list[tuple[frozenset[str], list[tuple[int, f.Coverage]]]] | None = None
        for fact in facts:
            self._by_type.setdefault(type(fact), []).append(fact)

    def of(self, kind: type) -> Sequence[Any]:
        """Return the facts of a type."""
        return self._by_type.get(kind, ())

    def about(self, kind: type, what: str) -> Sequence[Any]:
        """Return the facts of a type about one subject."""
        groups = self._about.get(kind)
        if groups is None:
            groups = self._about[kind] = {}
            subjects = SUBJECTS[kind]
            for fact in self._by_type.get(kind, ()):
                for one in subjects(fact):
                    groups.setdefault(one, []).append(fact)
        return groups.get(what, ())

    def looked(self, gene: str) -> Sequence[f.Coverage]:
        """Return the tests that looked at a gene; tests of the same genes are asked once."""
        if self._panels is None:
            by_genes: dict[tuple[str, ...], list[tuple[int, f.Coverage]]] = {}
            for place, fact in enumerate(self._by_type.get(f.Coverage, ())):
                by_genes.setdefault(fact.genes, []).append((place, fact))
            self._panels = [(covered(symbols), tests) for symbols, tests in by_genes.items()]
        found = [tests for symbols, tests in self._panels if gene in symbols]
        if len(found) == 1:
            return [fact for _, fact in found[0]]
        return [
            fact for _, fact in sorted(((place, fact) for tests in found for place, fact in tests), key=itemgetter(0))
        ]

    def called(self, kind: str, what: str) -> Sequence[Any]:
        """Return the facts of a kind by its name, or those about one subject where one is named."""
        of_kind = _TYPES[kind]
        if not what:
            return self.of(of_kind)
        return self.looked(what) if of_kind is f.Coverage else self.about(of_kind, what)


_TYPES: Final[Mapping[str, type]] = {str(one.__struct_config__.tag): one for one in get_args(f.AnyFact)}
