"""``trialbridge terminology``: tables brought in, shown, and used by the other commands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.cli.demo.command import embedded_settings
from services.cli.demo.options import DemoOptions
from tests.unit.criteria.terms import CUSTOM, HGNC, MAPPINGS, TREE, encoded, flat
from tests.unit.services.cli.conftest import Invoke, facts, lines, write
from trialbridge.criteria.terminology import use

DRUGS = "drug,classes,aliases\nexamplinib,pan-raf inhibitor,ex-101\nexamplinib,chemotherapy,\n"


@pytest.fixture(autouse=True)
def _packaged() -> Iterator[None]:
    yield
    use({})


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a small tree in the official form."""
    path = tmp_path / "oncotree_2025_10_03.json"
    path.write_bytes(encoded(TREE))
    return path


@pytest.fixture
def terms(cli: Invoke, tree: Path, tmp_path: Path) -> Path:
    """Return a folder with the small tree."""
    assert cli("terminology", "import", "oncotree", tree, "--into", tmp_path / "terms").exit_code == 0
    return tmp_path / "terms"


def test_a_tree_is_brought_in(cli: Invoke, tree: Path, tmp_path: Path) -> None:
    result = cli("terminology", "import", "oncotree", tree, "--into", tmp_path / "a" / "terms")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{tmp_path}/a/terms: oncotree: 12 rows, version 2025_10_03\n"


