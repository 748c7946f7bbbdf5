"""Whoever is named again in a conversion is the same as one who is read anew: output, errors and account, in any mixture of messages."""

import random
from collections import Counter

import pytest

from tests.security.test_v2_mutations import SEED, spoiled_fields
from tests.unit.emr.hl7v2.samples import NAMES, every, message, read
from trialbridge.emr.hl7v2 import actors, again
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion
from trialbridge.testkit.v2_bench import admission, report


def told(found: Conversion) -> tuple[list[bytes], list[str], list[dict[str, object]], dict[str, int]]:
    errors = [f"{one.error.place} {one.error.code}" for one in found.set_aside]
    return [encode(one) for one in every(found)], errors, found.leaves.details(), dict(found.warnings)


def batches() -> list[str]:
    rng = random.Random(SEED)
    samples = [message(name) for name in NAMES] + [report(1, 1_500), admission(2, 1_500), report(3, 1_500)]
    found = ["".join(samples), "".join(samples[-3:] * 2)]
    for _ in range(60):
        chosen = [rng.choice(samples) for _ in range(3)]
        found.append("".join(one + spoiled_fields(rng, one) for one in chosen))
    return found


def test_whoever_is_remembered_is_the_same_as_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = batches()
    remembered = [told(read(body)) for body in bodies]
    monkeypatch.setattr(actors, "remember", lambda *_: None)
    assert [told(read(body)) for body in bodies] == remembered


def test_people_of_the_next_message_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: Counter[str] = Counter()
    person = actors.person

    def counting(*given: object) -> object:
        counted["person"] += 1
        return person(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(actors, "person", counting)
    read("".join(report(number, 1_500) for number in range(5)))
    assert counted["person"] == 2


def test_what_a_conversion_remembers_ends_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(report(1, 1_500))
    monkeypatch.setattr(actors, "person", lambda *_: {})
    second = read(report(1, 1_500))
    assert any(one["resourceType"] == "Practitioner" for one in every(first))
    assert not any(one["resourceType"] == "Practitioner" for one in every(second))


def test_what_is_remembered_has_a_bound() -> None:
    memory: dict[object, object] = {}
    for number in range(again.MOST + 3):
        again.remember(memory, number, number)
    assert len(memory) == 3


def test_a_comment_behind_a_result_stays_with_it() -> None:
    head, _, rest = report(2, 1_500).partition("\rOBX|2")
    noted = f"{head}\rNTE|1||only here\rOBX|2{rest}"
    found = every(read(report(1, 1_500) + noted + report(3, 1_500)))
    assert [[note["text"] for note in one["note"]] for one in found if "note" in one] == [["only here"]]


def test_what_is_added_to_a_list_of_a_result_stays_with_it() -> None:
    head, _, rest = report(2, 1_500).partition("\rOBX|2")
    read(report(1, 1_500))
    added = f"{head}\rPRT|1|UC||RE^Read^HL70912|77^Reader^Rita\rPRT|2|UC||RE^Read^HL70912|78^Reader^Ruth\rOBX|2{rest}"
    found = every(read(added + report(3, 1_500)))
    assert [len(one["performer"]) for one in found if one["resourceType"] == "Observation" and "performer" in one] == [
        2
    ]
