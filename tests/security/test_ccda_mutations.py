"""Documents spoiled at random and on purpose: nothing crashes, what goes out is valid, errors are located and quote nothing."""

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from tests.unit.emr.ccda.documents import convert_document, leaves_in, references_in, resources_of, written
from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Conversion, Entry, Feed
from trialbridge.emr.sniff import media_type_of

SEED = 20_261_121
SECRETS = ("Birchwood", "MRN-4711", "Dogwood", "Birch Row", "carcinoma")
WILD = (
    "", " ", "0", "-1", "1e999", "NaN", "99999999999999999999", "20261332", "2026", "x" * 5_000, "true", "urn:oid:1.2", "1.2.3", "..",
    "'\"<>&", "\u202e", "\U0001f9ec", "%s{0}", "../../etc/passwd", "javascript:alert(1)", "2.16.840.1.113883.6.1", "CD", "IVL_PQ",
    "  a  b ",
)  # fmt: skip

Change = Callable[[random.Random, Any], None]


def _elements(tree: Any) -> list[Any]:
    return [one for one in tree.iter() if isinstance(one.tag, str) and one.getparent() is not None]


def drop(rng: random.Random, tree: Any) -> None:
    one = rng.choice(_elements(tree))
    one.getparent().remove(one)


def repeat(rng: random.Random, tree: Any) -> None:
    one = rng.choice(_elements(tree))
    one.addnext(copy.deepcopy(one))


def move(rng: random.Random, tree: Any) -> None:
    one, other = rng.choice(_elements(tree)), rng.choice(_elements(tree))
    if one not in other.iterancestors() and one is not other:
        other.append(one)


def rename(rng: random.Random, tree: Any) -> None:
    one, other = rng.choice(_elements(tree)), rng.choice(_elements(tree))
    one.tag = other.tag if rng.random() < 0.8 else "{urn:other}thing"


def revalue(rng: random.Random, tree: Any) -> None:
    one = rng.choice([one for one in _elements(tree) if one.attrib] or _elements(tree))
    if one.attrib:
        one.set(rng.choice(list(one.attrib)), rng.choice(WILD))


def swap_value(rng: random.Random, tree: Any) -> None:
    some = [one for one in _elements(tree) if one.attrib]
    if some:
        one, other = rng.choice(some), rng.choice(some)
        one.set(rng.choice(list(one.attrib)), other.get(rng.choice(list(other.attrib))))


def lose_attribute(rng: random.Random, tree: Any) -> None:
    one = rng.choice(_elements(tree))
    if one.attrib:
        del one.attrib[rng.choice(list(one.attrib))]


def add_attribute(rng: random.Random, tree: Any) -> None:
    names = [
        "nullFlavor",
        "negationInd",
        "value",
        "code",
        "root",
        "unit",
        "moodCode",
        "classCode",
        "codeSystem",
        "use",
        "extension",
    ]
    rng.choice(_elements(tree)).set(rng.choice(names), rng.choice([*WILD, "UNK", "NI", "OTH", "true", "INT", "GOL"]))


def put_text(rng: random.Random, tree: Any) -> None:
    rng.choice(_elements(tree)).text = rng.choice(WILD)


TREE_CHANGES: tuple[Change, ...] = (
    drop, repeat, move, rename, revalue, revalue, revalue, swap_value, lose_attribute, add_attribute, put_text,
)  # fmt: skip


def spoiled_tree(rng: random.Random, body: bytes) -> bytes:
    tree = etree.fromstring(body)
    for _ in range(rng.randint(1, 4)):
        rng.choice(TREE_CHANGES)(rng, tree)
    return etree.tostring(tree)


def spoiled_bytes(rng: random.Random, body: bytes) -> bytes:
    match rng.randrange(6):
        case 0:
            return body[: rng.randrange(len(body))]
        case 1:
            at = rng.randrange(len(body))
            return body[:at] + rng.randbytes(rng.randrange(4)) + body[at + rng.randrange(4) :]
        case 2:
            return (
                b'<?xml version="1.0" encoding="%s"?>' % rng.choice([b"UTF-16", b"UCS-4", b"EBCDIC-CP-US", b"x", b""])
                + body.partition(b"?>")[2]
            )
        case 3:
            start, end = sorted(rng.randrange(len(body)) for _ in range(2))
            return body[:start] + body[end:]
        case 4:
            return body.replace(
                b"urn:hl7-org:v3", rng.choice([b"", b"urn:hl7-org:v2", b"http://hl7.org/fhir"]), rng.randint(1, 2)
            )
        case _:
            return body + rng.choice([body, b"<a/>", b"\0", b"]]>", rng.randbytes(9)])


def spoiled(rng: random.Random) -> bytes:
    body = written(rng.choice(["discharge", "discharge", "oncology", "unstructured"]))
    return spoiled_tree(rng, body) if rng.random() < 0.8 else spoiled_bytes(rng, body)


