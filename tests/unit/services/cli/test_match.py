"""``trialbridge match``: files in, one explained answer for each patient, trial, arm and dose level out."""

import shutil
from pathlib import Path

import orjson
import pytest

from tests.unit.services.cli.conftest import Invoke, bundle, facts, lines, records, v2_message, write

AS_OF = ("--as-of", "2026-06-01")
LINE = {"patient", "trial", "arm", "dose", "outcome", "as_of", "criteria", "missing", "tables"}
CRITERION = {"path", "kind", "verdict", "recoverable", "reason", "evidence"}
PAIRS = [
    ("T-ARMS", "A", "1"),
    ("T-ARMS", "A", "2"),
    ("T-ARMS", "B", None),
    ("T-CTML", "C1", None),
    ("T-PLAIN", None, None),
]


def test_each_line_has_the_documented_shape(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    result = cli("match", write(tmp_path / "p.json", bundle("eva")), trials, *AS_OF, "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    found = lines(result.stdout)
    assert [(one["trial"], one["arm"], one["dose"]) for one in found] == PAIRS
    for one in found:
        assert one.keys() == LINE
        assert one["patient"] == "eva"
        assert one["as_of"] == "2026-06-01"
        assert one["outcome"] in {"eligible", "potentially", "not_eligible"}
        assert one["criteria"]
        for criterion in one["criteria"]:
            assert criterion.keys() == CRITERION
            assert criterion["verdict"] in {"met", "not_met", "unknown"}
            assert isinstance(criterion["recoverable"], bool)
            assert criterion["reason"]
            assert isinstance(criterion["evidence"], list)
        unknown = [criterion for criterion in one["criteria"] if criterion["verdict"] == "unknown"]
        assert bool(one["missing"]) == bool(unknown)


def test_all_three_outcomes_come_with_reason_and_evidence(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    result = cli("match", write(tmp_path / "p.json", bundle("ada", born="1952-06-02")), trials, *AS_OF, "--json")
    by_pair = {(one["trial"], one["arm"], one["dose"]): one for one in lines(result.stdout)}
    outcomes = {pair: one["outcome"] for pair, one in by_pair.items()}
    assert outcomes == {
        ("T-ARMS", "A", "1"): "not_eligible",  # 73 years old, at most 70 wanted
        ("T-ARMS", "A", "2"): "eligible",
        ("T-ARMS", "B", None): "potentially",  # never sequenced
        ("T-CTML", "C1", None): "eligible",
        ("T-PLAIN", None, None): "eligible",
    }
    failing = [one for one in by_pair["T-ARMS", "A", "1"]["criteria"] if one["verdict"] == "not_met"]
    assert any(evidence["resource"] == "Patient/ada" for one in failing for evidence in one["evidence"])
    assert [one["kind"] for one in by_pair["T-ARMS", "B", None]["missing"]] == ["variant"]


def test_the_day_decides(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    patient = write(tmp_path / "p.json", facts("kim", born="2008-06-02"))
    before = lines(cli("match", patient, trials / "plain.json", "--as-of", "2026-06-01", "--json").stdout)
    told = cli("match", patient, trials / "plain.json", "--as-of", "2026-06-01").stdout
    assert "May change: " in told
    after = lines(cli("match", patient, trials / "plain.json", "--as-of", "2026-06-02", "--json").stdout)
    assert [one["outcome"] for one in (*before, *after)] == ["potentially", "eligible"]


@pytest.mark.parametrize("form", ["one object", "a list", "a line each"])
def test_facts_are_read_in_every_form(cli: Invoke, tmp_path: Path, trials: Path, form: str) -> None:
    people = [facts("eva"), facts("ada", born="1952-06-02")]
    path = tmp_path / ("facts.ndjson" if form == "a line each" else "facts.json")
    if form == "a list":
        path.write_bytes(orjson.dumps(people))
    else:
        write(path, *(people if form == "a line each" else people[:1]))
    result = cli("match", path, trials, *AS_OF, "--json")
    assert result.exit_code == 0, result.stderr
    expected = ["eva"] if form == "one object" else ["eva", "ada"]
    assert list(dict.fromkeys(one["patient"] for one in lines(result.stdout))) == expected


def test_records_and_facts_say_the_same(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    """What a bundle, its NDJSON and a facts file say leads to the same outcomes."""
    given = [
        write(tmp_path / "b.json", bundle("eva")),
        write(tmp_path / "r.ndjson", *records("eva")),
        write(tmp_path / "f.json", facts("eva")),
    ]
    outcomes = [
        [(one["trial"], one["arm"], one["dose"], one["outcome"]) for one in lines(result.stdout)]
        for result in (cli("match", path, trials, *AS_OF, "--json") for path in given)
    ]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert len(outcomes[0]) == len(PAIRS)


def test_an_export_with_a_file_for_each_resource_type_is_read_as_a_whole(
    cli: Invoke, tmp_path: Path, trials: Path
) -> None:
    whole = cli("match", write(tmp_path / "b.json", bundle("eva")), trials, *AS_OF, "--json")
    for resource in records("eva"):
        write(tmp_path / "export" / f"{resource['resourceType']}.ndjson", resource)
    split = cli("match", tmp_path / "export", trials, *AS_OF, "--json")
    assert split.exit_code == 0
    outcomes = [[(one["patient"], one["outcome"]) for one in lines(one.stdout)] for one in (whole, split)]
    assert outcomes[0] == outcomes[1]


def test_the_output_of_convert_is_an_input_of_match(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    people = write(tmp_path / "in" / "eva.json", bundle("eva")).parent
    write(people / "ada.json", bundle("ada", born="1952-06-02"))
    assert cli("convert", people, "--out", tmp_path / "out").exit_code == 0
    before, after = (
        sorted(
            (one["patient"], one["trial"], one["outcome"])
            for one in lines(cli("match", path, trials, *AS_OF, "--json").stdout)
        )
        for path in (people, tmp_path / "out")
    )
    assert before == after
    assert len(before) == 2 * len(PAIRS)


def test_a_folder_mixes_kinds_and_others_are_remarked_upon(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    folder = write(tmp_path / "in" / "a.json", bundle("eva")).parent
    write(folder / "sub" / "f.json", facts("kim"))
    (folder / "m.hl7").write_bytes(v2_message("4711"))
    (folder / "notes.md").write_text("to do")
    (folder / ".hidden.json").write_text("{")
    result = cli("match", folder, trials / "plain.json", *AS_OF, "--json")
    assert result.exit_code == 0
    assert len(lines(result.stdout)) == 3
    assert {one["outcome"] for one in lines(result.stdout)} == {"eligible"}
    assert result.stderr.splitlines() == [f"{folder}: 1 files of other kinds are not read (1 .md)"]


def test_one_bad_patient_file_is_listed_and_the_others_are_evaluated(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    folder = write(tmp_path / "in" / "good.json", bundle("eva")).parent
    (folder / "broken.json").write_text('{"resourceType": "Bundle", "entry": [')
    (folder / "other.json").write_text('{"hello": "world"}')
    wrong = facts("kim")
    wrong["facts"][2]["value"] = "well"
    write(folder / "wrong-facts.json", wrong)
    result = cli("match", folder, trials, *AS_OF, "--json")
    assert result.exit_code == 1
    assert {one["patient"] for one in lines(result.stdout)} == {"eva"}
    told = result.stderr
    assert f"{folder / 'broken.json'}: " in told
    assert f"{folder / 'other.json'}: " in told
    assert "fhir.not-fhir" in told
    assert f"{folder / 'wrong-facts.json'}: " in told
    assert "field facts[2].value: facts.invalid: " in told
    assert "well" not in told


def test_one_bad_trial_is_listed_with_line_path_and_spelling(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    text = (trials / "arms.yaml").read_text()
    bad = trials / "bad.yaml"
    bad.write_text(text.replace("T-ARMS", "T-BAD").replace("performance:", "performanse:"))
    result = cli("match", write(tmp_path / "p.json", bundle("eva")), trials, *AS_OF, "--json")
    assert result.exit_code == 1
    assert [(one["trial"], one["arm"], one["dose"]) for one in lines(result.stdout)] == PAIRS
    assert f"{bad}:8: criteria.all[1].performanse: trial.unknown-key: " in result.stderr
    assert "'performance'" in result.stderr


def test_a_second_trial_of_the_same_id_is_refused(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    shutil.copy(trials / "plain.json", trials / "z.json")
    result = cli("match", write(tmp_path / "p.json", bundle("eva")), trials, *AS_OF, "--json")
    assert result.exit_code == 1
    assert len(lines(result.stdout)) == len(PAIRS)
    assert f"{trials / 'z.json'}: id: trial.duplicate-id: plain.json has the same id" in result.stderr


def test_what_cannot_be_read_is_listed(cli: Invoke, trials: Path) -> None:
    result = cli("match", "/proc/self/mem", trials, "--json")
    assert result.exit_code == 1
    assert "file.unreadable" in result.stderr
    assert "file.unreadable" in cli("match", trials, "/proc/self/mem", "--json").stderr


def test_what_is_not_there_is_said_with_the_next_step(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    missing, empty = tmp_path / "missing", tmp_path / "empty"
    empty.mkdir()
    patient = write(tmp_path / "p.json", bundle("eva"))
    for arguments in ((missing, trials), (patient, missing)):
        result = cli("match", *arguments, "--json")
        assert result.exit_code == 1
        assert result.stderr == f"{missing}: file.missing: There is no such file or folder; check the path.\n"
        assert result.stdout == ""
    for arguments, ending in (((empty, trials), ".hl7"), ((patient, empty), ".yaml")):
        result = cli("match", *arguments, "--json")
        assert result.exit_code == 1
        assert f"{empty}: folder.empty: " in result.stderr
        assert ending in result.stderr


def test_a_day_that_is_none_is_an_error_of_use(cli: Invoke, trials: Path) -> None:
    result = cli("match", trials, trials, "--as-of", "tomorrow")
    assert result.exit_code == 2
    assert "2026-06-01" in result.stderr


def test_without_a_terminal_people_get_plain_lines_with_nothing_shortened(
    cli: Invoke, tmp_path: Path, trials: Path
) -> None:
    name = "a-very-long-patient-id-that-must-not-be-shortened-at-all"
    result = cli("match", write(tmp_path / "p.json", bundle(name, born="1952-06-02")), trials, *AS_OF)
    assert result.exit_code == 0
    told = result.stdout.splitlines()
    assert told[0].split() == ["patient", "trial", "arm", "dose", "outcome", "because"]
    assert sum(line.startswith(name) for line in told) == len(PAIRS)
    assert "All criteria are met." in result.stdout
    assert "Missing: Sequencing that covers EGFR." in result.stdout
    assert told[-1] == "1 patients x 3 trials: 3 eligible, 1 potentially, 1 not eligible"
    assert not set(result.stdout) & set("┏│━\x1b")


def test_public_samples_get_an_answer_for_each_pair(cli: Invoke, shared_data: Path, trials: Path) -> None:
    result = cli("match", shared_data / "fhir-r4-synthea", trials, *AS_OF, "--json")
    assert result.exit_code == 0, result.stderr
    found = lines(result.stdout)
    assert len({one["patient"] for one in found}) == 5
    assert len(found) == 5 * len(PAIRS)


def test_people_are_told_what_decides_and_not_what_an_alternative_lacked(cli: Invoke, tmp_path: Path) -> None:
    trial = {
        "id": "T-ANY", "title": "t", "phase": "I", "lab": "l",
        "criteria": {"all": [
            {"any": [{"diagnosis": {"oncotree": ["BRCA"]}}, {"age": {"min": 18}}]},
            {"not": {"diagnosis": {"oncotree": ["LUAD"]}}},
        ]},
    }  # fmt: skip
    told = cli("match", write(tmp_path / "f.json", facts("eva")), write(tmp_path / "t.json", trial), *AS_OF).stdout
    assert "not eligible" in told
    reason = told.splitlines()[1].partition("not eligible")[2]
    assert "Breast" not in reason
    assert "(and" not in reason
