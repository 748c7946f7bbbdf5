"""``trialbridge trial convert``: the other language, or a located reason why not."""

from pathlib import Path

import orjson
import pytest

from tests.unit.services.cli.conftest import Invoke
from trialbridge.criteria.compiler import compile_text
from trialbridge.criteria.ctml import is_ctml


def test_there_and_back_is_the_same_trial(cli: Invoke, trials: Path, tmp_path: Path) -> None:
    before = compile_text((trials / "ctml.yml").read_bytes())
    native, again = tmp_path / "out" / "native.yaml", tmp_path / "again.json"
    assert cli("trial", "convert", trials / "ctml.yml", "--to", "native", "--out", native).exit_code == 0
    assert "treatment_list" not in native.read_text()
    assert cli("trial", "convert", native, "--to", "ctml", "--json", "--out", again).exit_code == 0
    assert is_ctml(orjson.loads(again.read_bytes()))
    assert compile_text(again.read_bytes()).definition == before.definition


def test_without_a_place_it_goes_to_standard_output(cli: Invoke, trials: Path) -> None:
    result = cli("trial", "convert", trials / "plain.json", "--to", "ctml")
    assert result.exit_code == 0
    assert result.stdout.startswith("protocol_no: T-PLAIN\n")
    assert compile_text(result.stdout).ok


def test_what_ctml_cannot_say_is_located_and_nothing_is_written(cli: Invoke, trials: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = cli("trial", "convert", trials, "--to", "ctml", "--out", out)
    assert result.exit_code == 1
    bad = trials / "arms.yaml"
    assert (
        f"{bad}: criteria.all[1].performance: error[trial.not-in-ctml]: CTML cannot ask about performance."
        in result.stderr
    )
    assert sorted(one.name for one in out.iterdir()) == ["ctml.yaml", "plain.yaml"]


def test_a_refused_trial_says_why_and_stops_no_other(cli: Invoke, trials: Path, tmp_path: Path) -> None:
    (trials / "bad.yaml").write_text("id: T-BAD\ncriteria: {aeg: {min: 1}}\n")
    result = cli("trial", "convert", trials, "--to", "native", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert f"{trials / 'bad.yaml'}:2:12: criteria.aeg: error[trial.unknown-key]: " in result.stderr
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_no_file_is_written_over_another(cli: Invoke, trials: Path, tmp_path: Path) -> None:
    (trials / "more").mkdir()
    (trials / "more" / "plain.yaml").write_text("id: T-OTHER\ncriteria: {age: {min: 1}}\n")
    result = cli("trial", "convert", trials, "--to", "native", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "file.taken" in result.stderr
    assert len(list((tmp_path / "out").iterdir())) == 3
    before = (trials / "arms.yaml").read_text()
    result = cli("trial", "convert", trials, "--to", "native", "--out", trials)
    assert result.exit_code == 1
    assert (trials / "arms.yaml").read_text() == before


@pytest.mark.parametrize("arguments", [("--to", "fhir"), ()])
def test_a_language_that_is_not_there_is_a_usage_error(cli: Invoke, trials: Path, arguments: tuple[str, ...]) -> None:
    assert cli("trial", "convert", trials / "plain.json", *arguments).exit_code == 2


def test_several_trials_need_a_folder(cli: Invoke, trials: Path) -> None:
    assert cli("trial", "convert", trials, "--to", "ctml").exit_code == 2
    assert cli("trial", "convert", trials / "arms.yaml", trials / "plain.json", "--to", "native").exit_code == 2


def test_what_cannot_be_written_is_one_line(cli: Invoke, trials: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = cli("trial", "convert", trials / "plain.json", "--to", "ctml", "--out", tmp_path / "file" / "x.yaml")
    assert result.exit_code == 69
    assert "out.unwritable" in result.stderr
