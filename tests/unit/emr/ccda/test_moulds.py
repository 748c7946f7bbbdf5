"""Entries that are read by a mould come to the same as those whose elements are looked at."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from tests.unit.emr.ccda.documents import written
from trialbridge.emr.ccda import moulds
from trialbridge.emr.ccda.moulds import Moulding
from trialbridge.emr.ccda.xmltree import V3, Names, Node, Tree
from trialbridge.testkit.ccda_documents import document

ENTRY = (
    '<entry xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:v="urn:hl7-org:v3" xmlns:o="urn:o" {}'
    "</entry>"
)
PLAIN = 'typeCode="DRIV"><observation classCode="OBS"><code code="55607006"/><value xsi:type="v:CD" code="{}"/></observation>'
VALUES = (
    "",
    " ",
    " a ",
    "a  b",
    "\u00e9",
    "'",
    "=",
    ">",
    "v:PQ",
    "ASSERTION",
    "completed",
    'x="y"',
    "<",
    "a&b",
    "\n",
    "x" * 300,
)


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Any:
    found = moulds._Store()
    monkeypatch.setattr(moulds, "_STORE", found)
    return found


def entries(body: bytes) -> list[Any]:
    root = etree.fromstring(body, etree.XMLParser(remove_comments=True, remove_pis=True))
    return list(root.iter(f"{{{V3}}}entry"))


def told(node: Node) -> Iterator[Any]:
    by = {name: [id(kid) for kid in node.all(name)] for name in node.by}
    assert by == {name: [id(kid) for kid in node.kids if kid.name == name] for name in by}
    yield node.name, dict(node.attrs), list(node.attrs), node.text, node.mark, list(node.by)
    for kid in node.kids:
        yield from told(kid)
    yield None


def hold(element: Any, moulding: Moulding, names: Names) -> None:
    read, wanted = moulding.read(element), Tree.of(element, names)
    assert list(told(read.root)) == list(told(wanted.root))
    assert (read.leaves, read.shape, read.fixed) == (wanted.leaves, wanted.shape, wanted.fixed)
    assert all(one in read.text for one in read.leaves)


@pytest.mark.parametrize("name", ["discharge", "oncology", "invented"])
def test_entries_of_documents_come_to_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moulds, "TRIES", 10_000)
    body = document(20_000) if name == "invented" else written(name)
    for _ in range(3):
        moulding, names = Moulding(Names()), Names()
        for one in entries(body):
            hold(one, moulding, names)
        # Names are told in the same order: long ones are numbered by it.
        assert list(moulding._names) == list(names)
    assert moulding._hits > 0


def test_any_value_may_stand_where_a_value_stood(store: Any) -> None:
    moulding, names = Moulding(Names()), Names()
    rng = random.Random(20_261_121)
    for number in range(300):
        element = etree.fromstring(ENTRY.format(PLAIN.format(number)))
        for one in element.iter():
            for key in list(one.attrib):
                if rng.random() < 0.3:
                    one.set(key, rng.choice(VALUES))
        hold(element, moulding, names)
    assert moulding._hits > 100
    assert len(store.moulds) == 1


@pytest.mark.parametrize(
    "inside",
    [
        'typeCode="a">text',
        'typeCode="a"><text>he said "so"</text>',
        'typeCode="a"><text>a="b"</text>',
        'typeCode="a"><text mediaType="b">c="<sub/>"</text>',
        'typeCode="a"><o:code o:x="1" x="2"/>',
        'typeCode="a"><code xmlns:p="urn:p" p:x="1" o:x="2"/>',
        'typeCode="a"><code xmlns="urn:p" code="1"/>',
        'typeCode="a"><v:code v:code="1" code="2"/>',
        f'typeCode="a"><{"long" * 20} {"name" * 20}="1"/>',
        'o:code="1" v:code="2" code="3">',
        ">",
    ],
)
def test_what_a_mould_cannot_tell_is_left_to_the_elements(inside: str) -> None:
    moulding, names = Moulding(Names()), Names()
    for one in (inside, inside.replace("1", "5").replace("b", "d"), inside) * 2:
        hold(etree.fromstring(ENTRY.format(one)), moulding, names)
    assert list(moulding._names) == list(names)


def test_other_namespaces_of_the_same_markup_are_not_taken_for_the_same() -> None:
    moulding, names = Moulding(Names()), Names()
    text = ENTRY.format(PLAIN.format(1))
    for one in (
        text,
        text,
        text.replace("urn:hl7-org:v3", "urn:other"),
        text.replace("urn:o", "urn:hl7-org:sdtc"),
        text,
    ):
        hold(etree.fromstring(one), moulding, names)


def test_no_value_is_remembered_and_there_is_an_end_to_what_is(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moulds, "MOST", 1_000)
    monkeypatch.setattr(moulds, "TRIES", 10_000)
    moulding = Moulding(Names())
    for number in range(100):
        inside = PLAIN.format("Ash") + '<act classCode="Ash"/>' * (number // 2 % 9) + "<text>Ash</text>" * (number % 2)
        moulding.read(etree.fromstring(ENTRY.format(inside)))
        assert "Ash" not in f"{store.moulds} {store.seen}"
        assert sum(map(len, store.moulds)) <= 2_000


def test_a_document_without_like_entries_is_soon_read_without_looking_for_moulds() -> None:
    moulding, names = Moulding(Names()), Names()
    for number in range(100):
        hold(etree.fromstring(ENTRY.format(PLAIN.format(1) + "<act/>" * number)), moulding, names)
    assert moulding._misses <= moulds.TRIES + 1
