"""C-CDA is told by its root element, whatever stands before it; other XML is not taken for it."""

import pytest

from tests.unit.emr.ccda.documents import written
from trialbridge.emr.sniff import CCDA, UNKNOWN, media_type_of

ROOT = b'<ClinicalDocument xmlns="urn:hl7-org:v3">'


@pytest.mark.parametrize(
    "body",
    [
        ROOT,
        b'<n1:ClinicalDocument xmlns:n1="urn:hl7-org:v3">',
        b"<?xml version='1.0'?>\n<?xml-stylesheet href='CDA.xsl'?><!-- <html> --> " + ROOT,
        b"\xef\xbb\xbf \n" + ROOT,
        "\ufeff<?xml version='1.0' encoding='UTF-16'?><ClinicalDocument>".encode("utf-16-le"),
        "<ClinicalDocument>".encode("utf-16-be"),
        b"<!DOCTYPE x>" + ROOT,
        written("discharge")[:4096],
    ],
)
def test_a_clinical_document_is_known_by_its_root(body: bytes) -> None:
    assert media_type_of("noname", body) == CCDA


OTHERS = [b"<html>", b"<Bundle>", b"<ClinicalDocuments>", b"<!-- <ClinicalDocument> --><x>", b"<", b"<!--", b"", b"<?"]


@pytest.mark.parametrize("body", OTHERS)
def test_other_xml_is_not_taken_for_one(body: bytes) -> None:
    assert media_type_of("noname", body) == UNKNOWN


def test_a_long_remark_before_the_root_leaves_the_ending_to_tell() -> None:
    head = b"<!--" + b"x" * 100_000
    assert media_type_of("letter.xml", head) == CCDA
    assert media_type_of("letter.txt", head) == UNKNOWN
