"""What an operator sees of an account: every leaf once, under its format and place, and nothing that a sender could have written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialbridge.emr.account import Account, Leaf, drop, keep
from trialbridge.emr.coverage import MOST_SECTIONS, OTHER, coverage, place_of, rows_of


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("PID-5.1", ("hl7v2", "PID")),
        ("ZX1-3", ("hl7v2", "ZX1")),
        ("section/entry/act/code/@code", ("ccda", "section/entry")),
        ("ClinicalDocument/title/#text", ("ccda", "ClinicalDocument/title")),
        ("Patient.name.family", ("fhir", "Patient")),
        ("condition.code", ("csv", "condition")),
        ("vcf.INFO.ANN", ("genomics", "vcf")),
        ("Jane Doe\t1960/x", ("ccda", OTHER)),
        ("", ("csv", OTHER)),
    ],
)
def test_a_source_path_says_format_and_section(source: str, place: tuple[str, str]) -> None:
    assert place_of(source) == place


def test_fates_and_reasons_are_counted_by_section() -> None:
    account = Account()
    dropped, kept = Leaf("a"), Leaf("b")
    drop(dropped, "v2.no-table")
    keep(kept, "Patient.extension")
    for leaf in (dropped, dropped, kept):
        account.enter("PID-5.1", leaf)
    account.enter("OBX-3", Leaf("c"))
    assert [(one.section, one.fate, one.reason, one.count) for one in rows_of(coverage(account))] == [
        ("OBX", "unaccounted", "", 1), ("PID", "dropped", "v2.no-table", 2), ("PID", "kept", "", 1),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.text(max_size=30), st.integers(1, 9)), max_size=40))
def test_the_totals_are_the_accounts(sources: list[tuple[str, int]]) -> None:
    account = Account()
    for source, count in sources:
        account.enter_counts({source: count}, "dropped", "csv.unknown")
    assert sum(one.count for one in rows_of(coverage(account))) == account.summary()["leaves"]


def test_senders_cannot_make_endless_sections() -> None:
    account = Account()
    for number in range(3 * MOST_SECTIONS):
        account.enter(f"Made{number}.up", Leaf("x"))
    found = coverage(account)["fhir"]
    assert len(found) == MOST_SECTIONS + 1
    assert found[OTHER]["unaccounted"] == 2 * MOST_SECTIONS
