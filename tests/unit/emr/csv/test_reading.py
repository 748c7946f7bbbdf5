"""Delimited text as hospitals send it: any delimiter, charset, line end and quoting gives the same; bad rows come alone."""

import pytest

from tests.unit.emr.csv.tables import convert_table, errors_of, resources_of
from trialbridge.contracts.errors import Place
from trialbridge.emr.csv.reading import BadLine, Line, decode, delimiter_of, lines
from trialbridge.emr.jsontext import canonical
from trialbridge.emr.sniff import media_type_of

HEAD = "mrn,familyName,givenName,gender,dateOfBirth,city"
BODY = HEAD + "\n7,Möller,Ann,F,1980-02-03,Köln\n8,Birch,Bo,M,1970-05,Ulm\n"
OTHER_ENDS = [BODY.replace("\n", "\r\n"), BODY.replace("\n", "\r"), "\n\n" + BODY + "\n\n", BODY.rstrip("\n")]


def bytes_of(body: bytes | str) -> bytes:
    found = convert_table(body)
    assert errors_of(found) == []
    return canonical(resources_of(found))


@pytest.mark.parametrize("text", OTHER_ENDS)
def test_line_ends_and_blank_lines_do_not_matter(text: str) -> None:
    assert bytes_of(text) == bytes_of(BODY)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    assert bytes_of(BODY.replace(",", delimiter)) == bytes_of(BODY)


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "cp1252"])
def test_charsets_do_not_matter(charset: str) -> None:
    body = BODY.encode(charset)
    assert bytes_of(body) == bytes_of(BODY)
    assert media_type_of("file", body) == "text/csv"


def test_a_charset_that_was_assumed_is_told() -> None:
    assert convert_table(BODY.encode("cp1252")).warnings == {"csv.charset-assumed": 1}


def test_quoting_and_headers_do_not_matter() -> None:
    head = '"MRN", Family_Name ,given name,GENDER,Date of Birth,City\n'
    quoted = head + '"7","Möller","Ann","F","1980-02-03","Köln"\n8,Birch,Bo,M,1970-05,Ulm\n'
    assert bytes_of(quoted) == bytes_of(BODY)


def test_a_cell_may_hold_delimiters_quotes_and_lines() -> None:
    found = list(lines('a,b\n1,"x, ""y""\nz"\n2,w\n', ","))
    assert found == [Line(1, ["a", "b"]), Line(2, ["1", 'x, "y"\nz']), Line(3, ["2", "w"])]


def test_a_quote_without_an_end_spoils_its_own_line() -> None:
    found = list(lines('a,b\n1,"x\n2,y\n3,"z"w\n4,v\n5,"u', ","))
    assert [(one.number, isinstance(one, BadLine)) for one in found] == [
        (1, False), (2, True), (3, False), (4, True), (5, False), (6, True),
    ]  # fmt: skip


def test_a_cell_without_end_costs_no_more_than_its_cap() -> None:
    found = list(lines('a,b\n1,"' + "x" * 200_000 + '"\n2,y\n', ","))
    assert [(one.number, isinstance(one, BadLine)) for one in found] == [(1, False), (2, True), (3, False)]


def test_delimiters_in_quotes_do_not_count() -> None:
    assert delimiter_of('"a,b,c";d') == ";"
    assert delimiter_of("mrn") == ","


def test_a_declared_charset_is_held_to() -> None:
    assert decode("Ä".encode("cp1252"), "cp1252", Place()) == ("Ä", "cp1252")
    assert errors_of(convert_table(BODY.encode("cp1252"), mapping="version: 1\ncsv: {charset: utf-8}\n")) == [
        ("csv.bad-charset", "entry table.csv")
    ]


@pytest.mark.parametrize(
    ("body", "code", "where"),
    [
        (b"", "csv.empty", "entry table.csv"),
        (b"\xef\xbb\xbf\r\n", "csv.empty", "entry table.csv"),
        (b'"', "csv.no-header", "entry table.csv"),
        ("colour,shape\nred,round\n", "csv.unknown-layout", "entry table.csv, row[1]"),
        (HEAD + ",mrn\n", "csv.duplicate-column", "entry table.csv, row[1], field mrn"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_is_set_aside_as_a_whole(body: bytes | str, code: str, where: str) -> None:
    assert errors_of(convert_table(body)) == [(code, where)]
