"""Importing terms: the official forms are read, bad rows are told of with their place, and nothing is guessed."""

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.criteria.terms import (
    BRAIN,
    CUSTOM,
    HGNC,
    LUNG,
    LYMPH,
    MAPPINGS,
    TREE,
    codes,
    encoded,
    flat,
    node,
    table,
)
from trialbridge.contracts.errors import Refused
from trialbridge.criteria.terminology import drugs, oncotree, places, use
from trialbridge.criteria.terminology.imports.tables import READERS, TABLES, written, wrong


@pytest.fixture(autouse=True)
def _packaged() -> Iterator[None]:
    yield
    use({})


def test_the_tree_is_read() -> None:
    found = READERS["oncotree"](encoded(TREE))
    assert found.flaws == ()
    rows = {row[0]: row[1:] for row in found.rows}
    assert "TISSUE" not in rows
    assert rows["LUNG"] == ("", "Lung", "Lung Cancer", "")
    assert rows["LUAD"] == ("NSCLC", "Lung Adenocarcinoma", "Non-Small Cell Lung Cancer", "OLDLUAD")
    assert rows["LNM"][2] == "Lymphatic Cancer, NOS"
    assert rows["BLL"][3] == "ALL,BALL"


@pytest.mark.parametrize(
    "document", [flat(TREE), list(reversed(flat(TREE))), {"data": flat(TREE), "meta": {"code": 200}}]
)
def test_each_form_of_a_release_is_the_same_table(document: Any) -> None:
    assert READERS["oncotree"](encoded(document)).rows == READERS["oncotree"](encoded(TREE)).rows


def test_a_code_that_is_used_again_is_no_former_code() -> None:
    reused = node(
        "LUNG", "Lung", node("LUAD", "Lung Adenocarcinoma", revocations=["LUAD", "LUSC", "OLD"]), node("LUSC", "Other")
    )
    found = READERS["oncotree"](encoded({"TISSUE": node("TISSUE", "Tissue", reused, LYMPH)}))
    assert {row[0]: row[4] for row in found.rows}["LUAD"] == "OLD"


BAD_TREES = {
    "duplicate": ([*flat(TREE), {"code": "LUAD", "name": "again", "parent": "BRAIN"}], "[13]"),
    "bad-name": ([*flat(TREE), {"code": "X", "name": " ", "parent": "BRAIN"}], "[13]"),
    "bad-code": ([*flat(TREE), {"code": "A B", "name": "x", "parent": "BRAIN"}], "[13]"),
    "unknown-parent": ([*flat(TREE), {"code": "X", "name": "x", "parent": "NONE"}], "[13]"),
    "row-unreadable": ([*flat(TREE), 7], "[13]"),
    "level-differs": ({"TISSUE": node("TISSUE", "", LYMPH, node("LUNG", "Lung", level=2))}, "TISSUE/LUNG"),
    "tissue-differs": ({"TISSUE": node("TISSUE", "", LYMPH, node("LUNG", "Lung", tissue="Bone"))}, "TISSUE/LUNG"),
    "no-liquid": ({"TISSUE": node("TISSUE", "", LUNG)}, "TISSUE"),
}


@pytest.mark.parametrize("code", BAD_TREES)
def test_what_is_wrong_with_a_type_is_told_with_its_place(code: str) -> None:
    document, place = BAD_TREES[code]
    found = READERS["oncotree"](encoded(document))
    assert codes(found) == [(code, place)]
    if isinstance(document, list):
        # All but the tissue of tissues and the bad one.
        assert len(found.rows) == len(document) - 2


def test_types_below_a_bad_one_and_in_a_circle_are_left_out() -> None:
    extra = [
        {"code": "A", "name": "a", "parent": "B"},
        {"code": "B", "name": "b", "parent": "A"},
        {"code": "C", "name": "c", "parent": "A"},
        {"code": "SELF", "name": "s", "parent": "SELF"},
        {"code": "LUSC", "name": "Lung Squamous Cell Carcinoma", "parent": "NSCLC"},
    ]
    found = READERS["oncotree"](encoded([*flat(TREE), *extra]))
    assert codes(found) == [("unknown-parent", f"[{number}]") for number in (13, 14, 15, 16)]
    assert "LUSC" in {row[0] for row in found.rows}
    assert wrong("oncotree", written(found)) is None


