"""Resources that are recognised as text: only sound ones, written as they would be, with all their leaves and references."""

import copy
import random
import re
from collections import Counter, defaultdict
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import pytest

from tests.unit.emr.fhir.judging import GOLDEN
from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.fhir import batch, reader
from trialbridge.emr.fhir.checks import check, fits
from trialbridge.emr.fhir.forms import MOST_ALIKE, Forms
from trialbridge.emr.fhir.links import unresolved
from trialbridge.emr.fhir.owners import own_patient
from trialbridge.emr.fhir.passing import Passing
from trialbridge.emr.fhir.shapes import SHAPES
from trialbridge.emr.jsontext import compact, decode, encode
from trialbridge.emr.records import Conversion, Entry, Feed
from trialbridge.emr.sniff import JSON, NDJSON
from trialbridge.testkit.fhir_bench import resources
from trialbridge.testkit.packing import collection

FEED = Feed(NetworkId("lakeland"), TenantId("north"), SourceId("lakeland/north/fhir"), "2026-11-21T08:00:00Z")
NOWHERE = Place()
WORDS = ('"', "{", "}", "[", "]", ",", ":", "0", "-", "1", ".", "e9", "\\", "\\u0041", "\\n", '\\"', " ", "  ", "é", "\x7f", "\x1f",
         "T", "Z", "2024", "#", "?", "/", "null", "true", "\u2028", "+", "00", "30", "02-29", "1.50", "-0", "1E5",
         "0.0000001", "00000", "#s", "#drug")  # fmt: skip
VALUES: tuple[Any, ...] = ("", " ", "a b", "a  b", "é", "x" * 300, "2024-02-29", "2024-02-30", "2023-12-31T23:59:60Z", "0000", "1700",
    "urn:uuid:1", "Patient/p", "Patient/p/_history/1", "#a", "Patient?identifier=a|b", "https://a/Patient/b", "final", "active", 0, -0.0,
    1, 1.5, True, None, [], {}, "a\nb", 'a"b', "a\\b", "\x07")  # fmt: skip


DATES = (
    "2023", "2023-01", "2023-1-1", "2023-01-31", "2024-02-29", "2023-02-29", "2023-02-30", "2023-04-31", "2023-13-01", "2023-00-10",
    "2023-01-00", "0000-01-01", "0001-01-01", "9999-12-31", "\u0662\u0660\u0662\u0663", "2023-01-01T10:00", "2023-12-31T10:00:00",
    "2023-12-31T23:59:60Z", "2023-12-31T24:00:00Z", "2023-12-31T10:00:00+14:00", "2023-12-31T10:00:00+14:30", "2023-04-31T10:00:00Z",
    "2023-12-31T10:00:00.123Z", "2023-12-31T10:00:00.Z", "2023-12-31 10:00:00Z", "2023-12-31T10:00:00z", "10:00:00", "2023-01-01 ",
    "2023-02-29T10:00:00Z", "2023-02-31",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "00", "01", "-1", "1", "1.5", "1.50", "-0.0", "-0.5", "0.000000", "0.0000000", "0.0000001", "0.00000012", "-0.0000001",
    "1e5", "1E+5", "1.5E-9", "2147483647", "2147483648", "123456789012345678", "1234567890123456789012", "+1", "1.", ".5", "true", "false",
    "null", "{}", "[]", '{"a":1}', '[""]',
)  # fmt: skip
TEXTS = (
    "", " ", "a b", "a  b", " a", "a ", "\u00e9", "x" * 64, "x" * 65, "a/b", "a_b", "Patient/p", "Patient/p/_history/1", "#s", "#", "p#1",
    "urn:uuid:1", "urn:oid:1.2.3", "Patient?identifier=a", "https://a/b?c", "https://a b", "https://a/Patient/p", "\u2028", "\x7f",
    r"a\"b", r"a\\b", r"a\/b", r"\u0041", r"a\tb", r"a\nb", r"\ud800", "\t", "final", "active", "entered-in-error", "male", "zzz", "en",
)  # fmt: skip
TOKENS = (*NUMBERS, *(f'"{one}"' for one in (*DATES, *TEXTS)))
CONTAINING: tuple[Any, ...] = (
    {
        "resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order", "subject": {"reference": "Patient/p"},
        "contained": [
            {"resourceType": "Medication", "id": "drug", "code": {"text": "5-FU"}},
            {"resourceType": "Practitioner", "id": "who", "name": [{"family": "Ash"}]},
        ],
        "medicationReference": {"reference": "#drug"}, "requester": {"reference": "#who"},
    },
    {
        "resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "x"},
        "contained": [{"resourceType": "Specimen", "id": "s", "subject": {"reference": "Patient/p"}}],
        "specimen": {"reference": "#s"}, "subject": {"reference": "Patient/p"},
        "valueQuantity": {"value": Decimal("81.43218765432109876"), "unit": "%"},
    },
    *(
        {
            "resourceType": "Observation", "id": f"d{number}", "status": "final", "code": {"text": "x"},
            "subject": {"reference": "Patient/p"}, "valueQuantity": {"value": Decimal(text), "unit": "%"},
        }
        for number, text in enumerate(("0", "-0.0", "0.000000", "0.0000001", "1E+5", "0.00000112345678901234", "12345678901234567890"))
    ),
)  # fmt: skip


