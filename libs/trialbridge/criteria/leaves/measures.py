"""Judges of what is measured: performance status, laboratory results, vital signs."""

from collections.abc import Sequence
from decimal import Context, Decimal

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.bounds import XULN, finite, of_result, within, words
from trialbridge.criteria.dates import words as period_words
from trialbridge.criteria.finding import MET, NOT_MET, UNKNOWN, Check, Settle
from trialbridge.criteria.finding import Finding as Found
from trialbridge.criteria.known import Known
from trialbridge.criteria.leaves.picked import Asked, judge_picked
from trialbridge.criteria.terminology import labs, units
from trialbridge.criteria.terminology.source import kept
from trialbridge.criteria.verdicts import Verdict

# ECOG grade to the Karnofsky values that it may be (Oken 1982; the usual conversion table), and back.
_KARNOFSKY = {0: (90, 100), 1: (70, 80), 2: (50, 60), 3: (30, 40), 4: (10, 20), 5: (0, 0)}

_LEAST_LIMIT = Decimal("1e-9")
# A factor such as 1/113.12 has no last digit: a few digits less than it was worked out with, and a bound is met exactly.
_ROUNDED = Context(prec=24)


def _as_scale(fact: f.Performance, scale: str) -> tuple[int, int] | None:
    """Return the values in ``scale`` that a recorded performance status may be, None where there is no conversion."""
    if fact.scale == scale:
        return fact.value, fact.value
    if fact.scale == "ecog" and scale == "karnofsky":
        return _KARNOFSKY.get(fact.value)
    if fact.scale == "karnofsky" and scale == "ecog":
        grades = [grade for grade, (low, high) in _KARNOFSKY.items() if low <= fact.value <= high]
        return (grades[0], grades[0]) if len(grades) == 1 else None
    return None


def _inside(values: tuple[int, int], leaf: q.Performance) -> Verdict:
    low, high = values
    lowest = leaf.min if leaf.min is not None else low
    highest = leaf.max if leaf.max is not None else high
    if low >= lowest and high <= highest:
        return MET
    return NOT_MET if high < lowest or low > highest else UNKNOWN


def judge_performance(leaf: q.Performance, known: Known) -> Found:
    """Judge the newest performance status in the scale, or in one that converts."""
    name = {"ecog": "ECOG", "karnofsky": "Karnofsky", "lansky": "Lansky"}
    wanted = f"{name[leaf.scale]} " + " to ".join(str(n) for n in (leaf.min, leaf.max) if n is not None)
    if leaf.min is None:
        wanted = f"{name[leaf.scale]} at most {leaf.max}"
    elif leaf.max is None:
        wanted = f"{name[leaf.scale]} at least {leaf.min}"
    usable = [fact for fact in known.of(f.Performance) if _as_scale(fact, leaf.scale) is not None]
    absent = "no performance status is recorded" + (f" in the last {period_words(leaf.within)}" if leaf.within else "")
    settle = Settle(f"a current {name[leaf.scale]} performance status", "ask")
    return judge_picked(
        leaf,
        known,
        usable,
        lambda x: Check(_inside(_as_scale(x, leaf.scale) or (0, 0), leaf), f"{name[x.scale]} is {x.value}"),
        Asked(_ever(leaf) + wanted, absent, settle),
    )


def _ever(leaf: q.Lab | q.Vital | q.Performance) -> str:
    return "ever " if leaf.pick == "ever" else ""


def _value(fact: f.Lab | f.Vital, unit: str | None) -> Decimal | None:
    """Return the value in ``unit`` (or in multiples of the upper limit), None where it does not convert."""
    value = finite(fact.value)
    if value is None:
        return None
    if unit == XULN:
        limit = finite(fact.upper_limit) if isinstance(fact, f.Lab) else None
        return _ROUNDED.divide(value, limit) if limit is not None and limit > _LEAST_LIMIT else None
    factor = _factor(fact, unit)
    return None if factor is None else _ROUNDED.multiply(value, factor)


def _factor(fact: f.Lab | f.Vital, unit: str | None) -> Decimal | None:
    if unit is None:
        return Decimal(1)
    if not fact.unit:
        return None
    mass = labs.molar_mass(fact.loinc) if isinstance(fact, f.Lab) else None
    return units.factor(fact.unit, unit, mass)


def _measured(fact: f.Lab | f.Vital, leaf: q.Lab | q.Vital, name: str) -> Check:
    shown = f"{name} is {fact.comparator or ''}{fact.value} {fact.unit or ''}".strip()
    value = _value(fact, leaf.unit)
    if value is None:
        unlimited = leaf.unit == XULN and finite(fact.value) is not None
        why = "its upper limit is not given" if unlimited else f"it does not convert to {leaf.unit}"
        return Check(UNKNOWN, f"{shown} ({why})")
    return Check(within(of_result(value, fact.comparator), leaf), shown)


def _of_test(known: Known, codes: tuple[str, ...]) -> Sequence[f.Lab]:
    """Return the results of any of the codes, in canonical order."""
    found = [facts for code in dict.fromkeys(codes) if (facts := known.about(f.Lab, code))]
    if len(found) < 2:  # noqa: PLR2004 - one code, or none
        return found[0] if found else ()
    wanted = frozenset(codes)
    return [fact for fact in known.of(f.Lab) if fact.loinc in wanted]


def judge_lab(leaf: q.Lab, known: Known) -> Found:
    """Judge the newest result of a test."""
    test, codes, asked = _asked_lab(leaf)
    return judge_picked(leaf, known, _of_test(known, codes), lambda fact: _measured(fact, leaf, test), asked)


@kept(maxsize=16384)
def _asked_lab(leaf: q.Lab) -> tuple[str, tuple[str, ...], Asked]:
    """Return the test, its codes, and what is asked."""
    test = labs.test_of(leaf.test) or leaf.test
    period = f" in the last {period_words(leaf.within)}" if leaf.within else ""
    wanted = f"{test} {_ever(leaf)}{words(leaf, leaf.unit)}{period}"
    settle = Settle(f"a current {test}", "lab")
    return test, labs.codes_of(test), Asked(wanted, f"no {test} is recorded{period}", settle)


def judge_vital(leaf: q.Vital, known: Known) -> Found:
    """Judge the newest vital sign."""
    period = f" in the last {period_words(leaf.within)}" if leaf.within else ""
    name = f"vital sign {leaf.loinc}"
    wanted = f"{name} {_ever(leaf)}{words(leaf, leaf.unit)}{period}"
    return judge_picked(
        leaf,
        known,
        known.about(f.Vital, leaf.loinc),
        lambda fact: _measured(fact, leaf, name),
        Asked(wanted, f"no {name} is recorded{period}", Settle(f"the {name}", "ask")),
    )