def test_a_line_of_parents_without_end_costs_no_time() -> None:
    chain = [{"code": f"C{n}", "name": "x", "parent": f"C{n - 1}" if n else "TISSUE"} for n in range(20_000)]
    found = READERS["oncotree"](encoded([*chain, *flat(TREE)]))
    assert len(found.rows) == 12 + 40


@pytest.mark.parametrize(("body", "code"), [
    (b"\xff\xfe", "not-text"), (b"", "not-json"), (b"[" * 100_000, "not-json"), (b"7", "not-oncotree"), (b"[]", "no-rows"),
    (b"{}", "no-rows"), (b'{"TISSUE": 7}', "no-rows"),
])  # fmt: skip
def test_a_file_that_is_no_oncotree_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        READERS["oncotree"](body)
    assert refused.value.code == f"terminology.{code}"


def test_the_whole_release_of_the_sample_is_read(shared_data: Path) -> None:
    (path,) = (shared_data / "oncotree").glob("*.json")
    found = READERS["oncotree"](path.read_bytes())
    assert found.flaws == ()
    assert len(found.rows) == 897
    assert wrong("oncotree", written(found)) is None
    use({"oncotree": table("oncotree", path.read_bytes(), "2025_10_03")})
    assert sum(oncotree.level(code) == 1 for code in oncotree.codes()) == 32
    # Renamed, revoked, become a part of another; split; and a code that was revoked and given again.
    assert [oncotree.former(old) for old in ("MM", "GBM", "DIPG", "PCV")] == ["PCM", "GB", "DMG", "PV"]
    assert (oncotree.resolve("ALL"), oncotree.coarse("ALL")) == ("LNM", "did you mean 'BLL' or 'TLL'?")
    assert (oncotree.resolve("PTCL"), oncotree.former("PTCL")) == ("PTCL", "")
    assert (oncotree.resolve("Dysgerminoma"), oncotree.coarse("Dysgerminoma")) == (
        None,
        "did you mean 'ODYS' or 'VDYS'?",
    )
    assert {oncotree.tissue(code) for code in oncotree.codes() if oncotree.within(code, "_LIQUID_")} == {
        "LYMPH",
        "MYELOID",
    }


def test_the_packaged_tree_is_cut_from_the_release_of_the_sample(shared_data: Path) -> None:
    (path,) = (shared_data / "oncotree").glob("*.json")
    packaged = {
        code: (oncotree.lineage(code), oncotree.name(code), oncotree.main_type(code)) for code in oncotree.codes()
    }
    use({"oncotree": table("oncotree", path.read_bytes())})
    assert packaged == {
        code: (oncotree.lineage(code), oncotree.name(code), oncotree.main_type(code)) for code in packaged
    }


def test_hgnc_is_read_and_shared_names_are_no_ones() -> None:
    found = READERS["hgnc"](HGNC.encode())
    assert {row[0]: row[1:] for row in found.rows} == {
        "EGFR": ("ERBB,ERBB1,ERRP", ""),
        "KMT2A": ("ALL-1,HRX,MLL,TRX1", ""),
        "KMT2D": ("ALR,MLL4,TNRC21", "MLL2"),
        "KMT2B": ("WBP7", "MLL2"),
        "TRX2": ("", ""),
        "C1orf127": ("FLJ37118", ""),
    }
    assert codes(found) == [("shared-name", "MLL2")]
    assert found.flaws[0].message == "MLL2 is a name of KMT2B, KMT2D: it means none of them."
    assert found.skipped == 1
    assert wrong("genes", written(found)) is None


@pytest.mark.parametrize(
    "text", [CUSTOM, CUSTOM.replace("\n", "\r\n"), "\ufeff" + CUSTOM, "# made 2026-01-06\n\n" + CUSTOM]
)
def test_a_custom_download_is_read(text: str) -> None:
    assert READERS["hgnc"](text.encode()).rows == (("EGFR", "ERBB,ERBB1,ERRP", ""),)


