"""The tables that facts are read by: every pattern compiles, every row tells what it is and is reached, no two say the same."""

import inspect
import re
from collections.abc import Iterator

import pytest

from trialbridge.contracts.errors import Refused
from trialbridge.criteria.facts import Coding
from trialbridge.criteria.terminology import crosswalk
from trialbridge.criteria.terminology.source import rows as terminology
from trialbridge.emr.facts import biomarkers, coded_meanings, genomics, observations, treatments
from trialbridge.emr.facts.coded_meanings import Table, meanings_of
from trialbridge.emr.facts.read import answer, meaning
from trialbridge.emr.localcodes.codes import Target, checked
from trialbridge.emr.tables.rows import WIDTHS, limit, listed, rows

URIS = {
    "any": "urn:anything",
    "snomed": "http://snomed.info/sct",
    "icd10": "http://hl7.org/fhir/sid/icd-10-cm",
    "icd9": "http://hl7.org/fhir/sid/icd-9-cm",
    "icd10pcs": "http://www.cms.gov/Medicare/Coding/ICD10",
    "cpt": "http://www.ama-assn.org/go/cpt",
}
EXAMPLES = {
    r"C7[789B].*": ("C78.7", "C7B.02", "c79"),
    r"(?:19[78]|209\.?7).*": ("198.3", "1977", "209.71"),
    r"secondary (?:malignant neoplasm|carcinoma|adenocarcinoma) of\b": ("Secondary malignant neoplasm of pleura",),
    r"metastatic malignant neoplasm (?:to|of)\b": ("Metastatic malignant neoplasm to bone (disorder)",),
    r"metastasis (?:to|from)\b": ("Metastasis to liver",),
    r"C[0-9][0-9AB](?:[0-9A-Z.].*)?": ("C50", "C50.911", "C509", "C4A.9", "C7A.090"),
    r"D4[567].*": ("D45", "D46.9", "D47.Z9"),
    r"(?:1[4-8][0-9]|19[0-59]|20[0-8])(?:[.0-9].*)?": ("174.9", "1749", "140", "195.0", "208.91"),
    r"209\.?[0-37].*": ("209.00", "20936"),
    r"238\.?(?:4|7[1-9]).*": ("238.4", "23875"),
    r"C79\.?3[12]?": ("C79.3", "C7931", "C79.32"),
    r"198\.?3": ("198.3", "1983"),
    r"C71\.9": ("C71.9",),
    r"D[0-9A-Z]{6}": ("DB022ZZ",),
    r"302[34A][0-9A-Z][CGUXY][0-9A-Z]": ("30243Y0",),
    r"7737[1-3]": ("77372",),
    r"7738[5-7]": ("77386",),
    r"774(?:0[1-9]|1[0-9]|2[0-57]|3[125])": ("77402", "77412", "77427", "77435"),
    r"7752[0-5]": ("77523",),
    r"777(?:50|6[1-9]|7[0-8]|89)": ("77750", "77763", "77778", "77789"),
    r"3824[01]": ("38241",),
}
"""Codes that each pattern is there for; a pattern of digits alone is its own example."""
TABLES: tuple[Table, ...] = ("disease_codes", "procedure_kinds")
CODED = [(table, *row) for table in TABLES for row in rows(table)]


@pytest.mark.parametrize(("table", "system", "pattern", "kind", "about"), CODED)
def test_every_row_of_a_code_is_reached(table: Table, system: str, pattern: str, kind: str, about: str) -> None:
    compiled = re.compile(pattern)
    assert about
    assert compiled.groups == 0, "a pattern is matched whole: nothing of it is taken out"
    named = system.endswith("-name")
    for example in EXAMPLES.get(pattern, (pattern,)):
        uri = URIS[system.removesuffix("-name")]
        coding = Coding(uri, "1" if named else example, example if named else None)
        assert kind in meanings_of(table, (coding,))
        other = Coding("urn:oid:1.2.3", coding.code, coding.text)
        assert system == "any" or kind not in meanings_of(table, (other,)), (
            "a code of another system means nothing here"
        )


@pytest.mark.parametrize(
    "name", ["disease_codes", "procedure_kinds", "clinical_words", "clinical_limits", "answers", "observations"]
)
def test_no_row_says_what_another_says(name: str) -> None:
    found = rows(name)
    assert all(len(row) == WIDTHS[name] for row in found)
    keys = [row[:-1] if name in TABLES else row[:1] if name == "clinical_limits" else row[:2] for row in found]
    assert len(set(keys)) == len(keys)


