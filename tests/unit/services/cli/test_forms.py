"""Tables, one JSON document, JSON lines; standard input; answers as they are found."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.cli import patients
from tests.unit.services.cli.conftest import Invoke, facts, lines, write
from trialbridge.emr.files import read_patients

AS_OF = ("--as-of", "2026-06-01")
Feed = Callable[[Path], None]


@pytest.fixture
def stdin() -> Iterator[Feed]:
    """Return a function that makes a file the process's standard input."""
    kept = os.dup(0)

    def feed(path: Path) -> None:
        handle = os.open(path, os.O_RDONLY)
        os.dup2(handle, 0)
        os.close(handle)

    yield feed
    os.dup2(kept, 0)
    os.close(kept)


@pytest.mark.parametrize("name", ["match", "feasibility"])
def test_json_is_one_document_of_the_lines(cli: Invoke, tmp_path: Path, trials: Path, name: str) -> None:
    people = write(tmp_path / "in" / "a.json", facts("eva")).parent
    write(people / "b.json", facts("kim"))
    given = (people, trials) if name == "match" else (trials, people)
    by_line = cli(name, *given, *AS_OF, "--format", "ndjson").stdout
    assert cli(name, *given, *AS_OF, "--json").stdout == by_line
    assert orjson.loads(cli(name, *given, *AS_OF, "--format", "json").stdout) == lines(by_line)
    assert len(lines(by_line)) > 1
    assert cli(name, *given, *AS_OF, "--format", "table").stdout == cli(name, *given, *AS_OF).stdout


def test_no_answer_is_an_empty_document(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    result = cli("match", write(tmp_path / "p.json", {"patient": "p", "facts": [{}]}), trials, "--format", "json")
    assert result.exit_code == 1
    assert orjson.loads(result.stdout) == []


def test_two_forms_at_once_are_an_error_of_use(cli: Invoke, trials: Path) -> None:
    for name in ("match", "feasibility"):
        assert cli(name, trials, trials, "--json", "--format", "table").exit_code == 2
        assert cli(name, "-", "-").exit_code == 2


@pytest.mark.parametrize("name", ["match", "feasibility"])
def test_a_dash_is_standard_input(cli: Invoke, tmp_path: Path, trials: Path, stdin: Feed, name: str) -> None:
    people, trial = write(tmp_path / "p.json", facts("eva")), trials / "plain.json"
    step = 1 if name == "match" else -1
    expected = cli(name, *(people, trial)[::step], *AS_OF, "--json").stdout
    stdin(people)
    assert cli(name, *("-", trial)[::step], *AS_OF, "--json").stdout == expected
    stdin(trial)
    assert cli(name, *(people, "-")[::step], *AS_OF, "--json").stdout == expected


@pytest.mark.parametrize("form", ["table", "json", "ndjson"])
def test_answers_come_before_the_next_file_is_read(
    cli: Invoke, tmp_path: Path, trials: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    people = write(tmp_path / "in" / "a.json", facts("eva")).parent
    write(people / "b.json", facts("kim"))

    def stop_at_second(path: Path, *others: Any) -> Any:
        if path.name == "b.json":
            raise KeyboardInterrupt
        return read_patients(path, *others)

    monkeypatch.setattr(patients, "read_patients", stop_at_second)
    result = cli("match", people, trials, *AS_OF, "--format", form)
    assert result.exit_code == 130
    assert "eva" in result.stdout


def test_a_patients_rows_are_aligned_with_those_before(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    people = write(tmp_path / "in" / "a.json", facts("eva")).parent
    write(people / "b.json", facts("kim"))
    told = cli("match", people, trials, *AS_OF).stdout.splitlines()[:-1]
    assert len({line.index("T-") for line in told[1:]}) == 1
    assert {told[0].index("because")} <= {line.index("All criteria") for line in told if "All criteria" in line}


def test_a_name_between_colons_is_no_picture(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    result = cli("match", write(tmp_path / "p.json", facts("ward:heart:1")), trials, *AS_OF)
    assert "ward:heart:1" in result.stdout
