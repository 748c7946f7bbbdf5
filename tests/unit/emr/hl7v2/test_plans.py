"""A planned message is the same as one that is read in full: output, errors and account, whatever texts and times it holds."""

import random
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.security.test_v2_mutations import SEED, spoiled_fields
from tests.unit.emr.hl7v2.samples import FEED, NAMES, begin_anew, every, message, of_type, read
from trialbridge.emr.hl7v2 import converter, outlines, planning, plans
from trialbridge.emr.hl7v2.plans import PLANS, Plan
from trialbridge.emr.jsontext import encode
from trialbridge.testkit.v2_bench import admission, report

SEGMENTS = frozenset(outlines.FAMILIES) | {"OBX"}


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    begin_anew()
    yield
    begin_anew()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan every kind at its first message, and trust it at once."""
    monkeypatch.setattr(plans, "OFTEN", 1)
    monkeypatch.setattr(plans, "AT_FIRST", 1_000_000)
    monkeypatch.setattr(plans, "TRIALS", 0)
    monkeypatch.setattr(outlines, "OFTEN", 1)


def told(body: str) -> tuple[list[bytes], list[str], list[dict[str, object]], dict[str, int], object]:
    found = read(body)
    errors = [f"{one.error.code} {one.error.place.segment}" for one in found.set_aside]
    who = [(one.local_patient, one.identifiers, one.merges) for one in found.patients]
    return [encode(one) for one in every(found)], errors, found.leaves.details(), dict(found.warnings), who


def trusted() -> list[Plan]:
    return [one for one in PLANS._known.values() if not one.trials]


def plain(text: str) -> str:
    """Return a message without what is read in full anyway: most of it can be planned then."""
    lines = [one for one in text.split("\r") if one[:3] in SEGMENTS]
    return "\r".join(lines[:1] + [re.sub(r'&[^|^~]*|\\[^|]*|"', "", one) for one in lines[1:]]) + "\r"


def varied(rng: random.Random, text: str) -> str:
    """Return a message with some other texts, some of them the same as others of it."""
    lines = text.split("\r")
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(1, len(lines) - 1)
        parts = re.split(r"([|^~])", lines[at])
        where = rng.choice([number for number, part in enumerate(parts) if number and number % 2 == 0 and part] or [0])
        other = rng.choice([one for one in re.split(r"[|^~\r]", text)[12:] if one])
        changed = re.sub(r"\d", lambda _: str(rng.randrange(10)), parts[where])
        parts[where] = rng.choice([changed, changed, other, parts[where][::-1], "", "A  B", "a@b.c", "\\T\\"])
        lines[at] = "".join(parts) if where else lines[at]
    return "\r".join(lines)


def corpus() -> list[str]:
    rng = random.Random(SEED)
    samples = [one for name in NAMES for one in (message(name), plain(message(name)))]
    samples += [make(number, 1_500) for make in (admission, report) for number in range(2)] * 4
    found = []
    for _ in range(60):
        base = rng.choice(samples)
        found.append("".join([base, base, *(varied(rng, base) for _ in range(3)), spoiled_fields(rng, base), base]))
    return found


@pytest.mark.usefixtures("eager")
def test_what_is_planned_is_the_same_as_what_is_read_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = corpus()
    planned = [told(body) for body in bodies]
    assert len(trusted()) > 30
    monkeypatch.setattr(converter, "meet", lambda *_: None)
    for body, one in zip(bodies, planned, strict=True):
        assert told(body) == one


@pytest.mark.parametrize("make", [admission, report])
def test_a_message_of_a_known_kind_is_not_read_again(make: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(make)
    body = "".join(make(number, 1_500) for number in range(20))
    full = told(body)
    monkeypatch.setattr(converter, "_convert", None)
    assert told(body) == full


@pytest.mark.parametrize("make", [admission, report])
def test_a_message_without_a_time_of_its_own_has_that_of_its_delivery(make: Callable[[int, int], str]) -> None:
    """The deliveries from which a plan was made, and by which it was tried, had another one."""
    early, late = (replace(FEED, received=f"2026-06-0{day}T06:00:00Z") for day in (1, 2))
    bodies = [make(number, 900).replace("|20260601090000+0000|", "||", 1) for number in range(10)]
    for body in bodies[:-1]:
        read(body, early)
    assert trusted()
    planned = every(read(bodies[-1], late))
    begin_anew()
    assert planned == every(read(bodies[-1], late))
    assert {one["meta"]["lastUpdated"] for one in planned if "meta" in one} == {late.received}


def test_what_is_planned_in_one_thread_changes_nothing_in_another(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = corpus()[:12]
    expected = [told(body) for body in bodies]
    begin_anew()
    for name, value in (("OFTEN", 1), ("TRIALS", 0), ("AT_FIRST", 1_000_000)):
        monkeypatch.setattr(plans, name, value)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(3) as threads:
            found = list(threads.map(lambda _: [told(body) for body in bodies], range(3)))
    finally:
        sys.setswitchinterval(before)
    assert found == [expected] * 3


@pytest.mark.usefixtures("eager")
def test_neither_texts_nor_times_are_remembered() -> None:
    for make in (admission, report):
        read(make(1, 1_500) * 3)
    known = trusted()
    assert len(known) == 2
    kept = repr(
        [
            PLANS._known.keys(),
            PLANS._seen.keys(),
            [one._sound for one in known],
            [(one.make.__code__.co_consts, one.make.__globals__["c"]) for one in known],
        ]
    )
    assert "R01" in kept
    words = (
        "Muster",
        "Erika",
        "100001",
        "Lake Way",
        "5551",
        "Attend",
        "Penicillin",
        "C34.1",
        "Olga",
        "1960",
        "20260530",
        "2026-05-30",
    )
    assert not [one for one in words if one in kept]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1234^Attend", "33^Order^Olga"), ("33^Order^Olga||||||2026", "33^Other^Olga||||||2026"), ("P100001^EHR", "F100001^LAB"),
        ("||19600203|", "||20260231|"), ("Muster^Erika^B", "Muster^Erika^B C"), ("V100001^", "^"), ("20260530080000", "20260530083000"),
        ("|20260601090000+0000", "|20260601"), ("M100001^^^LAKE", "100001^^^NORTH"), ("W1^R2", "W2^R2"), ("\rOBR", "\rNTE|1||so\rOBR"),
    ],
)  # fmt: skip
def test_what_is_said_twice_or_otherwise_counts_as_read(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = report(1, 1_500)
    assert old in first
    other = first.replace(old, new)
    read(first * 2 + other)
    warm = told(first + other + report(2, 1_500))
    monkeypatch.setattr(converter, "meet", lambda *_: None)
    assert told(first + other + report(2, 1_500)) == warm


def with_ids(first: str, second: str) -> str:
    """Return a message that tells the patient's number twice, each with the time from which on it holds."""
    number = "100001^^^NORTH&2.16.840.1.113883.19.5.1&ISO^MR"
    told = admission(1, 1_500).replace(f"{number}~M100001^^^LAKE^MB", f"{number}^^{first}~{number}^^{second}")
    assert first in told
    return told


