"""FHIR spoiled at random and on purpose, as JSON, NDJSON and XML: nothing crashes, what goes out is valid, errors are located."""

import copy
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from tests.unit.emr.fhir.judging import GOLDEN, JSON, NDJSON, XML, converted, judge, leaves_in, resources_of
from trialbridge.contracts.errors import Place
from trialbridge.emr.jsontext import decode, encode
from trialbridge.emr.sniff import media_type_of

SEED = 20_261_121
GIVEN = ("dstu2.json", "stu3.json", "r4.json", "r5.json", "transaction.json", "history.json")
MARKUP = ("r4.xml", "stu3.xml")
KINDS = (
    "Patient",
    "Observation",
    "Bundle",
    "Parameters",
    "MedicationOrder",
    "Encounter",
    "Quantity",
    "Nothing",
    "Binary",
    "",
)
WILD: tuple[Any, ...] = (
    "", " ", "x" * 5_000, "true", True, False, 0, -1, 2**63, 2**31, Decimal("1E+400"), Decimal("1.50"), Decimal("-0"), None, [], {}, [None],
    [[]], [{}],
    {"": ""}, {"reference": "Patient/p1"}, {"reference": "#x"}, {"reference": "urn:uuid:1"}, {"reference": "Patient?identifier=a|b"},
    "2020-02-30",
    "9999-12-31T23:59:59-14:00", "active", "final", "\u202e", "\U0001f9ec", "\x00", "urn:uuid:0", "Patient/p1", "../../etc/passwd", "a b",
)  # fmt: skip

Slot = tuple[Any, Any]
"""A container and the key or position of something in it."""


def slots(value: Any) -> list[Slot]:
    found: list[Slot] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        items = list(one.items()) if isinstance(one, dict) else list(enumerate(one)) if isinstance(one, list) else []
        found += [(one, key) for key, _ in items]
        waiting += [inner for _, inner in items]
    return found


def drop(rng: random.Random, document: Any) -> None:
    owner, key = rng.choice(slots(document))
    del owner[key]


def revalue(rng: random.Random, document: Any) -> None:
    owner, key = rng.choice(slots(document))
    owner[key] = copy.deepcopy(rng.choice(WILD))


def swap(rng: random.Random, document: Any) -> None:
    owner, key = rng.choice(slots(document))
    other, name = rng.choice(slots(document))
    owner[key] = copy.deepcopy(other[name])


def rename(rng: random.Random, document: Any) -> None:
    owner, key = rng.choice(slots(document))
    _, other = rng.choice(slots(document))
    if isinstance(owner, dict) and isinstance(other, str):
        owner[other] = owner.pop(key)


def wrap(rng: random.Random, document: Any) -> None:
    owner, key = rng.choice(slots(document))
    owner[key] = [owner[key]] if rng.random() < 0.7 else {"value": owner[key]}


def unwrap(rng: random.Random, document: Any) -> None:
    some = [(owner, key) for owner, key in slots(document) if isinstance(owner[key], list) and owner[key]]
    if some:
        owner, key = rng.choice(some)
        owner[key] = owner[key][0]


def retype(rng: random.Random, document: Any) -> None:
    some = [owner for owner, key in slots(document) if key == "resourceType"]
    if some:
        rng.choice(some)["resourceType"] = rng.choice(KINDS)


def repeat(rng: random.Random, document: Any) -> None:
    some = [(owner, key) for owner, key in slots(document) if isinstance(owner, list)]
    if some:
        owner, key = rng.choice(some)
        owner.insert(key, copy.deepcopy(owner[key]))


CHANGES: tuple[Callable[[random.Random, Any], None], ...] = (
    drop, revalue, revalue, revalue, swap, swap, rename, wrap, unwrap, retype, repeat,
)  # fmt: skip


def spoiled_bytes(rng: random.Random, body: bytes) -> bytes:
    at, to = sorted(rng.randrange(len(body)) for _ in range(2))
    match rng.randrange(5):
        case 0:
            return body[:at]
        case 1:
            return body[:at] + rng.randbytes(rng.randrange(1, 4)) + body[at:]
        case 2:
            return body[:at] + body[to:]
        case 3:
            return body.decode("utf-8").encode(rng.choice(["utf-16", "utf-16-le", "utf-8-sig", "cp500"]))
        case _:
            return body + rng.choice([body, b"}", b"<a/>", b"\x00", rng.randbytes(9)])


def spoiled_json(rng: random.Random) -> tuple[bytes, str]:
    body = (GOLDEN / rng.choice(GIVEN)).read_bytes()
    if rng.random() < 0.15:
        return spoiled_bytes(rng, body), JSON
    document = decode(body, Place())
    for _ in range(rng.randint(1, 5)):
        rng.choice(CHANGES)(rng, document)
    if rng.random() < 0.3 and isinstance(document.get("entry"), list):
        rows = [one.get("resource", one) if isinstance(one, dict) else one for one in document["entry"]]
        return b"\n".join(encode(row) for row in rows), NDJSON
    return encode(document), JSON