@cache
def given() -> tuple[bytes, ...]:
    """JSON of resources of the synthetic world and of the golden inputs in R4."""
    documents = [decode((GOLDEN / name).read_bytes(), NOWHERE) for name in ("r4.json", "transaction.json")]
    golden = [one["resource"] for document in documents for one in document["entry"] if "resource" in one]
    return tuple(encode(one) for one in (*resources(8), *golden, *CONTAINING) if fits(one))


@cache
def forms() -> Forms:
    """Forms of all of them."""
    found = Forms(often=1, at_first=1_000)
    for text in given():
        if found.find(text) is None:
            found.learn(text, decode(text, NOWHERE))
    return found


def respelt(rng: random.Random, text: bytes) -> bytes:
    words = text.decode()
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(words))
        words = words[:at] + rng.choice(WORDS) + words[at + rng.choice((0, 0, 1, 1, 2, 5)) :]
    return words.encode()


def revalued(rng: random.Random, text: bytes) -> bytes:
    value = copy.deepcopy(decode(text, NOWHERE))
    slots: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        slots += [(one, key) for key in keys]
        waiting += [one[key] for key in keys]
    owner, key = rng.choice(slots)
    other, name = rng.choice(slots)
    owner[key] = copy.deepcopy(rng.choice((rng.choice(VALUES), other[name])))
    return encode(value)


def hold(text: bytes) -> bool:
    """Look at one text; return whether it is recognised, after everything that this claims was found true."""
    found = forms().find(text)
    if found is None:
        return False
    value = decode(text, NOWHERE)
    assert encode(value) == text
    assert fits(value)
    check(value, NOWHERE)
    same: Any = defaultdict(int)
    holders = SHAPES.walk(value, same)
    counted = Counter(path for shape, count in same.items() for path in shape.paths for _ in range(count))
    assert Counter(found[0].paths) == counted
    passing = Passing(text, found, NOWHERE)
    inside = [one for one in holders if one[0]["reference"].startswith("#")]
    assert unresolved(value, inside, set()) == ()
    assert sorted(passing.references) == sorted(one[0]["reference"] for one in holders if one not in inside)
    assert not any("?" in one for one in passing.references)
    assert passing.patient() == own_patient(value)
    assert passing.name == f"{value['resourceType']}/{value['id']}"
    assert passing.held().text == text
    assert passing.held().medication is ("medicationReference" in value)
    assert passing.has_link is (value["resourceType"] == "Patient" and "link" in value)
    return True


def run(count: int, seed: int) -> int:
    recognised = 0
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        text = rng.choice((respelt, revalued))(rng, rng.choice(given()))
        try:
            recognised += hold(text)
        except BaseException as error:
            error.add_note(f"seed {seed}, text {number}")
            raise
    return recognised


def test_what_came_before_is_recognised() -> None:
    assert sum(map(hold, given())) >= 0.95 * len(given())
    assert hold(encode(CONTAINING[0]))
    assert hold(encode(CONTAINING[1]))


def test_two_thousand_changed_texts_are_recognised_only_where_they_are_sound() -> None:
    assert 200 < run(2_000, 20_261_121) < 1_800