CLINIC = admission(1, 1_500).replace("PD1||||", "PD1|||Clinic^L|")
SUBS = report(1, 1_500).replace("^LN||1", '^LN|""|1')
ZONED = report(1, 1_500).replace("F|||20260530080000\r", "F|||20260530080000+0000\r")
VISITED = report(1, 1_500).replace("|20260530080000\r", "|20260530080000+0000\r", 1)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("usual", "other"),
    [
        # An organization that a text names, and one that is named by codes.
        (CLINIC, CLINIC.replace("Clinic", "NORTH")), (CLINIC, CLINIC.replace("Clinic", "LAKELAND")),
        # No sub-id, said outright.
        (SUBS, SUBS),
        # Farther from UTC than FHIR knows.
        (ZONED, ZONED.replace("00+0000\r", "00+1430\r")), (VISITED, VISITED.replace("+0000\r", "-1401\r")),
        # The same time in two ways of writing it.
        (with_ids("20200101000000", "202001020000"), with_ids("20200102000000", "202001020000")),
    ],
)  # fmt: skip
def test_what_is_the_same_in_spite_of_its_words_counts_as_read(
    usual: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(usual * 3)
    assert trusted()
    warm = told(other)
    monkeypatch.setattr(converter, "meet", lambda *_: None)
    assert told(other) == warm


@pytest.mark.usefixtures("eager")
def test_long_messages_without_results_are_read_in_full() -> None:
    notes = admission(1, 900) + "".join(f"NTE|1||word{number}\r" for number in range(1_000))
    read(notes * 3)
    assert not PLANS._known
    assert not PLANS._seen
    read(report(1, 20_000) * 2)
    assert len(trusted()) == 1


@pytest.mark.usefixtures("eager")
def test_a_text_of_very_many_parts_is_not_planned_whoever_calls() -> None:
    def deep(calls: int) -> None:
        if calls:
            deep(calls - 1)
        else:
            read((admission(1, 900) + "NTE|1||" + "~".join("ab" * 370) + "\r") * 2)

    deep(500)
    assert not trusted()


def test_outlines_that_others_push_out_cost_no_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    read("".join(admission(number, 1_500) for number in range(12)))
    assert len(trusted()) == 1
    outlines.forget()
    read("".join(admission(number, 1_500) for number in range(outlines.OFTEN)))
    monkeypatch.setattr(converter, "_convert", None)
    assert of_type(read(admission(13, 1_500)), "Patient")


def test_a_line_that_is_no_segment_spoils_no_outline() -> None:
    read(admission(1, 1_500).replace("\rPID|", "\rPIDX|") * outlines.OFTEN)
    read("".join(admission(number, 1_500) for number in range(12)))
    assert trusted()


def test_a_plan_that_foretells_another_outcome_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "OFTEN", 1)
    body = "".join(admission(number, 1_500) for number in range(12))
    right = told(body)
    begin_anew()
    make = planning.plan
    monkeypatch.setattr(planning, "plan", lambda *given: wrong(make(*given)))
    assert told(body) == right
    assert not PLANS._known
    assert min(PLANS._seen.values()) < 0