def judge(found: Conversion, body: bytes) -> None:
    known = {(one["resourceType"], one["id"]) for one in resources_of(found)}
    named = {f"{kind}/{identity}" for kind, identity in known}
    for resource in resources_of(found):
        check(resource, Place())
        assert set(references_in(resource)) <= named
    leaves = found.account["leaves"]
    assert leaves["unaccounted"] == 0
    assert leaves["leaves"] == (leaves_in(body) if found.patients else 0)
    assert leaves["mapped"] + leaves["kept"] + leaves["dropped"] == leaves["leaves"]
    for one in found.set_aside:
        assert one.error.code.partition(".")[0] in ("xml", "ccda", "fhir")
        assert one.error.place.entry == "document.xml"
        assert not any(secret in f"{one.error} {one.error.place}" for secret in SECRETS)


def run(count: int, seed: int) -> None:
    print(f"seed {seed}, {count} documents")  # noqa: T201 - what pytest shows of a failure
    for number in range(count):
        rng = random.Random(f"{seed} {number}")
        body = spoiled(rng)
        try:
            judge(convert_document(body), body)
        except Exception as error:
            error.add_note(f"seed {seed}, document {number}")
            raise


def test_five_hundred_spoiled_documents() -> None:
    run(500, SEED)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_ten_thousand_spoiled_documents(seed: int) -> None:
    run(10_000, seed)


def test_a_spoiled_document_does_not_touch_the_others_of_its_bundle() -> None:
    feed = Feed(NetworkId("lakeland"), TenantId("north"), SourceId("lakeland/north/ccda"), "2026-11-21T08:00:00Z")
    good = Entry("good.xml", "application/cda+xml", written("discharge"))
    alone = convert([good], feed)
    rng = random.Random(SEED)
    for _ in range(25):
        bad = Entry("bad.xml", "application/cda+xml", spoiled_bytes(rng, written("oncology")))
        found = convert([bad, good], feed)
        assert [one for one in found.patients if one.local_patient == "88"] == list(alone.patients)


def laughs() -> bytes:
    levels = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    root = '<ClinicalDocument xmlns="urn:hl7-org:v3"><title>&l9;</title></ClinicalDocument>'
    return f'<!DOCTYPE x [<!ENTITY l0 "ha">{levels}]>{root}'.encode()


def document(inside: bytes) -> bytes:
    return b'<ClinicalDocument xmlns="urn:hl7-org:v3">' + inside + b"</ClinicalDocument>"