@pytest.mark.slow
def test_forty_thousand_changed_texts_are_recognised_only_where_they_are_sound() -> None:
    assert run(40_000, 20_261_122) > 4_000


def converted(monkeypatch: pytest.MonkeyPatch, known: Forms, *entries: Entry, as_texts: bool = True) -> list[Any]:
    for room in (batch, reader):
        monkeypatch.setattr(room, "FORMS", known)
    found: Conversion = convert(entries, FEED, as_texts=as_texts)
    patients = [
        (one.local_patient, one.texts, list(map(encode, one.resources)), one.merges, one.entries)
        for one in found.patients
    ]
    refused = [(one.error.code, one.error.place, one.payload) for one in found.set_aside]
    return [patients, refused, found.warnings, found.account, found.shared, found.leaves.details()]


def entry(body: bytes, media: str = NDJSON, name: str = "x") -> Entry:
    return Entry(name, media, body)


def linked(scheme: str) -> bytes:
    """A Bundle whose references are full URLs."""
    some = [decode(text, NOWHERE) for text in given()[:60]]
    entries = [
        {"fullUrl": scheme + one["id"], "resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
        for one in some
    ]
    text = encode({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    for one in some:
        text = text.replace(
            f'"reference":"{one["resourceType"]}/{one["id"]}"'.encode(), f'"reference":"{scheme}{one["id"]}"'.encode()
        )
    return text


def pretty(text: bytes) -> bytes:
    return msgspec.json.format(text, indent=4)


def spaced(text: bytes) -> bytes:
    return text.replace(b'":', b'": ').replace(b',"', b', "')


@pytest.mark.parametrize(
    "entries",
    [
        [entry(b"\n".join(given()))],
        [entry(b"\xef\xbb\xbf" + b" \r\n\r\n".join(given()))],
        [entry(b"\r".join(given()))],
        [entry(b"\n".join(given()[:40])), entry(b"\n".join(given()), name="y")],
        [entry(b"\n".join(given()[200:])), entry(b"\n".join(given()[:200]), name="y")],
        [entry(collection([decode(one, NOWHERE) for one in given()], "https://ehr.example/fhir"), JSON)],
        [entry(linked("urn:uuid:"), JSON)],
        [entry(linked("https://ehr.example/fhir/Any/"), JSON)],
        [entry(linked("urn:uuid:").replace(b'"transaction"', b'"history"'), JSON)],
        [entry(linked("urn:uuid:")[:-9], JSON)],
        [entry(b"\n".join(given()).replace(b'"reference":"Patient/', b'"reference":"https://ehr.example/fhir/Patient/'))],
        [entry(b"\n".join(given()).replace(b'"reference":"Patient/', b'"reference":"Patient?identifier='))],
        [entry(b"\n".join(given()).replace(b"2024-", b"9999-", 30).replace(b"09:00:00Z", b"09:00:00-10:00", 30))],
        [entry(b"\n".join(given()), NDJSON + "; fhirVersion=4.0")],
        [entry(b"\n".join(given()), NDJSON + "; fhirVersion=3.0")],
        [entry(b"\n".join(one for one in given() if b'"Patient",' not in one))],
        [entry(pretty(collection([decode(one, NOWHERE) for one in given()], "https://ehr.example/fhir")), JSON)],
        [entry(pretty(linked("urn:uuid:")).replace(b"\n", b"\r\n"), JSON)],
        [entry(pretty(linked("urn:uuid:"))[:-9], JSON)],
        [entry(pretty(linked("urn:uuid:")).replace(b'"fullUrl"', b'"fullURL"', 1), JSON)],
        [entry(b"\n".join(map(spaced, given())))],
        [entry(b"\n".join(map(spaced, given())).replace(b'": "', b'": \x0b"', 3).replace(b"2024", b"20\xff24", 2))],
    ],
)  # fmt: skip
def test_recognition_changes_no_outcome(monkeypatch: pytest.MonkeyPatch, entries: list[Entry]) -> None:
    never = Forms(at_first=-1_000_000)
    for texts in (True, False):
        with_forms = converted(monkeypatch, forms(), *entries, as_texts=texts)
        assert with_forms == converted(monkeypatch, never, *entries, as_texts=texts)


def test_all_but_a_few_of_a_feed_pass_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Forms(often=2)
    body = b"\n".join(given())
    learnt: list[bytes] = []
    for _ in range(3):
        converted(monkeypatch, known, entry(body))
    monkeypatch.setattr(known, "learn", lambda text, resource: learnt.append(text))
    converted(monkeypatch, known, entry(body))
    assert len(learnt) < 0.1 * len(given())


@pytest.mark.parametrize("media", [JSON, NDJSON])
def test_blanks_between_words_keep_nothing_from_being_recognised(monkeypatch: pytest.MonkeyPatch, media: str) -> None:
    known = Forms(often=1, at_first=1_000)
    some = [decode(one, NOWHERE) for one in given()[:100]]
    bundle = collection(some, "https://ehr.example/fhir")
    body = pretty(bundle) if media == JSON else b"\n".join(map(spaced, given()[:100]))
    plain = bundle if media == JSON else b"\n".join(given()[:100])
    learnt: list[bytes] = []
    first = converted(monkeypatch, known, entry(body, media))
    monkeypatch.setattr(known, "learn", lambda text, resource: learnt.append(text))
    assert (
        first == converted(monkeypatch, known, entry(body, media)) == converted(monkeypatch, known, entry(plain, media))
    )
    assert len(learnt) < 10


def test_text_without_blanks_says_the_same_and_what_is_no_json_has_none() -> None:
    for text in given()[:40]:
        assert compact(text) is text
        assert compact(pretty(text)) == compact(spaced(text)) == text
    number = b'{"a": [ 1.50 , -0e+7, "\\u00e9 \\n", {"a": {} , "b": [ ]} ]}'
    assert compact(number) == b'{"a":[1.50,-0e+7,"\\u00e9 \\n",{"a":{},"b":[]}]}'
    for broken in (
        b'{"a": 01}',
        b'{"a": 1 2}',
        b'{"a": tru e}',
        b'{"a": "\n"}',
        b'{"a": 1,}',
        b'{"a": \x0b1}',
        b'{"a": 1} x',
        b'{"a": ',
    ):
        with pytest.raises(msgspec.DecodeError):
            compact(broken)


def test_no_value_of_any_element_is_recognised_that_the_schema_refuses_or_that_would_be_written_otherwise() -> None:
    some = {json_kind(text): text for text in given()}
    recognised = 0
    for text in some.values():
        words = text.decode()
        for leaf in re.finditer(r'(?<=[:\[,])(?:"(?:[^"\\]|\\.)*"(?!:)|[-0-9.]+|true|false)', words):
            for token in TOKENS:
                recognised += hold((words[: leaf.start()] + token + words[leaf.end() :]).encode())
    assert recognised > 5_000


def json_kind(text: bytes) -> tuple[str, ...]:
    """Which elements a resource has: one text of each is enough."""
    value = decode(text, NOWHERE)
    return (value["resourceType"], *value)


def test_text_with_blanks_is_neither_recognised_nor_learnt() -> None:
    known = Forms(often=1)
    for text in (b" ".join(given()[0].split(b" ")).replace(b'":', b'": '), msgspec.json.format(given()[0])):
        value = decode(text, NOWHERE)
        known.learn(text, value)
        assert known.find(text) is None
        assert forms().find(text) is None
    assert not known._forms


def test_text_that_is_cut_off_is_not_recognised() -> None:
    text = given()[0]
    known = forms()
    assert all(known.find(text[:end]) is None for end in range(len(text)))
    assert all(known.find(text[start:]) is None for start in range(1, len(text)))
    assert known.find(text + b"}") is None


def test_forms_are_learnt_of_what_comes_often_and_not_without_end() -> None:
    known = Forms(often=3, at_first=2)
    text = given()[0]
    value = decode(text, NOWHERE)
    for _ in range(2):
        known.learn(text, value)
        assert known.find(text) is None
    known.learn(text, value)
    assert known.find(text) is not None
    for number in range(20):
        other = {
            "resourceType": "Basic",
            "id": "a",
            "code": {"text": "b"},
            "subject": {"reference": "Patient/p"},
            f"_{number}": {},
        }
        known.learn(encode(other), other)
    assert len(known._forms) <= 2
    assert all(len(alike) <= MOST_ALIKE for alike in known._forms.values())
