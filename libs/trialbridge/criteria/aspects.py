"""Aspects: the parts of a patient that some verdicts depend on alone, without a window of time; each gene is one.

Patients that are alike in an aspect get the same verdict from every criterion that reads that aspect only, so that what is
worked out for one of them holds for all. The index stands on this.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any, Final, NamedTuple

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.known import Known
from trialbridge.criteria.leaves.disease import is_present
from trialbridge.criteria.leaves.windows import limited
from trialbridge.criteria.plan import Step
from trialbridge.criteria.subjects import covered, genes_of
from trialbridge.criteria.terminology import genes


class Aspect(NamedTuple):
    """A part of a patient: its kind, and for genes which one."""

    kind: str
    gene: str = ""


DIAGNOSIS: Final = Aspect("diagnosis")
SEX: Final = Aspect("sex")
BIRTH: Final = Aspect("birth")
TREATMENT: Final = Aspect("treatment")
CONDITION: Final = Aspect("condition")
_OF_LEAF: Final[Mapping[type[Any], Aspect]] = {q.Diagnosis: DIAGNOSIS, q.Histology: DIAGNOSIS, q.Sex: SEX, q.Age: BIRTH}
_OF_UNLIMITED: Final[Mapping[type[Any], Aspect]] = {q.PriorTherapy: TREATMENT, q.Condition: CONDITION}
_OF_GENE: Final = (q.Variant, q.CopyNumber, q.Fusion, q.WildType, q.Tested)
_GENOMIC: Final = (f.Variant, f.CopyNumber, f.Fusion)


def aspect_of(step: Step) -> Aspect | None:
    """Return the one aspect that a criterion reads, or None where it reads several or one that has no key."""
    if step.judge is None:
        found = {aspect_of(member) for member in step.members}
        return found.pop() if len(found) == 1 else None
    if isinstance(step.node, _OF_GENE):
        return Aspect("gene", genes.canonical(step.node.gene))
    return _OF_LEAF.get(type(step.node)) or _OF_UNLIMITED.get(type(step.node)) if not _limited(step) else None


def _limited(step: Step) -> bool:
    """Return whether a leaf has a window of time, in which what is alike today may differ tomorrow."""
    return type(step.node) in _OF_UNLIMITED and limited(step.node)


Panels = frozenset[tuple[tuple[str, ...], Hashable]]
"""What tests looked at: the genes, and how."""


class Profile(NamedTuple):
    """A patient's keys in every aspect; patients with equal keys are alike in it."""

    diagnosis: Hashable
    sex: Hashable
    birth: Hashable
    treatment: Hashable
    condition: Hashable
    genes: dict[str, frozenset[Hashable]]
    """What was found, by gene; a gene without findings is not in it."""
    panels: Panels

    def key(self, aspect: Aspect) -> Hashable:
        """Return the key in one aspect."""
        if aspect.kind == "gene":
            return self.genes.get(aspect.gene, _NOTHING), tests_of(self.panels, aspect.gene)
        found: Hashable = getattr(self, aspect.kind)
        return found


_NOTHING: Final[frozenset[Hashable]] = frozenset()


def profile_of(known: Known) -> Profile:
    """Return the keys of what is known of a patient at a day."""
    people = known.of(f.Demographics)
    return Profile(
        diagnosis=frozenset(
            (fact.codes, fact.morphology, fact.site, fact.primary, fact.excluded, is_present(fact))
            for fact in known.of(f.Diagnosis)
        ),
        sex=frozenset(fact.sex for fact in people),
        birth=frozenset(fact.birth_date for fact in people),
        treatment=_treatment(known),
        condition=frozenset((fact.codes, fact.present, fact.active) for fact in known.of(f.Condition)),
        genes=_found(known),
        panels=frozenset((fact.genes, (fact.alterations, fact.source_class)) for fact in known.of(f.Coverage)),
    )


def _treatment(known: Known) -> Hashable:
    """Return what was given, each as often as it is recorded, and whether that is all."""
    given = Counter(
        (fact.drugs, fact.codes, fact.category, fact.intent, fact.line, fact.outcome, fact.stop_reason, fact.given)
        for fact in known.of(f.Therapy)
    )
    return frozenset(given.items()), frozenset((fact.complete, fact.lines) for fact in known.of(f.TherapyHistory))


def _found(known: Known) -> dict[str, frozenset[Hashable]]:
    found: dict[str, set[Hashable]] = {}
    for kind in _GENOMIC:
        for fact in known.of(kind):
            essence = _essence(fact)
            for gene in genes_of(fact):
                found.setdefault(gene, set()).add(essence)
    return {gene: frozenset(essences) for gene, essences in found.items()}


def _essence(fact: Any) -> tuple[Any, ...]:
    """Return a finding without its evidence and time."""
    names = _FIELDS[type(fact)]
    return (type(fact).__name__, *(getattr(fact, name) for name in names))


_FIELDS: Final = {
    kind: tuple(name for name in kind.__struct_fields__ if name not in f.Fact.__struct_fields__) for kind in _GENOMIC
}


def tests_of(panels: Panels, gene: str) -> frozenset[Hashable]:
    """Return how a gene was looked at."""
    return frozenset(how for symbols, how in panels if gene in covered(symbols))
