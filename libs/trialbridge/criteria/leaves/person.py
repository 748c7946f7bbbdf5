"""Judges of the person: age, sex, vital status, place, consent and pregnancy."""

from datetime import UTC, datetime, time

from trialbridge.criteria import facts as f
from trialbridge.criteria import language as q
from trialbridge.criteria.dates import completed, span
from trialbridge.criteria.finding import (
    MET,
    NOT_MET,
    UNKNOWN,
    Check,
    Finding,
    Settle,
    best,
    evidence_of,
    judge_newest,
    sentence,
    worst,
)
from trialbridge.criteria.known import Known
from trialbridge.criteria.terminology import places
from trialbridge.criteria.verdicts import Verdict

_ASK_BIRTH = Settle("the full date of birth", "ask")


def _agree(verdicts: set[Verdict]) -> Verdict:
    return verdicts.pop() if len(verdicts) == 1 else UNKNOWN


def _unit(leaf: q.Age, count: int) -> str:
    return f"{count} {leaf.unit if count != 1 else leaf.unit[:-1]}"


def age_words(leaf: q.Age) -> str:
    """Return the bounds in words, for example ``18 years or older``."""
    if leaf.min is not None and leaf.max is not None:
        return f"from {leaf.min} to {_unit(leaf, leaf.max)} old"
    if leaf.min is not None:
        return f"{_unit(leaf, leaf.min)} or older"
    return f"{_unit(leaf, leaf.max or 0)} or younger"


def _age_of(leaf: q.Age, birth_date: str, known: Known) -> tuple[Verdict, bool]:
    when = span(birth_date)
    if when is None:
        return UNKNOWN, True
    oldest, youngest = (completed(day.date(), known.as_of, leaf.unit) for day in when)
    over = leaf.max is not None and youngest > leaf.max
    if over or (leaf.min is not None and oldest < leaf.min):
        return NOT_MET, not over
    if (leaf.min is None or youngest >= leaf.min) and (leaf.max is None or oldest <= leaf.max):
        return MET, leaf.max is not None
    return UNKNOWN, True


def judge_age(leaf: q.Age, known: Known) -> Finding:
    """Judge the age at the as-of date; the reason names no age and no birth date, so it holds until the verdict turns."""
    wanted = age_words(leaf)
    born = [fact for fact in known.of(f.Demographics) if fact.birth_date]
    if not born:
        return Finding(UNKNOWN, True, sentence("no date of birth is recorded", wanted), (), _ASK_BIRTH)
    answers = {_age_of(leaf, fact.birth_date or "", known) for fact in born}
    verdict = _agree({verdict for verdict, _ in answers})
    if verdict is UNKNOWN:
        why = (
            "the recorded date of birth leaves it open"
            if len(answers) == 1
            else "records of the date of birth disagree"
        )
        return Finding(UNKNOWN, True, sentence(why, wanted), evidence_of(born), _ASK_BIRTH)
    words = "the age is within the bounds" if verdict is MET else "the age is outside the bounds"
    # Where one of the records has the patient too young, the answer may still turn.
    return Finding(verdict, any(turns for _, turns in answers), sentence(words, wanted), evidence_of(born))


def judge_sex(leaf: q.Sex, known: Known) -> Finding:
    """Judge the recorded administrative sex."""
    wanted = " or ".join(leaf.any_of)
    said = [fact for fact in known.of(f.Demographics) if fact.sex not in (None, "unknown")]
    settle = Settle("the patient's sex", "ask")
    if not said:
        return Finding(UNKNOWN, True, sentence("no sex is recorded", wanted), (), settle)
    verdict = _agree({MET if fact.sex in leaf.any_of else NOT_MET for fact in said})
    words = f"recorded as {' and '.join(sorted({str(fact.sex) for fact in said}))}"
    return Finding(
        verdict, verdict is UNKNOWN, sentence(words, wanted), evidence_of(said), settle if verdict is UNKNOWN else None
    )


def _alive(fact: f.Demographics, known: Known) -> Verdict:
    died = span(fact.deceased_date)
    if died is not None and died.end.date() > known.as_of:
        return UNKNOWN if died.start.date() <= known.as_of else MET
    if fact.deceased or fact.deceased_date:
        return NOT_MET
    return MET if fact.deceased is False else UNKNOWN


def judge_vital_status(leaf: q.VitalStatus, known: Known) -> Finding:
    """Judge alive or deceased; a record that says nothing of death leaves it unknown, and a death outweighs older records."""
    stated = [(fact, _alive(fact, known)) for fact in known.of(f.Demographics)]
    stated = [(fact, alive) for fact, alive in stated if alive is not UNKNOWN or fact.deceased_date]
    alive = worst(verdict for _, verdict in stated) if stated else UNKNOWN
    if alive is UNKNOWN:
        settle = Settle("whether the patient is alive", "ask")
        return Finding(UNKNOWN, True, sentence("vital status is not recorded", leaf.status), (), settle)
    words = "recorded as alive" if alive is MET else "recorded as deceased"
    verdict = MET if (alive is MET) == (leaf.status == "alive") else NOT_MET
    return Finding(verdict, alive is MET, sentence(words, leaf.status), evidence_of(x for x, v in stated if v is alive))


