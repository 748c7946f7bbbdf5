"""Whoever is named again in a conversion is the same as one who is read anew: output, errors and account, in any mixture of messages."""

import random
from collections import Counter

import pytest

from tests.security.test_v2_mutations import SEED, spoiled_fields
from tests.unit.emr.hl7v2.samples import NAMES, every, message, read
from trialbridge.emr.bounded import Bounded
from trialbridge.emr.hl7v2 import again, layouts, people, settling
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
    monkeypatch.setattr(Bounded, "keep", lambda *given: given[-1])
    assert [told(read(body)) for body in bodies] == remembered


def test_people_of_a_known_form_are_made_without_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(admission(1, 1_500))
    counted: Counter[str] = Counter()
    person = people.person

    def counting(*given: object) -> object:
        counted["person"] += 1
        return person(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(people, "person", counting)
    again = read(admission(1, 1_500).replace("Attend^Al", "Other^Bo"))
    assert counted["person"] == 0
    names = [
        [one["name"][0]["family"] for one in every(found) if one["resourceType"] == "Practitioner"]
        for found in (first, again)
    ]
    assert [sorted(one) for one in names] == [["Attend", "Primary"], ["Other", "Primary"]]


def test_of_people_no_text_is_remembered() -> None:
    layouts.forget()
    read("".join(one(number, 1_500) for one in (admission, report) for number in range(2)))
    kept = repr([repr(one._known.items()) for one in layouts._memories]) + repr(again.lasting) + repr(settling._good)
    assert people.PERSON._known
    assert not any(one in kept for one in ("Attend", "1234", "Primary", "Order^", "Olga"))


@pytest.mark.parametrize(
    "doctor",
    ["33^Order^Olga", "33^Order^Olga~33^Order^Olga", "33^Order^O L", " 33^Order", "33^^", "^Order", "33^O\\T\\r^Olga", '33^""^Olga',
     "33^Order^Olga^^^^MD^^NORTH&1.2.3&ISO^L^^^NPI", "33&4^Order", "33^Order^Olga^^^^^^^^^^^^^^^^2020", "33^Ö\u00a0rder"],
)  # fmt: skip
def test_people_are_the_same_cold_and_warm(doctor: str) -> None:
    """One doctor in several fields and segments, in the same and in other words."""
    text = (
        report(1, 1_500)
        .replace("33^Order^Olga||||||2026", f"{doctor}||||||2026")
        .replace("Al^^^Dr^MD", f"Al^^^Dr^MD|{doctor}")
    )
    layouts.forget()
    settling.forget()
    cold = told(read(text))
    assert [told(read(text)), told(read(text.replace("|", "!")))] == [cold, cold]


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
