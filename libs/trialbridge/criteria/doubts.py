"""What is legal and suspicious: criteria that add nothing, lists that repeat themselves, things that hardly go together."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, get_origin

import msgspec

from trialbridge.criteria import language as q
from trialbridge.criteria.contradictions import Bounds, bounds_of, question, within
from trialbridge.criteria.terminology import oncotree

_OF_MEN: Final = frozenset({"PROSTATE", "TESTIS", "PENIS"})
_OF_WOMEN: Final = frozenset({"OVARY", "CERVIX", "UTERUS", "VULVA"})


class Doubt(NamedTuple):
    """A code, which member or value it is about, and the reason."""

    code: str
    number: int
    message: str


def redundant(members: Sequence[Any], word: str) -> Iterator[Doubt]:
    """Yield the members of an ``all`` or ``any`` that add nothing to the others."""
    yield from _repeated(members)
    yield from _absorbed(members, word)
    yield from _weaker(members, word)


def _repeated(members: Sequence[Any]) -> Iterator[Doubt]:
    seen: set[Any] = set()
    for number, one in enumerate(members):
        if one in seen:
            yield Doubt("duplicate", number, "The same criterion stands here twice.")
        seen.add(one)


def _absorbed(members: Sequence[Any], word: str) -> Iterator[Doubt]:
    """Yield groups of the other kind that hold a member: (A and (A or B)) is A."""
    every = set(members)
    kind = q.Any if word == "all" else q.All
    for number, one in enumerate(members):
        if isinstance(one, kind) and any(inner in every for inner in one.of):
            yield Doubt(
                "redundant", number, f"A criterion beside it stands inside of this group too: {word} needs it once."
            )


def _weaker(members: Sequence[Any], word: str) -> Iterator[Doubt]:
    """Yield bounds that another bound of the same question includes (in ``any``: that include no more than it)."""
    same: dict[Any, list[tuple[int, Bounds]]] = {}
    for number, one in enumerate(members):
        found = bounds_of(one)
        if found is not None:
            same.setdefault(question(one), []).append((number, found))
    for group in same.values():
        for place, (number, mine) in enumerate(group):
            others = [other for spot, (_, other) in enumerate(group) if spot != place and other != mine]
            wider = any(_inside(other, mine) if word == "all" else _inside(mine, other) for other in others[:_FEW])
            if wider:
                yield Doubt("redundant", number, "Another bound on the same makes this one needless.")


_FEW: Final = 50
"""Bounds on one question that are compared with one another; more of them is no trial."""


def _inside(one: Bounds, other: Bounds) -> bool:
    """Return whether all values in the bounds of ``one`` are in those of ``other``."""
    lower = other.low is None or (one.low is not None and one.low >= other.low)
    upper = other.high is None or (one.high is not None and one.high <= other.high)
    return lower and upper


def repeated_values(leaf: Any) -> Iterator[tuple[str, Doubt]]:
    """Yield the lists of a leaf that have a value twice, by field."""
    for field in msgspec.structs.fields(leaf):
        values = getattr(leaf, field.name)
        if get_origin(field.type) is not tuple or field.name == "codons":
            continue
        seen: set[str] = set()
        for number, value in enumerate(values):
            word = str(value).strip().casefold()
            if word in seen:
                yield field.name, Doubt("duplicate-value", number, f"{value!r} stands here twice.")
            seen.add(word)


def covered(terms: Sequence[str]) -> Iterator[Doubt]:
    """Yield the OncoTree terms that are part of another term of the list."""
    for number, term in enumerate(terms):
        wider = next((one for one in terms if one != term and within(term, one)), None)
        if wider:
            yield Doubt("covered-term", number, f"{oncotree.name(wider)} takes {oncotree.name(term)} with it.")


def unlikely(members: Sequence[Any]) -> Iterator[str]:
    """Yield in words what hardly anybody is at once."""
    sexes = {word for one in members if isinstance(one, q.Sex) for word in one.any_of}
    if sexes == {"male"} and any(isinstance(one, q.Pregnancy) and one.status == "pregnant" for one in members):
        yield "Male and pregnant are both asked for."
    for sex, tissues in _TISSUES.items():
        if sexes == {sex}:
            asked = [one for one in members if isinstance(one, q.Diagnosis) and one.oncotree]
            for one in asked:
                if all(not term.startswith("_") and oncotree.tissue(term) in tissues for term in one.oncotree):
                    yield f"{oncotree.name(one.oncotree[0])} is asked for, and {sex} sex."


_TISSUES: Final[Mapping[str, frozenset[str]]] = {"female": _OF_MEN, "male": _OF_WOMEN}