def wrong(plan: Plan | None) -> Plan:
    assert plan is not None
    return Plan(plan.make, plan.rows[1:], plan.counts, plan.not_read, plan.source)


def test_what_is_planned_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlines, "OFTEN", 1)
    monkeypatch.setattr(PLANS._known, "most", 5)
    monkeypatch.setattr(PLANS._seen, "most", 5)
    monkeypatch.setattr(outlines._known, "most", 30)
    for number in range(40):
        read(admission(1, 1_500).replace("|M^Married", f"|M{number}^Married") + report(1, 1_500))
    assert len(PLANS._known) <= 5
    assert len(PLANS._seen) <= 5
    assert len(outlines._known) <= 30


def test_messages_of_two_patients_are_read_in_full() -> None:
    two = admission(1, 1_500) + admission(2, 1_500).partition("\r")[2]
    assert len(of_type(read(two * 9), "Patient")) == 2
    assert not trusted()


def test_where_no_two_are_of_a_kind_messages_are_seldom_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PLANS, "_patience", 3)
    assert [PLANS.of(None) for _ in range(5) if PLANS.is_worthwhile()] == [None] * 3
    assert sum(PLANS.is_worthwhile() for _ in range(plans.SELDOM * 4)) == 4
    monkeypatch.setattr(PLANS, "_patience", plans.PATIENCE)
    read("".join(admission(number, 1_500) for number in range(20)))
    assert trusted()
    assert PLANS.is_worthwhile()


@pytest.mark.usefixtures("eager")
def test_codes_that_a_table_translates_are_of_one_kind() -> None:
    first = admission(1, 1_500)
    read(first * 3)
    others = [
        first.replace("|19600203|F|", f"|19600203|{code}|").replace("|M^Married^", "|S^Single^") for code in "MOF"
    ]
    found = [of_type(read(one), "Patient")[0] for one in others]
    assert [one["gender"] for one in found] == ["male", "other", "female"]
    assert {one["maritalStatus"]["coding"][0]["code"] for one in found} == {"S"}
    assert len(trusted()) == 1
    # A code that is in no table is read in full.
    [patient] = of_type(read(first.replace("|19600203|F|", "|19600203|Q|")), "Patient")
    assert patient["gender"] == "unknown"
