"""``trialbridge trial lint``: what the compiler says, before a trial is registered."""

from pathlib import Path

import pytest

from tests.unit.services.cli.conftest import Invoke, lines


def verdicts(text: str) -> list[str]:
    """Return the lines that are no notes."""
    return [line for line in text.splitlines() if ": note[" not in line]


def test_good_trials_pass_in_every_language(cli: Invoke, trials: Path) -> None:
    result = cli("trial", "lint", trials)
    assert result.exit_code == 0
    assert [line.split(": ")[:2] for line in verdicts(result.stdout)] == [
        [str(trials / "arms.yaml"), "ok, T-ARMS"],
        [str(trials / "ctml.yml"), "ok, T-CTML"],
        [str(trials / "plain.json"), "ok, T-PLAIN"],
    ]


def test_an_unknown_key_comes_with_line_path_and_nearest_spelling(cli: Invoke, trials: Path) -> None:
    bad = trials / "arms.yaml"
    bad.write_text(bad.read_text().replace("title: Lung", "titel: Lung"))
    result = cli("trial", "lint", bad, trials / "plain.json")
    assert result.exit_code == 1
    first, second = result.stdout.splitlines()
    assert first.startswith(f"{bad}:2:1: error[trial.unknown-key] titel: ")
    assert first.endswith("did you mean 'title'?")
    assert second.startswith(f"{trials / 'plain.json'}: ok")


def test_an_unknown_key_in_ctml_is_refused_too(cli: Invoke, trials: Path) -> None:
    bad = trials / "ctml.yml"
    bad.write_text(bad.read_text().replace("age_numerical", "age_numercal"))
    result = cli("trial", "lint", bad)
    assert result.exit_code == 1
    assert "age_numercal" in result.stdout
    assert "error[" in result.stdout


def test_json_has_one_object_for_each_file(cli: Invoke, trials: Path) -> None:
    (trials / "bad.yaml").write_text("id: [")
    result = cli("trial", "lint", trials, "--json")
    assert result.exit_code == 1
    found = {Path(one["file"]).name: one for one in lines(result.stdout)}
    assert {name: (one["ok"], one["trial"]) for name, one in found.items()} == {
        "arms.yaml": (True, "T-ARMS"),
        "bad.yaml": (False, None),
        "ctml.yml": (True, "T-CTML"),
        "plain.json": (True, "T-PLAIN"),
    }
    problem = found["bad.yaml"]["diagnostics"][0]
    assert problem.keys() >= {"severity", "code", "path", "message"}


def test_what_is_not_there_does_not_pass(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for path, code in ((tmp_path / "missing.yaml", "file.missing"), (empty, "folder.empty")):
        result = cli("trial", "lint", path, trials)
        assert result.exit_code == 1
        assert f"{path}: {code}: " in result.stderr
        assert len(verdicts(result.stdout)) == 3


def test_the_sum_comes_last_and_one_bad_file_stops_no_other(cli: Invoke, trials: Path) -> None:
    (trials / "a.yaml").write_text("id: T-A\ncriteria:\n  aeg: {min: 1}\n")
    (trials / "b.json").write_bytes(b"\xff\xfe")
    (trials / "c.yaml").write_text("id: T-C\ncriteria:\n  any:\n  - age: {min: 18}\n  - age: {min: 18}\n")
    result = cli("trial", "lint", trials)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "6 files, 2 refused: 2 errors and 1 warning"
    assert result.stdout.count(": ok, ") == 4
    assert f"{trials / 'a.yaml'}:3:3: error[trial.unknown-key] criteria.aeg: " in result.stdout
    assert f"{trials / 'c.yaml'}:5:5: warning[trial.duplicate] criteria.any[1]: " in result.stdout


def test_a_warning_alone_does_not_refuse(cli: Invoke, trials: Path) -> None:
    (trials / "plain.json").write_text("id: T\ncriteria: {any: [{age: {min: 18}}, {age: {min: 18}}]}\n")
    assert cli("trial", "lint", trials / "plain.json").exit_code == 0


@pytest.mark.parametrize("steps", [3, 4, 40])
def test_what_ctml_says_in_vain_is_noted_and_long_lists_are_one_line(cli: Invoke, tmp_path: Path, steps: int) -> None:
    match = "match: [{clinical: {gender: Male}}]"
    arms = "".join(f"  - {{step_type: t, arm: [{{arm_code: A{n}, {match}}}]}}\n" for n in range(steps))
    file = tmp_path / "t.yaml"
    file.write_text(f"protocol_no: T\nnickname: n\ntreatment_list:\n  step:\n{arms}")
    result = cli("trial", "lint", file)
    notes = [line for line in result.stdout.splitlines() if ": note[ctml.left-out] " in line]
    assert result.exit_code == 0
    assert result.stderr == ""
    assert notes[0].startswith(f"{file}:2:1: note[ctml.left-out] nickname: ")
    assert len(notes) == 1 + (steps if steps == 3 else 1)
    assert ": treatment_list.step[0].step_type: " in notes[1].replace("] t", "]: t")
    assert (f"The same of {steps - 1} more step_type below." in notes[1]) == (steps > 3)
    (whole,) = lines(cli("trial", "lint", file, "--json").stdout)
    assert whole["ok"]
    assert [one["severity"] for one in whole["diagnostics"]] == ["note"] * (steps + 1)
    converted = cli("trial", "convert", file, "--to", "native", "--out", tmp_path / "native.yaml")
    assert converted.exit_code == 0
    assert converted.stderr.count("note[ctml.left-out]") == len(notes)