def test_bad_rows_of_hgnc_are_told_of_with_their_line() -> None:
    rows = ["symbol\tstatus\talias_symbol\tprev_symbol", "EGFR\tApproved\t\t", "EGFR\tApproved\t\t", "\tApproved\t\t", "A B\tApproved\t\t",
            "ALK\tApproved\tx,y\t", "RET\tApproved\t\t\tmore", "ROS1\tapproved"]  # fmt: skip
    found = READERS["hgnc"]("\n".join(rows).encode())
    assert codes(found) == [("duplicate", "line 3"), ("bad-code", "line 4"), ("bad-code", "line 5"), ("bad-name", "line 6"),
                            ("row-long", "line 7"), ("cut-off", "line 8")]  # fmt: skip
    assert [row[0] for row in found.rows] == ["ALK", "EGFR", "ROS1"]


@pytest.mark.parametrize("kind", ["hgnc", "drugs", "crosswalk", "half-lives", "places"])
@pytest.mark.parametrize(("body", "code", "place"), [
    (b"", "columns-missing", "line 1"), (b"# only\n\nfoo,bar\n1,2\n", "columns-missing", "line 3"),
    (b"a,b\n\xff\n", "not-text", "line 2"), (b"a\tb\n" + b'"' * 200_000, "columns-missing", "line 1"),
])  # fmt: skip
def test_a_sheet_that_cannot_be_used_is_refused(kind: str, body: bytes, code: str, place: str) -> None:
    with pytest.raises(Refused) as refused:
        READERS[kind](body)
    assert (refused.value.code, refused.value.place.field) == (f"terminology.{code}", place)


def test_one_symbol_in_two_letter_cases_is_one_gene() -> None:
    found = READERS["hgnc"](b"symbol\tstatus\talias_symbol\tprev_symbol\nEGFR\tApproved\t\t\negfr\tApproved\tX\t\n")
    assert codes(found) == [("duplicate", "line 3")]
    assert [row[0] for row in found.rows] == ["EGFR"]


def test_a_file_that_was_cut_off_is_told_of() -> None:
    head = "symbol\tstatus\talias_symbol\tprev_symbol\nEGFR\tApproved\t\t\n"
    found = READERS["hgnc"](f"{head}KR".encode())
    assert codes(found) == [("cut-off", "line 3"), ("row-unreadable", "line 3")]
    assert codes(READERS["hgnc"](f"{head}KRAS\tApproved\tKI".encode())) == [("cut-off", "line 3")]
    assert codes(READERS["hgnc"](f"{head}KRAS\tApproved\n".encode())) == []


@pytest.mark.parametrize("kind", sorted(READERS))
def test_a_page_of_the_web_in_place_of_the_file_is_said_to_be_one(kind: str) -> None:
    with pytest.raises(Refused) as refused:
        READERS[kind](b"\n<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>")
    assert refused.value.message.startswith("This is a page of the web: download the file again.")
    assert (refused.value.place.field or "").startswith("line ")


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        (b'[{"code": "LUNG",\n "name": "Lung"},\n{"code', "not-json", "line 3"),
        (b"[\n1,\n2 3]", "not-json", "line 3"),
        ('["LUNG"]'.encode("utf-16"), "not-text", "line 1"),
        (b"", "not-json", "line 1"),
    ],
)  # fmt: skip
def test_broken_json_is_told_with_its_line(body: bytes, code: str, place: str) -> None:
    with pytest.raises(Refused) as refused:
        READERS["oncotree"](body)
    assert (refused.value.code, refused.value.place.field) == (f"terminology.{code}", place)


def test_a_mark_of_byte_order_is_left_out() -> None:
    body = b'[{"code": "LUNG", "name": "Lung", "parent": "TISSUE"}]'
    assert READERS["oncotree"](b"\xef\xbb\xbf" + body).rows == READERS["oncotree"](body).rows


def test_a_line_without_end_is_told_of_and_the_others_stay() -> None:
    found = READERS["drugs"](b"drug,classes\n" + b"x" * 1_000_001 + b",y\nexamplinib,kinase inhibitor\n")
    assert codes(found) == [("row-unreadable", "line 2")]
    assert [row[0] for row in found.rows] == ["examplinib"]


