"""An OBX that is made after an earlier one is the same as one that is read in full: output, errors and account."""

import random
from dataclasses import replace

import pytest

from tests.security.test_v2_mutations import SEED, spoiled_fields
from tests.unit.emr.hl7v2.samples import FEED, NAMES, begin_anew, cold_and_warm_agree, every, message, read, told
from trialbridge.contracts.ids import SourceId
from trialbridge.emr.hl7v2 import templates
from trialbridge.emr.jsontext import encode
from trialbridge.testkit.v2_bench import admission, report


def hemoglobin(value: str, when: str = "20260530080000", limits: str = "12.0-17.5", sub: str = "") -> str:
    head = message("ORU_R30").partition("OBX")[0]
    return f"{head}OBX|1|NM|718-7^Hemoglobin^LN|{sub}|{value}|g/dL^g/dL^UCUM|{limits}|N^Normal^HL70078|||F|||{when}\r"


def corpus() -> list[str]:
    """Return messages that share kinds of results, spoiled ones among them."""
    rng = random.Random(SEED)
    found = [message(name) for name in NAMES] + [report(number, 3_000) for number in range(3)] + [admission(5, 3_000)]
    for value in ("12.10", "13", "<5", "", "abc", "1e5", "-3", "0.500", "12.10~13", "12.10^x", "1" * 20):
        found += [
            hemoglobin(value),
            hemoglobin(value, ""),
            hemoglobin(value, "2026"),
            hemoglobin(value, "20260230"),
            hemoglobin(value, sub="2"),
        ]
    found += [
        spoiled_fields(rng, rng.choice([report(7, 1_500), message("ORU_R01"), message("OUL_R22")])) for _ in range(150)
    ]
    rng.shuffle(found)
    return found


def test_warm_and_cold_say_the_same() -> None:
    cold_and_warm_agree(corpus())


def test_a_kind_is_really_met_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read(hemoglobin("12.10"))
    monkeypatch.setattr("trialbridge.emr.hl7v2.orders._read", None)
    [found] = [one for one in every(read(hemoglobin("13.500", "20260601"))) if one["resourceType"] == "Observation"]
    assert (encode(found["valueQuantity"]["value"]), found["effectiveDateTime"]) == (b"13.500", "2026-06-01")


@pytest.mark.parametrize("when", ["20260530080000", ""])
@pytest.mark.parametrize(
    "behind",
    [
        "NTE|1||hemolytic",
        "OBX|9|NM|718-7^Hemoglobin^LN||7|g/dL|||||F",
        "SPM|1|S1||BLD^Blood^HL70487",
        "PRT|1|AD||AP^^HL70912|1^Who",
    ],
)
def test_what_stands_behind_a_known_kind_counts_as_behind_a_new_one(when: str, behind: str) -> None:
    again = hemoglobin("13", when)
    text = f"{again}{behind}\r{again[again.index('OBX') :]}NTE|1||repeated\r"
    cold = told(text)
    begin_anew()
    read(again)
    assert told(text) == cold


def test_a_result_in_a_bad_frame_goes_alone() -> None:
    read(hemoglobin("13"))
    good, bad = hemoglobin("14"), hemoglobin("14", "00010101000000+1400")
    assert [len(told(one)[1]) for one in (good, bad)] == [0, 1]


def test_who_is_named_by_several_results_of_a_message_is_named_by_the_next_ones_too() -> None:
    first = hemoglobin("12.10").removesuffix("\r") + "|LAB1^Lab^L\r"
    second = first[first.index("OBX") :].replace("718-7^", "2160-0^")
    alone = first.partition("OBX")[0] + second
    other = replace(FEED, source=SourceId("south/ehr"))
    cold = told(alone), every(read(alone, other))
    begin_anew()
    read(first + second)
    assert (told(alone), every(read(alone, other))) == cold
    assert [one["name"] for one in cold[1] if one["resourceType"] == "Organization" and one["name"] == "Lab"]


def test_a_score_is_a_whole_number_whatever_another_sender_wrote() -> None:
    whole, odd = (hemoglobin(value).replace("718-7^", "89247-1^") for value in ("1", "1.5"))
    cold = told(whole)
    assert b'"valueInteger":1' in b"".join(cold[0])
    begin_anew()
    read(odd * 3)
    assert told(whole) == cold


def test_neither_values_nor_times_nor_free_text_are_remembered() -> None:
    read(message("ORU_R01"))
    read(hemoglobin("77.31", "20260411"))
    kept = repr(templates._KNOWN)
    assert "718-7" in kept
    assert not any(one in kept for one in ("77.31", "20260411", "2026-04-11", "12.10", "4711", "Muster", "Reactive"))


@pytest.mark.parametrize("words", ["^Said Erika", "1^Yes^L^^^^^^Said Erika"])
def test_words_in_the_place_of_a_code_are_not_remembered(words: str) -> None:
    head = message("ORU_R30").partition("OBX")[0]
    for value in (words, "2^No^L"):
        read(f"{head}OBX|1|CWE|718-7^Answer^LN||{value}||||||F\r")
    kept = repr(templates._KNOWN)
    assert "2^No^L" in kept
    assert "Said" not in kept


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates._KNOWN, "most", 5)
    read(report(1, 4_000))
    assert len(templates._KNOWN) <= 5