def test_json_is_one_object(cli: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "hgnc_complete_set_2026-01-06.txt"
    file.write_text(HGNC)
    result = cli("terminology", "import", "hgnc", file, "--into", tmp_path / "terms", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    (found,) = lines(result.stdout)
    assert found.pop("sha256")
    assert found.pop("flaws") == [{
        "severity": "warning", "place": "MLL2", "code": "terminology.shared-name",
        "message": "MLL2 is a name of KMT2B, KMT2D: it means none of them.",
    }]  # fmt: skip
    assert found == {
        "file": str(file), "into": str(tmp_path / "terms"), "table": "genes", "version": "2026-01-06", "rows": 6, "skipped": 1,
        "refused": 0,
    }  # fmt: skip


def test_bad_rows_are_listed_with_line_and_code_and_the_good_ones_stay(cli: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "drugs.csv"
    file.write_text(DRUGS)
    result = cli("terminology", "import", "drugs", file, "--into", tmp_path / "terms", "--version", "7")
    assert result.exit_code == 1
    assert (
        result.stderr == f"{file}: line 3: terminology.duplicate: examplinib is there already; the first row stays.\n"
    )
    assert result.stdout == f"{tmp_path / 'terms'}: drugs: 1 row, version 7, 1 refused\n"
    assert "drugs:7@" in cli("terminology", "show", "--terminology", tmp_path / "terms", "--json").stdout


def test_strict_writes_nothing_where_a_row_is_refused(cli: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "drugs.csv"
    file.write_text(DRUGS)
    result = cli("terminology", "import", "drugs", file, "--into", tmp_path / "terms", "--strict")
    assert result.exit_code == 1
    assert not (tmp_path / "terms").exists()
    assert orjson.loads(
        cli("terminology", "import", "drugs", file, "--into", tmp_path / "terms", "--strict", "--json").stdout
    )["into"] is None  # fmt: skip
    file.write_text(DRUGS.rsplit("examplinib", 1)[0])
    assert cli("terminology", "import", "drugs", file, "--into", tmp_path / "terms", "--strict").exit_code == 0


@pytest.mark.parametrize(("kind", "body", "told"), [
    ("oncotree", b"no", ": line 1: terminology.not-json: "), ("oncotree", b"[]", ": terminology.no-rows: "),
    ("hgnc", b"symbol\tstatus\n", ": line 1: terminology.columns-missing: "), ("drugs", b"\xff", ": line 1: terminology.not-text: "),
    ("crosswalk", b"a,b\n", ": line 1: terminology.columns-missing: "),
])  # fmt: skip
def test_a_file_that_cannot_be_used_changes_nothing(
    cli: Invoke, terms: Path, tmp_path: Path, kind: str, body: bytes, told: str
) -> None:
    before = {path.name: path.read_bytes() for path in terms.iterdir()}
    file = tmp_path / "bad"
    file.write_bytes(body)
    result = cli("terminology", "import", kind, file, "--into", terms)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{file}{told}")
    assert {path.name: path.read_bytes() for path in terms.iterdir()} == before


def test_wrong_command_lines(cli: Invoke, tree: Path, tmp_path: Path) -> None:
    for arguments in (
        ("import", "oncotrees", tree, "--into", tmp_path), ("import", "oncotree", tree), ("import", "oncotree", tree, "--into",
        tmp_path, "--version", "a b"), ("nonsense",),
    ):  # fmt: skip
        assert cli("terminology", *arguments).exit_code == 2
    missing = cli("terminology", "import", "oncotree", tmp_path / "none.json", "--into", tmp_path / "terms")
    assert (missing.exit_code, "file.unreadable" in missing.stderr) == (1, True)


def test_a_crosswalk_is_read_against_the_tree_of_the_folder(cli: Invoke, terms: Path, tmp_path: Path) -> None:
    file = tmp_path / "ontology_mappings.txt"
    file.write_text(MAPPINGS)
    result = cli("terminology", "import", "crosswalk", file, "--into", terms, "--json")
    assert result.exit_code == 1
    (found,) = lines(result.stdout)
    assert found["version"].startswith("sha-")
    refused = [flaw["place"] for flaw in found["flaws"] if flaw["severity"] == "error"]
    assert refused == [f"line {number}" for number in (4, 5, 6, 7, 9)]
    assert cli("terminology", "import", "crosswalk", file, "--into", tmp_path / "other").exit_code == 0


def test_import_again_reads_against_what_is_packaged_not_against_itself(cli: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "drugs.csv"
    file.write_text("drug,classes,aliases\nexamplinib,pan-raf inhibitor,ex-101\n")
    for _ in range(2):
        result = cli("terminology", "import", "drugs", file, "--into", tmp_path / "terms")
        assert (result.exit_code, result.stderr) == (0, "")
    file.write_text("drug,classes,aliases\nex-101,pan-raf inhibitor,examplinib\n")
    assert cli("terminology", "import", "drugs", file, "--into", tmp_path / "terms").stderr == ""


def test_many_warnings_of_a_kind_are_cut_short_but_not_in_json(cli: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "hgnc.txt"
    rows = [f"G{n}\tApproved\tN{n // 2}\t" for n in range(60)]
    file.write_text("\n".join(["symbol\tstatus\talias_symbol\tprev_symbol", *rows]))
    told = cli("terminology", "import", "hgnc", file, "--into", tmp_path / "terms").stderr.splitlines()
    assert len(told) == 21
    assert told[-1] == f"{file}: 10 more of terminology.shared-name; --json has all of them"
    (found,) = lines(cli("terminology", "import", "hgnc", file, "--into", tmp_path / "terms", "--json").stdout)
    assert len(found["flaws"]) == 30


def test_show_names_what_is_in_force(cli: Invoke, terms: Path) -> None:
    packaged = cli("terminology", "show").stdout.splitlines()
    assert packaged[0].split() == ["table", "version", "rows", "digest", "from"]
    assert all("packaged" in line for line in packaged[1:])
    shown = cli("terminology", "show", "--terminology", terms).stdout
    (line,) = [line.split() for line in shown.splitlines() if line.startswith("oncotree ")]
    assert line[:3] + line[4:] == ["oncotree", "2025_10_03", "12", "oncotree_2025_10_03.json"]
    found = orjson.loads(cli("terminology", "show", "--terminology", terms, "--json").stdout)
    assert f"oncotree:2025_10_03@{line[3]}" in found["tables"].split()
    assert {row["table"] for row in found["in_force"]} == {line.split()[0] for line in packaged[1:]}


def test_show_lists_ambiguous_gene_names(cli: Invoke) -> None:
    told = cli("terminology", "show", "--ambiguous")
    assert "MLL2: KMT2B, KMT2D" in told.stdout.splitlines()
    assert orjson.loads(cli("terminology", "show", "--ambiguous", "--json").stdout)["ambiguous"]["RAS"] == [
        "HRAS", "KRAS", "NRAS"]  # fmt: skip


TRIAL = "id: T\ntitle: t\nphase: I\nlab: l\ncriteria: {diagnosis: {oncotree: [OLDLUAD]}}\n"


def test_a_trial_is_checked_with_the_tables_of_the_folder(
    cli: Invoke, terms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = tmp_path / "trial.yaml"
    trial.write_text(TRIAL)
    packaged = cli("trial", "lint", trial)
    assert (packaged.exit_code, "trial.unknown-term" in packaged.stdout) == (1, True)
    imported = cli("trial", "lint", trial, "--terminology", terms)
    assert imported.exit_code == 0
    assert "warning[trial.former-term]" in imported.stdout
    assert "write LUAD" in imported.stdout
    # The command after it starts from the packaged tables again; the environment names a folder too.
    assert cli("trial", "lint", trial).exit_code == 1
    monkeypatch.setenv("TRIALBRIDGE_TERMINOLOGY", str(terms))
    assert cli("trial", "lint", trial).exit_code == 0
    monkeypatch.setenv("TRIALBRIDGE_TERMINOLOGY", "")
    assert cli("trial", "lint", trial).exit_code == 1


def matched(cli: Invoke, *arguments: str | Path) -> dict[str, Any]:
    result = cli("match", *arguments, "--as-of", "2026-06-01", "--json")
    assert result.exit_code == 0, result.stderr
    (found,) = lines(result.stdout)
    return found


def test_match_uses_the_tables_of_the_folder_and_says_so(cli: Invoke, terms: Path, tmp_path: Path) -> None:
    trial = tmp_path / "trial.yaml"
    trial.write_text(TRIAL.replace("OLDLUAD", "LUAD"))
    patient = facts("p1")
    patient["facts"][1]["codes"][0]["code"] = "OLDLUAD"
    file = write(tmp_path / "p.json", patient)
    packaged = matched(cli, file, trial)
    assert packaged["outcome"] == "potentially"
    found = matched(cli, file, trial, "--terminology", terms)
    assert found["outcome"] == "eligible"
    assert " oncotree@" in packaged["tables"]
    assert " oncotree:2025_10_03@" in found["tables"]


def test_feasibility_and_convert_use_them_too(cli: Invoke, terms: Path, tmp_path: Path) -> None:
    trial = tmp_path / "trial.yaml"
    trial.write_text(TRIAL)
    file = write(tmp_path / "p.json", facts("p1"))
    for command in (("feasibility", trial, file), ("trial", "convert", trial, "--to", "native")):
        assert cli(*command).exit_code == 1
        assert cli(*command, "--terminology", terms).exit_code == 0


@pytest.mark.parametrize("command", [
    ("match", "p.json", "trial.yaml"), ("feasibility", "trial.yaml", "p.json"), ("trial", "lint", "trial.yaml"),
    ("trial", "convert", "trial.yaml", "--to", "native"), ("terminology", "show"),
    ("demo", "--once", "--state", "state", "--data", "."),
])  # fmt: skip
def test_a_folder_that_cannot_be_used_ends_with_78_and_how_to_mend_it(
    cli: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trial.yaml").write_text(TRIAL.replace("OLDLUAD", "LUAD"))
    write(tmp_path / "p.json", facts("p1"))
    result = cli(*command, "--terminology", tmp_path / "none")
    assert (result.exit_code, result.stdout) == (78, "")
    assert "terminology.missing" in result.stderr
    assert "trialbridge terminology import" in result.stderr


def test_the_demo_hands_the_folder_to_its_services_and_knows_its_state_by_it(
    cli: Invoke, terms: Path, tmp_path: Path
) -> None:
    options = DemoOptions(state=tmp_path / "state", terminology=terms)
    assert embedded_settings(options)["terminology"] == terms.resolve()
    assert "terminology" not in embedded_settings(DemoOptions(state=tmp_path / "state"))
    assert options.fingerprint() != DemoOptions(state=tmp_path / "state").fingerprint()
    assert cli("demo", "--attach", "--terminology", terms).exit_code == 2


def test_the_doctor_looks_at_the_folder(cli: Invoke, terms: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALBRIDGE_TERMINOLOGY", str(terms))
    assert f"ok    terminology: {terms}" in cli("doctor").stdout
    next(terms.glob("oncotree-*")).write_text("")
    result = cli("doctor")
    assert result.exit_code == 78
    assert "wrong terminology: " in result.stdout
    assert "trialbridge terminology import oncotree FILE" in result.stdout


def test_the_list_and_the_tree_of_one_release_are_the_same_table(cli: Invoke, terms: Path, tmp_path: Path) -> None:
    file = tmp_path / "tumorTypes.json"
    file.write_bytes(encoded(flat(TREE)))
    cli("terminology", "import", "oncotree", file, "--into", tmp_path / "list", "--version", "2025_10_03")
    shown = [cli("terminology", "show", "--terminology", one, "--json").stdout for one in (terms, tmp_path / "list")]
    assert orjson.loads(shown[0])["tables"] == orjson.loads(shown[1])["tables"]


def test_the_whole_sample_is_brought_in(cli: Invoke, shared_data: Path, tmp_path: Path) -> None:
    (path,) = (shared_data / "oncotree").glob("*.json")
    result = cli("terminology", "import", "oncotree", path, "--into", tmp_path / "terms")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.endswith(": oncotree: 897 rows, version 2025_10_03\n")
    trial = tmp_path / "trial.yaml"
    trial.write_text(TRIAL.replace("OLDLUAD", "CMPT"))
    assert cli("trial", "lint", trial).exit_code == 1
    assert cli("trial", "lint", trial, "--terminology", tmp_path / "terms").exit_code == 0


def test_a_custom_download_in_a_file_of_any_name(cli: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "results.txt"
    file.write_text(CUSTOM)
    result = cli("terminology", "import", "hgnc", file, "--into", tmp_path / "terms")
    assert result.exit_code == 0
    assert ": genes: 1 row, version sha-" in result.stdout
