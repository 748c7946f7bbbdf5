"""The share of the guide's rows: the table has all of them, and every row of ours that names one is real."""

import csv
import re
from collections import Counter
from pathlib import Path

from trialbridge.emr.hl7v2.coverage import named, shares, total
from trialbridge.emr.tables.rows import rows

BAR = 0.95


def test_the_share_is_above_the_bar() -> None:
    found = total(shares())
    assert found.rows == 1046
    assert found.implemented / found.rows >= BAR
    assert found.same + len(found.other) + len(found.missing) == found.rows


def test_a_row_without_a_table_behind_it_does_not_count() -> None:
    known = named()
    for sheet, field, _, state, where in rows("v2_guide"):
        if state == "same" and not where:
            assert f"{sheet}.{field}" in known
        if state != "same":
            assert where


def test_rows_done_in_code_name_a_file_that_is_there() -> None:
    folder = Path(__file__).parents[4] / "libs/trialbridge/emr/hl7v2"
    files = {where for _, _, _, state, where in rows("v2_guide") if state == "same" and where}
    assert files
    assert all((folder / name).is_file() for name in files)


def test_the_table_has_the_guide_row_for_row(shared_data: Path) -> None:
    """The guide's own sheets are read in place: what they map and nothing else is in the table."""
    guide: Counter[tuple[str, str, str]] = Counter()
    for path in (shared_data / "v2-to-fhir" / "segments").glob("*.csv"):
        sheet = re.search(r"R4_ (.*?) - ", path.name)
        assert sheet
        with path.open(encoding="utf-8", newline="") as file:
            for row in list(csv.reader(file))[2:]:
                if row[1].strip() and row[9].strip():
                    field = re.match(r"[A-Z0-9]{3}-(\d+)", row[1].strip())
                    guide[sheet[1], field[1] if field else row[1].strip(), " ".join(row[9].split())] += 1
    assert Counter((sheet, field, element) for sheet, field, element, _, _ in rows("v2_guide")) == guide
