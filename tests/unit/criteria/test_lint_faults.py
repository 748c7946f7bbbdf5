"""Every fault and doubt of the compiler: its code, its place, its line, and advice."""

import re
from pathlib import Path

import pytest

from tests.unit.criteria.faults import Row, rows
from trialbridge.criteria.codes import CODES, full
from trialbridge.criteria.compiler import compile_text

ROWS = rows()
CRITERIA = Path(__file__).resolve().parents[3] / "libs" / "trialbridge" / "criteria"
NEED_NO_ROW = {
    "too-large": "is tested with a large document",
    "not-in-ctml": "is said when a trial is written as CTML",
    "ambiguous-gene": "depends on the gene table",
    "coarse-term": "depends on the table of names",
    "former-term": "depends on the table of names",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.fault)
def test_a_fault_is_said_once_with_its_place_and_advice(row: Row) -> None:
    compiled = compile_text(row.text)
    found = [one for one in compiled.diagnostics if one.code == full(row.code) and one.path == row.path]
    assert [(one.severity, one.line) for one in found] == [(row.severity, row.line)], compiled.diagnostics
    assert found[0].message.endswith(".")
    assert found[0].hint if not row.hint else found[0].hint == row.hint
    assert compiled.ok == (row.severity != "error")


@pytest.mark.parametrize("row", [row for row in ROWS if row.severity == "error"], ids=lambda row: row.fault)
def test_one_fault_brings_no_other(row: Row) -> None:
    errors = [one for one in compile_text(row.text).diagnostics if one.severity == "error"]
    assert len(errors) == 1, errors


def test_faults_behind_one_that_cannot_be_read_keep_their_places() -> None:
    text = """\
id: T
criteria:
  all:
  - ecog_statu: {max: 1}
  - at_least:
      count: 2
      of:
      - {aeg: {min: 18}}
      - {diagnosis: {oncotree: [LUADD]}}
  - {variant: {gene: KRSA}}
"""
    found = [(one.path, one.line, one.column) for one in compile_text(text).diagnostics]
    assert found == [
        ("criteria.all[0].ecog_statu", 4, 5),
        ("criteria.all[1].at_least.of[0].aeg", 8, 10),
        ("criteria.all[1].at_least.of[1].diagnosis.oncotree[0]", 9, 33),
        ("criteria.all[2].variant.gene", 10, 16),
    ]


def test_there_are_sixty_and_more() -> None:
    assert len({(row.code, row.text) for row in ROWS}) == len(ROWS)
    assert len(ROWS) >= 100
    assert len({row.code for row in ROWS}) >= 60


def test_every_code_has_a_row() -> None:
    assert {row.code for row in ROWS} == set(CODES) - set(NEED_NO_ROW)


def test_every_code_of_the_source_is_in_the_closed_list() -> None:
    said = re.compile(r"\.(?:error|warn)\(\s*\"([a-z-]+)\"|Doubt\(\s*\"([a-z-]+)\"")
    found = {
        code
        for file in CRITERIA.rglob("*.py")
        for pair in said.findall(file.read_text("utf-8"))
        for code in pair
        if code
    }
    assert len(found) > 50
    assert found <= set(CODES)