def spoiled_xml(rng: random.Random) -> tuple[bytes, str]:
    body = (GOLDEN / rng.choice(MARKUP)).read_bytes()
    if rng.random() < 0.2:
        return spoiled_bytes(rng, body), XML
    root: Any = etree.fromstring(body)
    for _ in range(rng.randint(1, 4)):
        below = [one for one in root.iter(etree.Element) if one.getparent() is not None]
        if not below:
            break
        one, other = rng.choice(below), rng.choice(below)
        match rng.randrange(6):
            case 0:
                one.getparent().remove(one)
            case 1:
                one.addnext(copy.deepcopy(one))
            case 2:
                one.tag = other.tag if rng.random() < 0.8 else "{urn:other}thing"
            case 3:
                one.set(
                    rng.choice(["value", "id", "url", "other"]),
                    rng.choice(["", "1.50", "x", "true", "NaN", "2020-02-30"]),
                )
            case 4:
                if one not in other.iterancestors() and one is not other:
                    other.append(one)
            case _:
                one.text = "stray"
    return etree.tostring(root), XML


def judge_spoiled(body: bytes, media: str, *, models: bool) -> None:
    found = converted(body, media)
    judge(found, models=models)
    for one in found.set_aside:
        assert one.error.code.partition(".")[0] in ("xml", "fhir", "json")
        assert one.error.place.entry == "given"
        assert "Ash" not in f"{one.error} {one.error.place}"
    broken = any(
        one.error.code.startswith(("json.", "xml.")) or not str(one.error.place.field) for one in found.set_aside
    )
    whole = any(one.payload == body for one in found.set_aside)
    if not broken and not whole and not (found.set_aside and media == XML):
        # A resource in a place where there is none is an object like any other.
        count = found.account["leaves"]["leaves"]
        assert leaves_in(body, media, types=False) <= count <= leaves_in(body, media)


def run(count: int, seed: int, make: Callable[[random.Random], tuple[bytes, str]]) -> None:
    print(f"seed {seed}, {count} documents")  # noqa: T201 - what pytest shows of a failure
    for number in range(count):
        body, media = make(random.Random(f"{seed} {number}"))
        try:
            judge_spoiled(body, media, models=True)
        except Exception as error:
            error.add_note(f"seed {seed}, document {number}")
            raise


def test_three_hundred_spoiled_documents_of_json() -> None:
    run(300, SEED, spoiled_json)


def test_three_hundred_spoiled_documents_of_xml() -> None:
    run(300, SEED, spoiled_xml)


def test_an_element_with_nothing_in_it_is_told_as_the_empty_text_that_it_is_in_json() -> None:
    markup = b'<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/><type/></Bundle>'
    text = b'{"resourceType":"Bundle","type":["collection",""]}'
    for body, media in ((markup, XML), (text, JSON)):
        judge_spoiled(body, media, models=True)
        found = converted(body, media)
        assert {row["source"]: (row["fate"], row["count"]) for row in found.leaves.details()} == {
            "Bundle.resourceType": ("dropped", 1),
            "Bundle.type": ("dropped", 2),
        }


@pytest.mark.parametrize(
    ("make", "seed"),
    [(spoiled_xml, "2726875800 7421"), (spoiled_xml, "1183746522 5205"), (spoiled_json, "1004 7727")],
)
def test_a_spoiled_document_whose_leaves_were_counted_otherwise(
    make: Callable[[random.Random], tuple[bytes, str]], seed: str
) -> None:
    judge_spoiled(*make(random.Random(seed)), models=True)


def test_an_element_that_is_named_as_the_type_is_one_as_any_other() -> None:
    """Of the fifth edition's Encounter.reason all is kept, what no edition knows with it."""
    reason = {"use": [{"text": "u"}], "resourceType": [{"concept": {"text": "c"}}, {"concept": {"text": "d"}}]}
    body = encode(
        {
            "resourceType": "Encounter",
            "id": "e",
            "status": "completed",
            "class": [{"coding": [{"code": "AMB"}]}],
            "subject": {"reference": "Patient/p"},
            "actualPeriod": {"start": "2020"},
            "reason": [reason],
        }
    )
    judge_spoiled(body, JSON, models=True)
    rows = {row["source"]: (row["fate"], row["count"]) for row in converted(body, JSON).leaves.details()}
    assert rows["Encounter.reason.resourceType.concept.text"] == ("kept", 2)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("make", [spoiled_json, spoiled_xml])
def test_ten_thousand_spoiled_documents(make: Callable[[random.Random], tuple[bytes, str]], seed: int) -> None:
    run(10_000, seed, make)


def laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    return f'<!DOCTYPE x [<!ENTITY l0 "ha">{levels}]><Patient xmlns="http://hl7.org/fhir"><id value="&l9;"/></Patient>'.encode()


def patient(inside: bytes) -> bytes:
    return b'<Patient xmlns="http://hl7.org/fhir">' + inside + b"</Patient>"


HOSTILE = {
    "billion laughs": (laughs(), "xml."),
    "external entity": (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + patient(b'<id value="a"/>&e;'), "xml.dtd"),
    "external dtd": (b'<!DOCTYPE x SYSTEM "http://192.0.2.1/evil.dtd">' + patient(b""), "xml.dtd"),
    "parameter entity": (b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://192.0.2.1/p"> %p;]>' + patient(b""), "xml.dtd"),
    "unknown entity": (patient(b"&nbsp;"), "xml."),
    "deep nesting": (patient(b"<extension>" * 100_000), "xml.over-limit"),
    "deep and closed": (patient(b"<extension>" * 250 + b"</extension>" * 250), "fhir."),
    "giant attribute": (patient(b'<id value="' + b"x" * 11_000_000 + b'"/>'), "xml."),
    "giant text": (patient(b"x" * 11_000_000), "xml.over-limit"),
    "too large": (patient(b'<id value="a"/>' + b" " * 68_000_000), "xml.too-large"),
    "no end": (b'<Patient xmlns="http://hl7.org/fhir"', "xml.broken"),
    "nothing": (b"", "xml.broken"),
    "another root": (b'<Nothing xmlns="http://hl7.org/fhir"/>', "fhir.not-fhir"),
    "another namespace": (b"<Patient/>", "fhir.not-fhir"),
    "a datatype": (b'<Quantity xmlns="http://hl7.org/fhir"/>', "fhir.not-fhir"),
    "wrong bytes": (patient(b'<id value="\xe9"/>'), "xml.encoding"),
    "unknown encoding": (b'<?xml version="1.0" encoding="klingon"?>' + patient(b""), "xml.encoding"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(60)
def test_hostile_xml_is_refused_with_a_code(name: str) -> None:
    body, code = HOSTILE[name]
    found = converted(body, XML)
    assert resources_of(found) == []
    [one] = found.set_aside
    assert one.error.code.startswith(code)
    assert one.error.place.entry == "given"
    assert "hostname" not in str(one.error)


DEEP = {
    "lists": b'{"resourceType":"Patient","id":"p","name":' + b"[" * 900 + b"]" * 900 + b"}",
    "extensions": b'{"resourceType":"Patient","id":"p"' + b',"extension":[{"url":"u"' * 400 + b"}]" * 400 + b"}",
    "old extensions": b'{"resourceType":"MedicationOrder","id":"p"' + b',"extension":[{"url":"u"' * 400 + b"}]" * 400 + b"}",
    "contained": b'{"resourceType":"Patient","id":"p"' + b',"contained":[{"resourceType":"Patient"' * 400 + b"}]" * 400 + b"}",
    "bundles": b'{"resourceType":"Bundle","entry":[{"resource":' * 300 + b"{}" + b"}]}" * 300,
    "parameters": b'{"resourceType":"Parameters","parameter":[{"resource":' * 300 + b"{}" + b"}]}" * 300,
}  # fmt: skip


@pytest.mark.parametrize("name", DEEP)
@pytest.mark.timeout(60)
def test_deep_json_is_refused_and_its_neighbour_goes_on(name: str) -> None:
    found = converted(DEEP[name] + b'\n{"resourceType":"Patient","id":"good"}\n', NDJSON)
    judge(found)
    assert "good" in {one["id"] for one in resources_of(found)}
    assert all(one.error.place.message == 1 for one in found.set_aside)


def test_a_spoiled_entry_does_not_touch_the_others_of_its_bundle() -> None:
    document = decode((GOLDEN / "stu3.json").read_bytes(), Place())
    whole = {encode(one) for one in resources_of(converted(encode(document)))}
    rng = random.Random(SEED)
    for _ in range(25):
        changed = copy.deepcopy(document)
        place = rng.randrange(1, len(changed["entry"]))
        changed["entry"][place]["resource"] = rng.choice(
            [{"resourceType": "Observation", "id": "z", "status": 7}, 5, {}, "x"]
        )
        found = converted(encode(changed))
        [one] = found.set_aside
        assert str(one.error.place.field).startswith(f"entry[{place}].resource")
        # What referred to the lost one refers to it by its name only; everything else stays as it is.
        lost = {row for row in whole if row not in {encode(one) for one in resources_of(found)}}
        assert len(lost) <= 4


def test_the_sniffer_tells_fhir_as_xml_by_its_namespace() -> None:
    assert media_type_of("x", (GOLDEN / "r4.xml").read_bytes()) == XML
    assert media_type_of("letter.xml", b"<Patient/>") != XML
