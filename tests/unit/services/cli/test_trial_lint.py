"""``trialbridge trial lint``: what the compiler says, before a trial is registered."""

from pathlib import Path

from tests.unit.services.cli.conftest import Invoke, lines


def test_good_trials_pass_in_every_language(cli: Invoke, trials: Path) -> None:
    result = cli("trial", "lint", trials)
    assert result.exit_code == 0
    assert [line.split(": ")[:2] for line in result.stdout.splitlines()] == [
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
        assert len(result.stdout.splitlines()) == 3


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