def _place(fact: f.Location, leaf: q.Location) -> Verdict:
    def part(value: str | None, wanted: tuple[str, ...]) -> Verdict:
        if not wanted:
            return MET
        if not value:
            return UNKNOWN
        return MET if value.casefold() in {word.casefold() for word in wanted} else NOT_MET

    return worst((part(fact.country, leaf.countries), part(fact.region, leaf.regions), _reached(fact, leaf)))


def _reached(fact: f.Location, leaf: q.Location) -> Verdict:
    """Return whether some point is near enough, wherever in its circle the patient lives."""
    if leaf.within_km is None:
        return MET
    home = places.located(fact.latitude, fact.longitude) or places.home(fact.country, fact.region, fact.postal_code)
    if home is None:
        return UNKNOWN
    ways = [places.apart(home, one) for text in leaf.near if (one := places.point(text)) is not None]
    limit = float(leaf.within_km)
    return best(MET if most <= limit else NOT_MET if least > limit else UNKNOWN for least, most in ways)


def _lives(fact: f.Location) -> str:
    """Return in words where the patient lives, no finer than the region."""
    named = ", ".join(filter(None, (fact.region, fact.country)))
    return (
        f"lives in {named or ('the place that is recorded' if fact.latitude is not None or fact.postal_code else '?')}"
    )


def _distance_words(leaf: q.Location) -> tuple[str, ...]:
    if leaf.within_km is None:
        return ()
    what = "a site" if len(leaf.near) == 1 else f"one of {len(leaf.near)} sites"
    return (f"within {leaf.within_km} km of {what}",)


def judge_location(leaf: q.Location, known: Known) -> Finding:
    """Judge the newest place of living."""
    wanted = ", ".join((*leaf.regions, *leaf.countries, *_distance_words(leaf)))
    facts, certain = known.newest(known.of(f.Location))
    return judge_newest(
        facts,
        certain,
        lambda fact: Check(_place(fact, leaf), _lives(fact)),
        wanted,
        "no address is recorded",
        Settle("where the patient lives", "ask"),
    )


def _in_force(fact: f.Consent, known: Known) -> bool:
    start, end = span(fact.period_start), span(fact.period_end)
    day = datetime.combine(known.as_of, time.min, UTC)
    return (start is None or start.start.date() <= known.as_of) and (end is None or end.end >= day)


def judge_consent(leaf: q.Consent, known: Known) -> Finding:
    """Judge the newest decision in force."""
    decided = [x for x in known.of(f.Consent) if x.scope == leaf.scope and _in_force(x, known)]
    facts, certain = known.newest(decided)
    words = {"permit": "permitted", "deny": "denied"}
    return judge_newest(
        facts,
        certain,
        lambda fact: Check(
            MET if fact.decision == leaf.decision else NOT_MET, f"{leaf.scope} is {words[fact.decision]}"
        ),
        f"{leaf.scope} {words[leaf.decision]}",
        f"no {leaf.scope} consent in force is recorded",
        Settle(f"the patient's {leaf.scope} consent", "ask"),
    )


def judge_pregnancy(leaf: q.Pregnancy, known: Known) -> Finding:
    """Judge the newest pregnancy status; where none says anything, a sex that all sources record as male settles it."""
    wanted = leaf.status.replace("_", " ")
    sure, maybe = known.in_period(known.of(f.Pregnancy), leaf.within)
    sexes = [fact for fact in known.of(f.Demographics) if fact.sex not in (None, "unknown")]
    unsaid = all(fact.status == "unknown" for fact in (*sure, *maybe))
    if unsaid and sexes and all(fact.sex == "male" for fact in sexes):
        verdict = MET if leaf.status == "not_pregnant" else NOT_MET
        return Finding(verdict, False, sentence("recorded as male", wanted), evidence_of(sexes))

    facts, certain = known.newest(known.of(f.Pregnancy), leaf.within)

    def check(fact: f.Pregnancy) -> Check:
        if fact.status == "unknown":
            return Check(UNKNOWN, "recorded as unknown")
        verdict = MET if fact.status == leaf.status else NOT_MET
        return Check(verdict, f"recorded as {fact.status.replace('_', ' ')}")

    return judge_newest(
        facts, certain, check, wanted, "no pregnancy status is recorded", Settle("a pregnancy test", "lab")
    )
