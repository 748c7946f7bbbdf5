"""Which codes come first in the queue, and what is suggested for them, with which score and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.emr.localcodes.candidates import candidates
from trialbridge.emr.localcodes.codes import KINDS, TARGETS, Kind, LocalCode, Target, checked
from trialbridge.emr.localcodes.ranking import Counted, rank
from trialbridge.emr.localcodes.suggesting import Learned, suggest

counted = st.builds(
    Counted, st.uuids().map(str), st.sampled_from(KINDS), st.integers(0, 50), st.integers(0, 500)
)  # fmt: skip


def test_patients_blocked_come_before_how_often_a_code_is_there() -> None:
    queue = rank(
        [
            Counted("often", "observation", 3, 900),
            Counted("many", "observation", 40, 50),
            Counted("unused", "allergy", 80, 999),
            Counted("gone", "observation", 0, 0),
        ],
        {"lab", "diagnosis"},
    )
    assert [(one.code.identity, one.blocked) for one in queue] == [("many", 40), ("often", 3), ("unused", 0)]


@given(st.lists(counted, unique_by=lambda one: one.identity), st.sets(st.sampled_from(["lab", "allergy", "therapy"])))
def test_the_queue_does_not_depend_on_the_order_of_the_codes(codes: list[Counted], used: set[str]) -> None:
    queue = rank(codes, used)
    assert queue == rank(reversed(codes), used)
    keys = [(-one.blocked, -one.code.count) for one in queue]
    assert keys == sorted(keys)
    assert all(one.blocked in (0, one.code.patients) for one in queue)


@pytest.mark.parametrize(
    ("code", "target"),
    [
        (LocalCode("observation", "L", "HGB", "Haemoglobin, blood"), ("loinc", "718-7")),
        (LocalCode("observation", "L", "X9", "Neutrophils abs."), ("loinc", "751-8")),
        (LocalCode("observation", "L", "K", "K"), ("loinc", "2823-3")),
        (LocalCode("observation", "L", "PS", "ECOG score"), ("loinc", "89247-1")),
        (LocalCode("condition", "L", "C349", "Lung ca NOS"), ("icd10", "C34.9")),
        (LocalCode("condition", "", "", "Adenocarcinoma, lung"), ("oncotree", "LUAD")),
        (LocalCode("medication", "L", "PEM", "Pembrolizumb 200 mg IV"), ("drug", "pembrolizumab")),
        (LocalCode("unit", "", "gm/dl"), ("ucum", "g/dL")),
        (LocalCode("unit", "", "10^3/ul."), ("ucum", "10*3/uL")),
        (LocalCode("answer", "85337-4 L", "P", "Positive"), ("snomed", "10828004")),
        (LocalCode("answer", "89247-1 L", "PS1", "ECOG 1"), ("loinc-answer", "LA9623-5")),
    ],
    ids=lambda one: one.words if isinstance(one, LocalCode) else None,
)
def test_the_likeliest_meaning_comes_first_with_its_reason(code: LocalCode, target: tuple[str, str]) -> None:
    first, *others = suggest(code)
    assert (first.target.system, first.target.code) == target
    assert 0 < first.score < 100
    assert first.why
    assert all(one.score <= first.score for one in others)


def test_a_code_like_nothing_has_no_suggestion() -> None:
    assert suggest(LocalCode("observation", "L", "ZZ-88123", "qqxv")) == []
    assert suggest(LocalCode("procedure", "L", "LOBE", "Lobectomy")) == []


def test_what_other_feeds_accepted_counts_more_than_likeness_to_a_table() -> None:
    code = LocalCode("observation", "L", "HB1", "Hemoglobin")
    by_table = suggest(code)[0]
    assert by_table.target.code == "718-7"
    plasma = Target("loinc", "20509-6", "hemoglobin by calculation")
    first, second, *_ = suggest(code, [Learned(LocalCode("observation", "X", "HBX", "hemoglobin"), plasma, "fed_1")])
    assert (first.target, second.target) == (plasma, by_table.target)
    assert "another feed" in first.why
    assert "HBX" not in first.why


def test_the_more_feeds_agree_the_likelier_it_is_and_it_is_never_certain() -> None:
    code, target = LocalCode("procedure", "L", "LOBE", "Lobectomy"), Target("snomed", "173171007")
    scores = [
        suggest(code, [Learned(LocalCode("procedure", "L", "LOBE"), target, f"fed_{n}") for n in range(count)])[0].score
        for count in (1, 2, 9)
    ]
    assert scores == sorted(scores)
    assert scores[0] < scores[1]
    assert scores[-1] <= 99


def test_nothing_is_learned_across_kinds_or_from_what_is_not_alike() -> None:
    code = LocalCode("procedure", "L", "LOBE", "Lobectomy")
    other = Learned(LocalCode("allergy", "L", "LOBE", "Lobectomy"), Target("snomed", "173171007"), "fed_1")
    unlike = Learned(LocalCode("procedure", "L", "APP", "Appendix out"), Target("snomed", "80146002"), "fed_1")
    assert suggest(code, [other, unlike]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_candidate_is_a_target_that_can_be_accepted(kind: Kind) -> None:
    for one in candidates(kind).values():
        assert one.target.system in TARGETS[kind]
        assert checked(kind, one.target).code == one.target.code


@given(st.sampled_from(KINDS), st.text(max_size=40), st.text(max_size=60))
def test_any_words_have_a_bounded_repeatable_answer(kind: Kind, code: str, display: str) -> None:
    local = LocalCode(kind, "L", code, display)
    found = suggest(local)
    assert found == suggest(local)
    assert len(found) <= 5
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
