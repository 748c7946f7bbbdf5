"""``trialbridge demo``: what is wrong with its folders and options is said before anything is made."""

from pathlib import Path

import pytest

from tests.unit.services.cli.conftest import Invoke, bundle, write


@pytest.mark.parametrize("option", ["--data", "--trials"])
@pytest.mark.parametrize("made", [True, False], ids=["empty", "missing"])
def test_folders_that_hold_nothing(cli: Invoke, tmp_path: Path, option: str, made: bool) -> None:
    folder = tmp_path / "folder"
    if made:
        folder.mkdir()
    result = cli("demo", "--once", option, folder, "--state", tmp_path / "state")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{folder}: ")
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "state").exists()


def test_wrong_settings_and_days(cli: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("demo", "--once", "--as-of", "soon", "--state", tmp_path / "state").exit_code == 2
    monkeypatch.setenv("TRIALBRIDGE_PARTITIONS", "none")
    result = cli("demo", "--once", "--state", tmp_path / "state")
    assert result.exit_code == 78
    assert "TRIALBRIDGE_PARTITIONS" in result.stderr
    assert not (tmp_path / "state").exists()


def test_a_state_that_is_a_file(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    data = write(tmp_path / "data" / "p.json", bundle("eva")).parent
    result = cli("demo", "--once", "--data", data, "--trials", trials, "--state", data / "p.json")
    assert result.exit_code == 78
    assert "--state" in result.stderr


@pytest.mark.parametrize("store", ["log.db", "documents.db", "objects"])
@pytest.mark.parametrize("command", ["demo", "run", "doctor"])
def test_stores_without_their_key_ring_are_not_given_another_one(
    cli: Invoke, tmp_path: Path, trials: Path, command: str, store: str
) -> None:
    state = tmp_path / "state"
    (state / store).mkdir(parents=True)
    data = write(tmp_path / "data" / "p.json", bundle("eva")).parent
    options = ("--once", "--data", data, "--trials", trials) if command == "demo" else ()
    result = cli(command, *options, "--state", state)
    assert result.exit_code == 78
    assert "keyring.missing" in result.output
    assert "Put the ring's copy back" in result.output
    assert [path.name for path in state.iterdir()] == [store]