def test_no_row_of_an_own_crosswalk_is_dropped_unsaid() -> None:
    body = b"system,code,oncotree\nicd10,,LUNG\nicd10,C34,\nicd10,C34,LUNG\nicd10,C34,LUNG\nicd10,C34,BREAST\n"
    found = READERS["crosswalk"](body)
    assert codes(found) == [("bad-code", "line 2"), ("unknown-term", "line 3"), ("duplicate", "line 6")]
    assert found.rows == (("icd10", "C34", "BREAST|LUNG"),)


def test_a_stray_quote_is_told_of() -> None:
    found = READERS["crosswalk"](b'system,code,oncotree\nicd10,C34,LUNG\nicd10,"C50' + b"x" * 200_000 + b'",BREAST\n')
    assert codes(found) == [("row-unreadable", "line 3")]


DRUGS = """\
drug,classes,aliases
Examplinib,egfr tyrosine kinase inhibitor,"EX-101; Examplix"
newmab,brand new therapy < monoclonal antibody,
oddinib,kinase inhibtor,
keytruda,pd-1 inhibitor,pembrolizumab
onemab,chemotherapy,shared
twomab,chemotherapy,shared|its own
onemab,chemotherapy,
,chemotherapy,
"#hash",chemotherapy,
"""


def test_drugs_bring_broader_classes_along() -> None:
    found = READERS["drugs"](DRUGS.encode())
    rows = {row[0]: row[1:] for row in found.rows}
    assert set(rows["examplinib"][0].split(",")) == {
        "egfr tyrosine kinase inhibitor", "egfr inhibitor", "tyrosine kinase inhibitor", "kinase inhibitor", "targeted therapy",
    }  # fmt: skip
    assert rows["examplinib"][1] == "ex-101,examplix"
    assert rows["newmab"][0] == "brand new therapy,monoclonal antibody"
    assert rows["twomab"][1] == "its own"
    assert codes(found) == [
        ("new-class", "line 4"), ("duplicate", "line 8"), ("bad-name", "line 9"), ("name-taken", "line 5"), ("shared-name", "line 6"),
        ("shared-name", "line 7"),
    ]  # fmt: skip
    assert "did you mean 'kinase inhibitor'?" in found.flaws[0].message
    assert wrong("drugs", written(found)) is None


HALF_LIVES = """\
drug,hours,source,of
Tagrisso,50,our pharmacy,
wonderumab,240,,
cisplatin,soon,,
imatinib,-1,,
gefitinib,1e9,,
TAGRISSO,48,,
,12,,
"""


def test_half_lives_are_read_and_stand_over_the_packaged_ones() -> None:
    assert drugs.half_life("osimertinib") == Decimal(48)
    assert drugs.half_life("wonderumab") is None
    found = READERS["half-lives"](HALF_LIVES.encode())
    assert found.rows == (("osimertinib", "50", "our pharmacy", ""), ("wonderumab", "240", "", ""))
    assert codes(found) == [("unknown-drug", "line 3"), ("bad-number", "line 4"), ("bad-number", "line 5"), ("bad-number", "line 6"),
                            ("duplicate", "line 7"), ("bad-name", "line 8")]  # fmt: skip
    use({"half_lives": table("half-lives", HALF_LIVES.encode())})
    found_now = [drugs.half_life(name) for name in ("Tagrisso", "wonderumab", "erlotinib")]
    assert found_now == [Decimal(50), Decimal(240), Decimal("36.2")]


PLACES = """\
country_code,zip,lat,lon,radius
us,02139-4307,42.36,-71.10,3
France,75001,48.86,2.34,1
FR,75 001,48.86,2.34,1
FR,75001,48.86,2.34,1
US,10001,142,-73.99,2
US,10002,40.7,-73.99,-2
US,,40.7,-73.99,2
"""


