"""The page of tables and variant files: its mapping is taken, and its codes and layouts are all of them."""

import re
from pathlib import Path

from tests.unit.docs.reading import ROOT, examples, text_of
from trialbridge.emr.csv.layouts import layouts
from trialbridge.emr.csv.mapping import read_mapping

PAGE = "docs/tables.md"


def test_the_mapping_of_the_page_is_taken() -> None:
    mapping = read_mapping(examples(PAGE)["mapping.yaml"].encode(), "mapping.yaml")
    assert mapping.csv.files[0].layout == "observation"
    assert set(mapping.genomics.samples) == {"TU-17", "TU-18"}


def test_every_layout_is_on_the_page() -> None:
    text = text_of(Path(PAGE))
    assert {name for name in layouts() if f"`{name}`" not in text} <= {"maf"}


def test_every_code_of_tables_and_variant_files_is_on_the_page() -> None:
    sources = [
        *(ROOT / "libs/trialbridge/emr/csv").glob("*.py"),
        *(ROOT / "libs/trialbridge/emr/genomics").glob("*.py"),
    ]
    raised = {
        code
        for path in sources
        for code in re.findall(
            r'(?:Poison|BadLine|Refused|report)\([^"]*"((?:csv|vcf|maf|genomics|mapping)\.[a-z-]+)"', path.read_text()
        )
    }
    text = text_of(Path(PAGE))
    assert len(raised) > 20
    paths = {"maf.row", "vcf.record", "csv.row"}  # of the account
    assert {code for code in raised - paths if f"`{code}`" not in text} == set()


def test_every_warning_of_a_conversion_is_on_the_integrators_page() -> None:
    noted = {
        code
        for path in (ROOT / "libs/trialbridge/emr").rglob("*.py")
        for code in re.findall(r'\.note\(\s*"([a-z0-9.-]+)"', path.read_text())
    }
    assert len(noted) > 10
    text = text_of(Path("docs/integrators.md"))
    assert {code for code in noted if f"`{code}`" not in text} == set()
