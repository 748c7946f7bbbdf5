"""Values that are made after the layouts of earlier ones are the same as those that are read in full: output, errors and account."""

import random

import pytest

from tests.security.test_v2_mutations import SEED, spoiled_fields
from tests.unit.emr.hl7v2.samples import NAMES, cold_and_warm_agree, every, message, read, told
from trialbridge.emr.hl7v2 import forms, layouts, ready, settling
from trialbridge.emr.hl7v2.message import Rep, parse
from trialbridge.emr.hl7v2.plainly import confirm
from trialbridge.emr.hl7v2.readers import READERS
from trialbridge.emr.hl7v2.state import USUAL
from trialbridge.testkit.v2_bench import admission, report


def patient(name: str = "Muster^Erika", more: str = "") -> str:
    return f"MSH|^~\\&|EHR|NORTH|TB|LAKE|20260601090000||ADT^A08|C1|P|2.5.1\rPID|1||47^^^NORTH^MR||{name}||19600203|F{more}\r"


def corpus() -> list[str]:
    """Return messages with the same forms and others, twice said values and bad ones among them."""
    rng = random.Random(SEED)
    samples = [message(name) for name in NAMES] + [admission(1, 1_500), report(2, 1_500)]
    found = [*samples, *(spoiled_fields(rng, rng.choice(samples)) for _ in range(60))]
    for name in (
        "Muster^Erika",
        "Muster^Erika Anna",
        "Muster^Erika~Muster^Erika",
        "M&von^E",
        '""^E',
        "M\\T\\N^E",
        " M ^E",
        "^^Ann Bea",
    ):
        found += [
            patient(name),
            patient(name, "|||1 Way^^Town||~1 Way^^Town|"),
            patient(name, "||2028-9^Asian^L|||||^^^a@b.c"),
        ]
    rng.shuffle(found)
    return found


def test_warm_and_cold_say_the_same() -> None:
    cold_and_warm_agree(corpus())


def test_other_delimiters_are_read_in_full_and_say_the_same() -> None:
    text = admission(3, 1_500)
    read(text)
    swapped = text.replace("^", "$")
    assert told(swapped)[0] == told(text)[0]


def test_a_form_is_really_met_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read(patient("Muster^Erika"))
    monkeypatch.setattr("trialbridge.emr.hl7v2.values.named", None)
    [found] = [one for one in every(read(patient("Beispiel^Otto"))) if one["resourceType"] == "Patient"]
    assert found["name"] == [{"use": "official", "family": "Beispiel", "given": ["Otto"]}]


def test_neither_names_nor_numbers_nor_times_are_remembered() -> None:
    read(patient("Beispiel^Otto", "|||7 Elm^^Town^MI||^PRN^PH^^1^555^1239999"))
    for name in NAMES:
        read(message(name))
    kept = repr([sorted(map(repr, one._known.items())) for one in layouts._memories])
    assert "PRN" in kept
    assert not any(
        one in kept
        for one in ("Beispiel", "Otto", "7 Elm", "1239999", "19600203", "1960-02-03", "4711", "Muster", "Lake Way")
    )


@pytest.mark.parametrize("words", ["^Said Erika", "C34^Lung^I10C^^^^^^Said Erika"])
def test_words_in_the_place_of_a_code_are_not_remembered(words: str) -> None:
    for value in (words, "C50^Breast^I10C"):
        read(f"{patient()}DG1|1||{value}||20260402|F\r")
    kept = repr([sorted(map(repr, one._known.items())) for one in layouts._memories])
    assert "C50^Breast^I10C" in kept
    assert "Said" not in kept


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "MOST", 5)
    monkeypatch.setattr(settling._good, "most", 5)
    read(admission(1, 1_500))
    assert sum(len(one._known) for one in layouts._memories) <= 5
    assert len(settling._good) <= 5


def test_every_form_is_one_of_a_reader() -> None:
    assert set(forms._FORMS) <= set(READERS)
    assert forms.form_of("extension", "tb:county valueString text") == "h"
    assert forms.form_of("extension", "tb:enterer valueReference practitioner") is None


def test_a_good_resource_is_not_checked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    read(admission(1, 1_500))
    read(admission(3, 1_500))
    seen: list[str] = []
    monkeypatch.setattr(settling, "check", lambda resource, _: seen.append(resource["resourceType"]))
    read(admission(2, 1_500))
    assert not {
        "Patient",
        "Encounter",
        "AllergyIntolerance",
        "Coverage",
        "RelatedPerson",
        "Provenance",
        "Observation",
    } & set(seen)


def test_a_text_of_a_form_that_no_check_lets_pass_is_still_set_aside() -> None:
    text = admission(1, 1_500)
    read(text)
    [fault] = read(text.replace("20260402", "20260431")).set_aside
    assert (fault.error.code, fault.error.place.segment if fault.error.place else "") == ("v2.bad-date", "DG1[1]")


def field() -> tuple[Rep, ready.Layout]:
    layout = ready.Layout(lambda rep, _: rep.get(1), ((1, 1, 1), (2, 1, 1)), ((0, ".family"), (1, ".given")), 2)
    return Rep("Muster^Erika", USUAL), layout


def test_rows_are_those_of_the_leaves() -> None:
    rep, layout = field()
    for path in ("Patient.name", "RelatedPerson.name", "Patient.name"):
        ready.enter(rep, layout, path)
    rows = ready.rows_of("PID", 5, rep)
    assert rows is not None
    ready.loosen(rep)
    assert [(f"PID-5.{n}", one.fate, one.where) for n, one in enumerate(ready.leaves_of(rep), 1)] == list(rows)


def test_leaves_that_went_elsewhere_too_keep_the_order() -> None:
    rep, layout = field()
    ready.enter(rep, layout, "Patient.name")
    leaf = ready.leaves_of(rep)[0]
    confirm([(leaf, "Coverage.subscriberId")])
    ready.enter(rep, layout, "RelatedPerson.name")
    assert leaf.where == ("Patient.name.family", "Coverage.subscriberId", "RelatedPerson.name.family")
    assert ready.rows_of("PID", 5, rep) is None


def test_a_leaf_without_a_place_is_not_told_by_its_layout() -> None:
    rep, _ = field()
    ready.enter(rep, ready.Layout(lambda *_: None, ((1, 1, 1), (2, 1, 1)), ((0, ""),), -1), "Patient.name")
    assert ready.rows_of("PID", 5, rep) is None
    assert [one.fate for one in ready.leaves_of(rep)] == ["mapped", "unaccounted"]


def test_segments_of_a_message_have_no_leaves_before_somebody_asks() -> None:
    read(patient())
    segment = parse(patient().strip("\r"), "m", 1).segments[1]
    assert not segment.repetitions(5)[0].is_split
    assert segment.get(5) == "Muster"
    assert segment.repetitions(5)[0].is_split
