"""What a local code might mean, with a score and the reason. A suggestion is only ever shown: a person accepts it, or not."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz, process

from trialbridge.criteria.terminology import crosswalk
from trialbridge.emr.localcodes.candidates import candidates, folded
from trialbridge.emr.localcodes.codes import LocalCode, Target

MOST: Final = 5
LEAST_ALIKE: Final = 60.0
LEARNED_ALIKE: Final = 75.0
_SHORTEST: Final = 3
"""Words with fewer letters are alike only where they are the same: one letter proves nothing."""
_LONG: Final = 6
"""Letters of a single word that may be misspelled and still stand for a table's word."""
LEAST_SINGLE: Final = 82.0
_PARTIAL: Final = 0.92
"""What a word counts that is one of several."""
_BY_TABLE: Final = 0.85
"""What the likeness to a table's word counts: less than the same likeness to a code that people have mapped already."""
_BY_CODE: Final = 88
_HIGHEST: Final = 99


@dataclass(frozen=True, slots=True)
class Learned:
    """An accepted mapping of another feed of the same network."""

    code: LocalCode
    target: Target
    feed: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A standard code that a local one might mean."""

    target: Target
    score: int
    """0 to 99: never certain."""
    why: str
    """For people; quotes our tables and never another feed's words."""


def suggest(code: LocalCode, learned: Iterable[Learned] = ()) -> list[Suggestion]:
    """Return what a local code might mean, the likeliest first, each target once; the same question has the same answer."""
    best: dict[tuple[str, str], Suggestion] = {}
    for one in (*_learned(code, list(learned)), *_by_code(code), *_by_words(code)):
        known = best.get((one.target.system, one.target.code))
        if known is None or known.score < one.score:
            best[one.target.system, one.target.code] = one
    return sorted(best.values(), key=lambda one: (-one.score, one.target))[:MOST]


def _learned(code: LocalCode, learned: Sequence[Learned]) -> Iterator[Suggestion]:
    """Yield what other feeds' codes mean that are written alike: the more feeds agree, the likelier."""
    likeness: dict[Target, dict[str, float]] = {}
    for one in learned:
        if one.code.kind == code.kind and (alike := _alike(code, one.code)) >= LEARNED_ALIKE:
            feeds = likeness.setdefault(one.target, {})
            feeds[one.feed] = max(feeds.get(one.feed, 0.0), alike)
    for target, feeds in likeness.items():
        alike = max(feeds.values())
        score = min(_HIGHEST, round(50 + 0.46 * alike) + min(3, len(feeds) - 1))
        others = "another feed" if len(feeds) == 1 else f"{len(feeds)} other feeds"
        how = "written the same" if round(alike) >= 100 else f"{round(alike)} % alike"  # noqa: PLR2004 - all of it
        yield Suggestion(target, score, f"Accepted for {others} of the network, for a code {how}.")


def _alike(one: LocalCode, other: LocalCode) -> float:
    """Return how much two local codes are alike, in percent: the same code of the same system is; else by their words."""
    if one.identity == other.identity:
        return 100.0
    return max((_ratio(mine, theirs) for mine in _spellings(one) for theirs in _spellings(other)), default=0.0)


def _ratio(mine: str, theirs: str) -> float:
    if min(len(mine), len(theirs)) < _SHORTEST:
        return 100.0 if mine == theirs else 0.0
    return fuzz.token_sort_ratio(mine, theirs)


def _spellings(code: LocalCode) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in (folded(code.display), folded(code.code)) if word))


def _by_code(code: LocalCode) -> Iterator[Suggestion]:
    """Yield a disease whose local code is a standard one that came without its system."""
    bare = code.code.upper()
    if code.kind == "condition" and crosswalk.from_icd10(bare) and bare[1:3].isdigit():
        target = Target("icd10", crosswalk.dotted(bare), code.display)
        yield Suggestion(target, _BY_CODE, "The code itself has the form of ICD-10, and the tables know it.")


def _by_words(code: LocalCode) -> Iterator[Suggestion]:
    table = candidates(code.kind)
    for spelled in _spellings(code):
        for word, alike in _nearest(spelled, table):
            found = table[word]
            same = round(alike) >= 100  # noqa: PLR2004 - all of it
            how = "are" if same else f"are {round(alike)} % alike to"
            named = f", a name of {found.target.display}" if found.target.display not in ("", found.word) else ""
            yield Suggestion(
                found.target, round(alike * _BY_TABLE), f"Its words {how} {found.word!r}{named} (table {found.table})."
            )


def _nearest(spelled: str, words: Iterable[str]) -> list[tuple[str, float]]:
    """Return the words most like a spelling, with the likeness in percent."""
    if len(spelled) < _SHORTEST:
        return [(word, 100.0) for word in words if word == spelled]
    long = [word for word in words if len(word) >= _SHORTEST or word == spelled]
    whole = process.extract(spelled, long, scorer=fuzz.token_sort_ratio, score_cutoff=LEAST_ALIKE, limit=MOST)
    part = process.extract(spelled, long, scorer=fuzz.token_set_ratio, score_cutoff=LEAST_ALIKE, limit=MOST)
    best = {word: alike for word, alike, _ in whole}
    single = [found for token in spelled.split() if len(token) >= _LONG
              for found in process.extract(token, long, scorer=fuzz.ratio, score_cutoff=LEAST_SINGLE, limit=MOST)]  # fmt: skip
    for word, alike, _ in (*part, *single):
        best[word] = max(best.get(word, 0.0), alike * _PARTIAL)
    return sorted(best.items())
