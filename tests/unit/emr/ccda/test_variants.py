"""However a document is written down, it says the same: the same bytes come out."""

import re
from collections.abc import Callable

import pytest
from lxml import etree

from tests.unit.emr.ccda.documents import convert_document, resources_of, written
from trialbridge.emr.jsontext import canonical
from trialbridge.emr.sniff import media_type_of

V3 = "urn:hl7-org:v3"


def text_of(body: bytes) -> str:
    return re.sub(r"^<\?xml[^>]*\?>\s*", "", body.decode("iso-8859-1" if b"ISO-8859-1" in body[:99] else "utf-8"))


def declared(encoding: str, mark: bytes = b"") -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        codec = {"UTF-16": "utf-16-le" if mark == b"\xff\xfe" else "utf-16-be"}.get(encoding, encoding)
        return mark + f'<?xml version="1.0" encoding="{encoding}"?>\n{text_of(body)}'.encode(codec, "xmlcharrefreplace")

    return change


def prefixed(body: bytes) -> bytes:
    tree = etree.fromstring(body)
    root = etree.Element(tree.tag, dict(tree.attrib), nsmap={"hl7": V3, "s": "urn:hl7-org:sdtc"})
    root.extend(list(tree))
    return etree.tostring(root)


def commented(body: bytes) -> bytes:
    return body.replace(b"<code ", b"<!-- a comment --><?own thing?><code ").replace(
        b"<cda:code ", b"<!-- x --><cda:code "
    )


def other_quotes(body: bytes) -> bytes:
    return re.sub(rb'="([^"\']*)"', rb"='\1'", body)


VARIANTS: dict[str, Callable[[bytes], bytes]] = {
    "no declaration": lambda body: text_of(body).encode(),
    "byte order mark": lambda body: b"\xef\xbb\xbf" + text_of(body).encode(),
    "ascii": declared("US-ASCII"),
    "latin 1": declared("ISO-8859-1"),
    "windows 1252": declared("windows-1252"),
    "utf-16 little": declared("UTF-16", b"\xff\xfe"),
    "utf-16 big": declared("UTF-16", b"\xfe\xff"),
    "crlf": lambda body: body.replace(b"\n", b"\r\n"),
    "cr": lambda body: body.replace(b"\n", b"\r"),
    "leading line": lambda body: b"\n\n" + text_of(body).encode(),
    "prefixes": prefixed,
    "comments": commented,
    "quotes": other_quotes,
    "empty elements written out": lambda body: re.sub(
        rb"<((?:cda:)?(?:value|code|id))( [^<>]*)/>", rb"<\1\2></\1>", body
    ),
}


@pytest.mark.parametrize("name", ["oncology", "discharge"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_gives_the_same_bytes(name: str, variant: str) -> None:
    body = written(name)
    changed = VARIANTS[variant](body)
    assert changed != body
    assert media_type_of("unnamed", changed) == "application/cda+xml"
    expected, found = convert_document(body), convert_document(changed)
    assert canonical(resources_of(found)) == canonical(resources_of(expected))
    assert [str(one.error) for one in found.set_aside] == [str(one.error) for one in expected.set_aside]
    assert found.account["leaves"]["unaccounted"] == 0


def test_the_order_of_attributes_does_not_matter() -> None:
    body = written("oncology")
    swapped = re.sub(rb'(root="[^"]*") (extension="[^"]*")', rb"\2 \1", body)
    assert swapped != body
    assert canonical(resources_of(convert_document(swapped))) == canonical(resources_of(convert_document(body)))