def test_a_code_is_what_its_rows_say_and_no_more() -> None:
    none = [
        Coding(URIS["snomed"], "77477000"),
        Coding(URIS["icd9"], "196.2"),
        Coding(URIS["icd10"], "D05.1"),
        Coding(None, "C50"),
    ]
    assert [tuple(meanings_of(table, none)) for table in TABLES] == [(), ()]
    first = (Coding(URIS["snomed"], "387713003"), Coding(URIS["snomed"], "33195004"))
    assert tuple(meanings_of("procedure_kinds", first)) == ("surgery", "radiation")


def test_every_coded_answer_and_question_says_what_it_is() -> None:
    for name, written, word, about in rows("answers"):
        assert about or not re.fullmatch(r"\d{6,}|la\d+-\d|c\d{4,}|so:\d+", written), (name, written)
        assert answer(name, {"coding": [{"code": written.upper()}]}) == word
    for system, code, kind, argument, about in rows("observations"):
        uri = {"loinc": "http://loinc.org", "ncit": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"}.get(system)
        assert about
        assert meaning({"coding": [{"system": uri or URIS[system], "code": code}]}) == (code, kind, argument)


def test_loinc_codes_have_their_check_digit() -> None:
    for system, code, *_ in rows("observations"):
        if system == "loinc":
            assert checked("observation", Target("loinc", code))
    for _, written, _, _ in rows("answers"):
        if re.fullmatch(r"la\d+-\d", written):
            assert checked("answer", Target("loinc-answer", written.upper()))


def _snomed_codes() -> Iterator[tuple[str, str]]:
    """Yield each SNOMED CT code of the tables that facts and criteria are read by, with where it stands."""
    for table in TABLES:
        yield from ((table, row[1]) for row in rows(table) if re.fullmatch(r"\d{6,18}", row[1]))
    yield from (("answers", row[1]) for row in rows("answers") if re.fullmatch(r"\d{6,18}", row[1]))
    yield from (("observations", row[1]) for row in rows("observations") if row[0] == "snomed")
    yield from (("crosswalk", row[1]) for row in terminology("crosswalk", 3) if row[0] == "snomed")
    yield from (("conditions", code) for row in terminology("conditions", 4) for code in row[2].split(",") if code)
    yield from (("csv_codes", row[1]) for row in rows("csv_codes") if row[0] == "procedure-kind")


def test_snomed_ct_codes_have_their_check_digit() -> None:
    """Of 1237208009, once taken for a carcinoma of the ovary, the check digit is wrong: there is no such concept."""
    found = list(_snomed_codes())
    assert len(found) > 150
    assert [where for where in found if not _is_snomed(where[1])] == []
    assert not _is_snomed("1237208009")


def _is_snomed(code: str) -> bool:
    try:
        return checked("procedure", Target("snomed", code)).code == code
    except Refused:
        return False


@pytest.mark.parametrize(
    ("code", "term"),
    [
        ("254900004", "PROSTATE"),
        ("399490008", "PRAD"),
        ("408645001", "COADREAD"),
        ("363443007", "OVARY"),
        ("1237208009", ""),
    ],
)
def test_a_carcinoma_is_no_adenocarcinoma_and_the_large_intestine_no_colon(code: str, term: str) -> None:
    """SNOMED CT 254900004 is carcinoma of prostate, 408645001 adenocarcinoma of large intestine."""
    assert crosswalk.from_snomed(code) == ((term,) if term else ())


def test_the_sets_and_numbers_are_those_that_are_read() -> None:
    """A misspelled set would be empty, and nothing would be told of it."""
    modules = (biomarkers, genomics, observations, treatments)
    source = "\n".join(map(inspect.getsource, modules))
    asked = set(re.findall(r'listed\("(\w+)"\)', source))
    assert asked == {name for name, _, _ in rows("clinical_words")}
    assert all(listed(name) and all(word == word.casefold() for word in listed(name)) for name in asked)
    numbers = set(re.findall(r'limit\("(\w+)"\)', source)) | {
        f"{scale}_most" for scale in ("ecog", "karnofsky", "lansky")
    }
    assert numbers == {name for name, _, _ in rows("clinical_limits")}
    assert limit("copies_diploid") < limit("copies_amplified")


def test_neither_long_names_nor_words_without_a_code_are_remembered() -> None:
    before = coded_meanings._remembered.cache_info().currsize
    snomed, name = "http://snomed.info/sct", "Metastasis to lung of " + "x" * 10_000
    assert list(meanings_of("disease_codes", [Coding(snomed, "1", name)])) == ["secondary"]
    assert not list(meanings_of("disease_codes", [Coding(None, None, "Metastasis to lung")]))
    assert coded_meanings._remembered.cache_info().currsize == before
