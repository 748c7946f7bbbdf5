"""Judge of the disease status: extent, course, treatment and other words, each on an axis of its own."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.finding import MET, NOT_MET, UNKNOWN, Finding, Settle, best, evidence_of, overlap, sentence
from trialbridge.criteria.known import Known
from trialbridge.criteria.leaves.extent import spread
from trialbridge.criteria.leaves.therapy import complete
from trialbridge.criteria.verdicts import Verdict

_EXTENT: Final = {
    "localized": {"localized"},
    "early_stage": {"localized"},
    "locally_advanced": {"locally_advanced"},
    "metastatic": {"metastatic"},
    "advanced": {"locally_advanced", "metastatic"},
}
_COURSE: Final = {
    "remission": {"remission"},
    "responding": {"remission", "responding"},
    "stable": {"stable"},
    "progressing": {"progressing"},
}
"""What each word that a record may have of the course leaves possible: an improvement may or may not be called a remission."""
_TREATMENTS: Final = ("systemic", "radiation", "transplant")


class _Axis(NamedTuple):
    """What one axis says of its words together."""

    verdict: Verdict
    recoverable: bool
    facts: tuple[f.Fact, ...]
    words: str


def judge_disease_status(leaf: q.DiseaseStatus, known: Known) -> Finding:
    """Judge the wanted words axis by axis and take the best answer."""
    axes = [axis(words, leaf, known) for axis, words in _axes(leaf.any_of)]
    verdict = best(axis.verdict for axis in axes)
    decisive = [axis for axis in axes if axis.verdict is verdict]
    turns = [axis.recoverable for axis in decisive]
    wanted = " or ".join(word.replace("_", " ") for word in leaf.any_of)
    return Finding(
        verdict,
        all(turns) if verdict is MET else any(turns),
        sentence("; ".join(dict.fromkeys(axis.words for axis in decisive)), wanted),
        evidence_of(fact for axis in decisive for fact in axis.facts),
        Settle("the current disease status", "record") if verdict is UNKNOWN else None,
    )


def _axes(
    words: Iterable[str],
) -> Iterator[tuple[Callable[[frozenset[str], q.DiseaseStatus, Known], _Axis], frozenset[str]]]:
    """Yield each axis with its words among those that are wanted."""
    wanted = frozenset(words)
    extent, course = wanted & _EXTENT.keys(), wanted & _COURSE.keys()
    if extent:
        yield _extent, extent
    if course:
        yield _course, course
    for word in sorted(wanted - extent - course):
        yield (_untreated if word == "untreated" else _course), frozenset({word})


def _extent(words: frozenset[str], leaf: q.DiseaseStatus, known: Known) -> _Axis:
    """Judge the newest statements of extent by what they leave possible; recorded spread overrides them."""
    wanted = frozenset(one for word in words for one in _EXTENT[word])
    recorded = spread(known)
    if recorded:
        return _Axis(MET if "metastatic" in wanted else NOT_MET, False, recorded, "extent is metastatic")
    facts, certain = known.newest((x for x in known.of(f.DiseaseStatus) if x.status in _EXTENT), leaf.within)
    if not certain:
        return _Axis(UNKNOWN, True, (), "extent is not recorded")
    verdicts = {overlap(frozenset(_EXTENT[fact.status]), wanted) for fact in facts}
    possible = sorted({one.replace("_", " ") for fact in facts for one in _EXTENT[fact.status]})
    verdict = verdicts.pop() if len(verdicts) == 1 else UNKNOWN
    return _Axis(verdict, True, tuple(facts), f"extent is {' or '.join(possible)}")


def _course(words: frozenset[str], leaf: q.DiseaseStatus, known: Known) -> _Axis:
    """Judge the newest word of an axis; a word that is an axis by itself can only be met."""
    axis = _COURSE if words <= _COURSE.keys() else {word: {word} for word in words}
    newest, certain = known.newest((x for x in known.of(f.DiseaseStatus) if x.status in axis), leaf.within)
    verdicts = {overlap(frozenset(axis[fact.status]), words) for fact in newest} if certain else {UNKNOWN}
    if len(verdicts) != 1 or UNKNOWN in verdicts:
        shown = " or ".join(sorted(word.replace("_", " ") for word in words))
        return _Axis(UNKNOWN, True, tuple(newest), f"{shown} is not recorded")
    said = "; ".join(dict.fromkeys(f"status is {x.status.replace('_', ' ')}" for x in newest))
    return _Axis(verdicts.pop(), True, tuple(newest), said)


def _untreated(_words: frozenset[str], _leaf: q.DiseaseStatus, known: Known) -> _Axis:
    """Judge that no treatment was given; what was given stays given."""
    given = tuple(x for x in known.of(f.Therapy) if x.given and x.category in _TREATMENTS)
    if given:
        return _Axis(NOT_MET, False, given, "treatment was given")
    closed = tuple(complete(known))
    stated = tuple(x for x in known.of(f.DiseaseStatus) if x.status == "untreated")
    if closed or stated:
        return _Axis(MET, True, closed or stated, "no treatment was given")
    return _Axis(UNKNOWN, True, (), "earlier treatment is not recorded")
