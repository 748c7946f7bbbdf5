"""``trialbridge convert --account``: what became of each field of the sources."""

from pathlib import Path

import msgspec

from tests.unit.emr.ccda.documents import GOLDEN
from tests.unit.services.cli.conftest import Invoke


def test_the_account_is_written_and_its_totals_are_shown(cli: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "account.ndjson"
    done = cli("convert", GOLDEN / "discharge.xml", "--out", tmp_path / "out", "--account", file)
    assert done.exit_code == 0
    assert "0 unaccounted" in " ".join(done.output.split())
    rows = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    assert {row["fate"] for row in rows} == {"mapped", "kept", "dropped"}
    family = next(
        row for row in rows if row["source"] == "ClinicalDocument/recordTarget/patientRole/patient/name/family/#text"
    )
    assert family == {**family, "fate": "mapped", "where": ["Patient.name.family"], "count": 1}