def test_postal_codes_are_read_and_are_finer_than_states() -> None:
    wide = places.home("US", None, "02139")
    assert wide is not None
    assert wide.radius > 100
    found = READERS["places"](PLACES.encode())
    assert found.rows == (
        ("FR", "postal", "75001", "48.86", "2.34", "1"),
        ("US", "postal", "02139", "42.36", "-71.10", "3"),
    )
    assert codes(found) == [("bad-code", "line 3"), ("duplicate", "line 5"), ("bad-number", "line 6"), ("bad-number", "line 7"),
                            ("bad-code", "line 8")]  # fmt: skip
    use({"places": table("places", PLACES.encode())})
    assert places.home("USA", "Massachusetts", "02139-4307") == (42.36, -71.1, 3)
    assert places.home("fr", None, "75001") == (48.86, 2.34, 1)
    assert places.home("fr", None, "75002") is None


CROSSWALK = """\
system,code,oncotree
icd10,c3490,LUNG
ICD-10-CM,C50.9,Breast
snomed,254637007,nsclc
icdo3,C34 8140/3,LUAD
icd10,C71.9,GBM
icd10,C22,LIVER|BILIARY_TRACT
icd10,C25,PANKREAS
icd9,162,LUNG
icd10,162.9,LUNG
snomed,C34,LUNG
"""


def test_own_crosswalks_are_read() -> None:
    found = READERS["crosswalk"](CROSSWALK.encode())
    assert found.rows == (
        ("icd10", "C22", "BILIARY_TRACT|LIVER"), ("icd10", "C34.90", "LUNG"), ("icd10", "C50.9", "BREAST"), ("icd10", "C71.9", "GB"),
        ("icdo3", "C34 8140/3", "LUAD"), ("snomed", "254637007", "NSCLC"))  # fmt: skip
    assert codes(found) == [
        ("former-term", "line 6"), ("unknown-term", "line 8"), ("bad-system", "line 9"), ("bad-code", "line 10"),
        ("bad-code", "line 11"),
    ]  # fmt: skip
    assert "did you mean 'PANCREAS'?" in found.flaws[1].message
    assert wrong("crosswalk", written(found)) is None


def test_the_official_mappings_are_read() -> None:
    found = READERS["crosswalk"](MAPPINGS.encode())
    assert found.rows == (
        ("icdo3", "* 9690/3", "FL"), ("icdo3", "C34 8000/3", "LUNG"), ("icdo3", "C34 8140/3", "LUAD"), ("icdo3", "C34 8240/3", "LNET"),
        ("icdo3", "C69.4 8720/3", "UM"), ("icdo3", "C71 9440/3", "GB"))  # fmt: skip
    assert codes(found) == [("former-term", "line 8")]


def test_a_crosswalk_is_read_against_the_tree_in_force() -> None:
    use({"oncotree": table("oncotree", encoded({"TISSUE": node("TISSUE", "Tissue", LUNG, LYMPH, BRAIN)}))})
    assert codes(READERS["crosswalk"](b"system,code,oncotree\nicd10,C50,BREAST\nicd10,C34,LUNG\n")) == [
        ("unknown-term", "line 2")
    ]


@given(kind=st.sampled_from(sorted(READERS)), body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_are_a_crash(kind: str, body: bytes) -> None:
    heads = {"hgnc": b"symbol\tstatus\talias_symbol\tprev_symbol\n", "drugs": b"drug,classes,aliases\n",
             "crosswalk": b"system,code,topography,morphology,oncotree\n", "oncotree": b"",
             "half-lives": b"drug,hours,source\n", "places": b"country,postal_code,latitude,longitude,radius_km\n"}  # fmt: skip
    for text in (body, heads[kind] + body):
        with contextlib.suppress(Refused):
            assert wrong(TABLES[kind], written(READERS[kind](text))) is None


@given(st.recursive(
    st.none() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(("TISSUE", "code", "name", "parent", "children", "mainType", "history", "data", "X")), inner, max_size=5),
    max_leaves=30,
))  # fmt: skip
def test_no_json_is_a_crash(document: Any) -> None:
    with contextlib.suppress(Refused):
        assert wrong("oncotree", written(READERS["oncotree"](msgspec.json.encode(document)))) is None