HOSTILE = {
    "billion laughs": (laughs(), "xml."),
    "laughs in an attribute": (laughs().replace(b"<title>&l9;</title>", b'<title a="&l9;"/>'), "xml."),
    "external entity": (
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + document(b"<title>&e;</title>"), "xml.dtd",
    ),
    "external dtd": (b'<!DOCTYPE x SYSTEM "http://192.0.2.1/evil.dtd">' + document(b"<title/>"), "xml.dtd"),
    "parameter entity": (
        b'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://192.0.2.1/p"> %p;]>' + document(b"<title/>"), "xml.dtd",
    ),
    "unknown entity": (document(b"<title>&nbsp;</title>"), "xml."),
    "deep nesting": (document(b"<a>" * 100_000), "xml.over-limit"),
    "deep statements": (
        document(b"<component><structuredBody>" + b"<component><section>" * 300 + b"</section></component>" * 300), "xml.over-limit",
    ),
    "giant text": (document(b"<title>" + b"x" * 11_000_000 + b"</title>"), "xml.over-limit"),
    "giant attribute": (document(b'<title a="' + b"x" * 11_000_000 + b'"/>'), "xml.over-limit"),
    "no end": (b"<ClinicalDocument", "xml.broken"),
    "nothing": (b"", "xml.broken"),
    "not xml": (b"\x00\x01\x02", "xml.broken"),
    "another root": (b"<html/>", "ccda.not-a-document"),
    "another namespace": (b"<ClinicalDocument/>", "ccda.not-a-document"),
    "root inside": (b"<a>" + document(b"") + b"</a>", "ccda.not-a-document"),
    "no patient": (document(b"<title/>"), "ccda.no-patient"),
    "no identifier": (document(b"<recordTarget><patientRole/></recordTarget>"), "ccda.no-identifier"),
    "wrong bytes": (document(b"<title>\xe9</title>"), "xml.encoding"),
    "unknown encoding": (b'<?xml version="1.0" encoding="klingon"?>' + document(b""), "xml.encoding"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(60)
def test_hostile_xml_is_refused_with_a_code(name: str) -> None:
    body, code = HOSTILE[name]
    found = convert_document(body)
    assert resources_of(found) == []
    assert len(found.set_aside) == 1
    assert found.set_aside[0].error.code.startswith(code)
    assert "hostname" not in str(found.set_aside[0].error)


def test_a_document_type_hides_nothing_from_the_sniffer() -> None:
    assert media_type_of("x", laughs()) == "application/cda+xml"


def test_thousands_of_names_attributes_and_templates_take_no_time_beyond_their_size() -> None:
    head = written("discharge").partition(b"<cda:componentOf>")[0].replace(b"cda:", b"").replace(b"xmlns:cda", b"xmlns")
    head = head.replace(b"xmlns=", b"xmlns=", 1)
    names = b"".join(b'<n%d a%d="%d"/>' % (number, number, number) for number in range(5_000))
    entry = b'<entry><observation classCode="OBS" moodCode="EVN">%s%s</observation></entry>' % (
        b'<templateId root="2.16.840.1.113883.10.20.22.4.2"/>' * 5_000, names,
    )  # fmt: skip
    body = (
        head
        + b"<component><structuredBody><component><section>"
        + entry
        + b"</section></component></structuredBody></component></ClinicalDocument>"
    )
    found = convert_document(body)
    judge(found, body)
    assert found.account["leaves"]["kept"] >= 5_000


def test_narratives_carry_no_scripts() -> None:
    text = (
        b'<text><script>alert(1)</script><linkHtml href="javascript:alert(1)">a</linkHtml>'
        b'<content ID="&quot; onclick=&quot;x">b</content>'
        b'<iframe src="x">c</iframe>&lt;script&gt;</text>'
    )
    body = written("oncology").replace(b"<text>ECOG 1</text>", text)
    assert body != written("oncology")
    composition = next(one for one in resources_of(convert_document(body)) if one["resourceType"] == "Composition")
    div = next(one["text"]["div"] for one in composition["section"] if one["title"] == "Functional status")
    assert div.startswith('<div xmlns="http://www.w3.org/1999/xhtml">')
    assert not any(word in div for word in ("<script", "<iframe", "href", 'onclick="', "javascript"))
    etree.fromstring(div)


def with_body(sections: bytes) -> bytes:
    """Return a document of a patient, with sections."""
    head = b'<recordTarget><patientRole><id root="1.2.3" extension="4"/></patientRole></recordTarget>'
    return document(head + b"<component><structuredBody>" + sections + b"</structuredBody></component>")


def section(inside: bytes) -> bytes:
    return b"<component><section>" + inside + b"</section></component>"


def entry(inside: bytes, name: bytes = b"observation") -> bytes:
    return b"<entry><" + name + b">" + inside + b"</" + name + b"></entry>"


def many(inside: bytes) -> bytes:
    observation = b"<component><observation>" + inside + b"</observation></component>"
    return b"".join(observation % number for number in range(3_000))


AMPLIFIERS = {
    "one text, many references": section(
        b'<text><content ID="a">' + b"x" * 1_000_000 + b"</content></text>"
        + b"".join(entry(b'<id root="1.2.%d"/><text><reference value="#a"/></text>' % n) for n in range(2_000))
    ),
    "texts in one another": section(
        b"<text>" + b"".join(b'<content ID="a%d">' % n for n in range(200)) + b"x" * 500_000 + b"</content>" * 200 + b"</text>"
        + b"".join(entry(b'<id root="1.2.%d"/><text><reference value="#a%d"/></text>' % (n, n)) for n in range(200))
    ),
    "long names in one another": section(
        entry(
            b"".join(b"<n%d%s>" % (n, b"x" * 2_000) for n in range(200)) + b"<a b='1'/>" * 2_000
            + b"".join(b"</n%d%s>" % (n, b"x" * 2_000) for n in reversed(range(200)))
        )
    ),
    "one identifier for all": section(
        b"".join(entry(b'<id root="1.2"/><code code="%d"/>' % n) for n in range(5_000))
    ),
    "one participant with many names": section(
        b"".join(
            entry(b'<author><assignedAuthor><id root="1.2"/><telecom value="%d"/></assignedAuthor></author>' % n) for n in range(3_000)
        )
    ),
    "a bad date in each of many": section(entry(many(b'<effectiveTime value="x%d"/>'), b"organizer")),
    "a bad number in each of many": section(entry(many(b'<value value="x%d" unit="g"/>'), b"organizer")),
}  # fmt: skip


@pytest.mark.parametrize("name", AMPLIFIERS)
@pytest.mark.timeout(60)
def test_a_small_document_becomes_no_large_one(name: str) -> None:
    body = with_body(AMPLIFIERS[name])
    found = convert_document(body)
    judge(found, body)
    assert sum(len(encode(one)) for one in resources_of(found)) < 100 * len(body) + 20_000_000
    assert len(found.set_aside) <= 20


@pytest.mark.timeout(120)
def test_a_document_of_nothing_but_the_unknown_is_refused() -> None:
    body = with_body(section(entry(b"<a b='1'/>" * 300_000)))
    found = convert_document(body)
    assert resources_of(found) == []
    assert [one.error.code for one in found.set_aside] == ["ccda.over-limit"]
