"""What a criterion reads of a patient, finer than the kind of fact: which gene, test, marker or signature."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.leaves import READS
from trialbridge.criteria.leaves.combined import REPAIR_PROTEINS
from trialbridge.criteria.plan import Step
from trialbridge.criteria.subjects import covered, genes_of
from trialbridge.criteria.terminology import genes, labs, markers


class Reading(NamedTuple):
    """A kind of fact, and what about it; empty where the kind is read as a whole."""

    kind: str
    what: str = ""


_GENOMIC: Final = frozenset({"variant", "copy_number", "fusion", "coverage"})


def reads(step: Step) -> Iterator[Reading]:
    """Yield what a leaf reads; nothing for a group, whose members are asked by themselves."""
    if step.judge is None:
        return
    node = step.node
    narrow = _NARROW.get(type(node))
    for kind in READS[type(node)]:
        if narrow is None:
            yield Reading(kind)
        else:
            yield from (Reading(kind, what) for what in narrow(node))


def reads_of(step: Step) -> frozenset[Reading]:
    """Return what a leaf reads; worked out once."""
    found = step.reads
    if found is None:
        found = step.reads = frozenset(reads(step))
    return found


def _gene(leaf: Any) -> tuple[str, ...]:
    return (genes.canonical(leaf.gene),)


_NARROW: Final[Mapping[type[Any], Callable[[Any], tuple[str, ...]]]] = {
    q.Variant: _gene,
    q.CopyNumber: _gene,
    q.Fusion: _gene,
    q.WildType: _gene,
    q.Tested: _gene,
    q.Lab: lambda leaf: labs.codes_of(leaf.test),
    q.Vital: lambda leaf: (leaf.loinc,),
    q.Signature: lambda leaf: (leaf.name, *(REPAIR_PROTEINS if leaf.name == "mmr" else ())),
    q.Expression: lambda leaf: (markers.canonical(leaf.marker),),
}


def keys_of(fact: f.AnyFact) -> Iterator[Reading]:
    """Yield what a fact says something about."""
    kind = str(fact.__struct_config__.tag)
    if isinstance(fact, f.Coverage):
        yield from (Reading(kind, gene) for gene in covered(fact.genes))
    elif kind in _GENOMIC:
        yield from (Reading(kind, gene) for gene in genes_of(fact))
    elif isinstance(fact, (f.Lab, f.Vital)):
        yield Reading(kind, fact.loinc)
    elif isinstance(fact, f.Signature):
        yield Reading(kind, fact.name)
    elif isinstance(fact, f.Marker):
        yield Reading(kind, markers.canonical(fact.marker))
    else:
        yield Reading(kind)
