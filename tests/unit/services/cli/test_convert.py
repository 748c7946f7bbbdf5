"""``trialbridge convert``: any supported file in, NDJSON by resource type and one report out."""

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from services.cli.output import shown
from tests.unit.services.cli.conftest import Invoke, bundle, lines, records, v2_message, write

REPORT = {"inputs", "resources", "errors", "account"}
ERROR = {"input", "where", "code", "message"}


def report(text: str) -> dict[str, Any]:
    """Return the JSON object that ends a run."""
    found: dict[str, Any] = orjson.loads(text.splitlines()[-1])
    assert found.keys() == REPORT
    for error in found["errors"]:
        assert error.keys() == ERROR
        assert all(isinstance(value, str) for value in error.values())
    return found


def test_every_format_ends_in_files_by_resource_type(cli: Invoke, tmp_path: Path) -> None:
    given = [
        write(tmp_path / "b.json", bundle("eva")),
        write(tmp_path / "r.ndjson", *records("ada")),
        tmp_path / "m.hl7",
    ]
    given[-1].write_bytes(v2_message("4711"))
    out = tmp_path / "new" / "out"
    result = cli("convert", *given, "--out", out, "--json")
    assert result.exit_code == 0
    found = report(result.stdout)
    assert found["inputs"] == 3
    assert found["errors"] == []
    assert found["resources"]["Patient"] == 3
    assert found["resources"]["Condition"] == 2
    assert {path.name for path in out.iterdir()} == {f"{kind}.ndjson" for kind in found["resources"]}
    for kind, count in found["resources"].items():
        written = lines((out / f"{kind}.ndjson").read_text())
        assert [one["resourceType"] for one in written] == [kind] * count
    born = {one["birthDate"] for one in lines((out / "Patient.ndjson").read_text())}
    assert born == {"1960-02-03"}


def test_bad_inputs_are_listed_and_the_good_ones_written(cli: Invoke, tmp_path: Path) -> None:
    folder = write(tmp_path / "in" / "good.json", bundle("eva")).parent
    (folder / "broken.json").write_text('{"resourceType": ')
    (folder / "lines.ndjson").write_bytes(orjson.dumps(records("ada")[0]) + b"\nnot json\n")
    (folder / "bad.hl7").write_bytes(v2_message("4711", kind="ZZZ^Z01"))
    missing = tmp_path / "missing.json"
    result = cli("convert", missing, folder, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 1
    found = report(result.stdout)
    assert found["inputs"] == 4
    assert found["resources"]["Patient"] == 2
    by_input = {error["input"]: error for error in found["errors"]}
    assert by_input.keys() == {
        str(missing),
        *(str(folder / name) for name in ("broken.json", "lines.ndjson", "bad.hl7")),
    }
    assert by_input[str(missing)]["code"] == "file.missing"
    assert "message 2" in by_input[str(folder / "lines.ndjson")]["where"]
    assert by_input[str(folder / "bad.hl7")]["code"] == "v2.unsupported-message"
    assert len(result.stderr.splitlines()) == 4
    for error in found["errors"]:
        assert f"{error['code']}: {error['message']}" in result.stderr


def test_a_file_twice_is_one_input_and_an_earlier_result_none(cli: Invoke, tmp_path: Path) -> None:
    folder = write(tmp_path / "in" / "good.json", bundle("eva")).parent
    out = folder / "out"
    first = report(cli("convert", folder, folder / "good.json", "--out", out, "--json").stdout)
    again = report(cli("convert", folder, "--out", out, "--json").stdout)
    assert first == again
    assert first["inputs"] == 1


def test_converting_a_result_gives_the_same_bytes(cli: Invoke, tmp_path: Path) -> None:
    source = write(tmp_path / "b.json", bundle("eva"))
    cli("convert", source, "--out", tmp_path / "one")
    assert cli("convert", tmp_path / "one", "--out", tmp_path / "two").exit_code == 0
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert one


def test_other_files_of_a_folder_are_counted_and_remarked_upon(cli: Invoke, tmp_path: Path) -> None:
    folder = write(tmp_path / "in" / "good.json", bundle("eva")).parent
    (folder / "letter.pdf").write_bytes(b"%PDF-1.7")
    (folder / "feed.txt").write_bytes(v2_message("4711"))
    result = cli("convert", folder, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0
    found = report(result.stdout)
    assert found["inputs"] == 2
    assert found["account"]["skipped"] == {".pdf": 1}
    assert "1 files of other kinds are not read (1 .pdf)" in result.stderr


def test_an_empty_folder_is_an_error_with_the_next_step(cli: Invoke, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = cli("convert", empty, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 1
    assert [error["code"] for error in report(result.stdout)["errors"]] == ["folder.empty"]
    assert "names end in .json" in result.stderr


def test_an_output_that_is_a_file_is_an_error_of_use(cli: Invoke, tmp_path: Path) -> None:
    taken = write(tmp_path / "taken", bundle("eva"))
    result = cli("convert", taken, "--out", taken)
    assert result.exit_code == 2
    assert "--out" in result.stderr


def test_a_disk_that_takes_nothing_is_said(cli: Invoke, tmp_path: Path) -> None:
    (tmp_path / "out" / "Patient.ndjson").mkdir(parents=True)
    result = cli("convert", write(tmp_path / "b.json", bundle("eva")), "--out", tmp_path / "out")
    assert result.exit_code == 69
    assert f"{tmp_path / 'out'}: out.unwritable: " in result.stderr


def test_people_get_a_plain_table(cli: Invoke, tmp_path: Path) -> None:
    result = cli("convert", write(tmp_path / "b.json", bundle("eva")), "--out", tmp_path / "out")
    *told, fields, _ = [line.split() for line in result.stdout.splitlines()]
    assert told == [["resource", "type", "count"], ["Condition", "1"], ["Observation", "1"], ["Patient", "1"]]
    assert " ".join(fields) == "22 fields of the sources: 20 mapped, 0 kept, 2 dropped, 0 unaccounted"
    assert result.stdout.splitlines()[-1] == f"1 files read, 3 resources written to {tmp_path / 'out'}, 0 problems"


@pytest.mark.parametrize("folder", ["fhir-r4-synthea", "hl7v2"])
def test_public_samples(cli: Invoke, shared_data: Path, tmp_path: Path, folder: str) -> None:
    result = cli("convert", shared_data / folder, "--out", tmp_path, "--json")
    found = report(result.stdout)
    assert found["resources"]["Patient"] > 0
    assert result.exit_code == (1 if found["errors"] else 0)
    assert sum(found["resources"].values()) == sum(len(path.read_bytes().splitlines()) for path in tmp_path.iterdir())


@pytest.mark.parametrize("json", [True, False])
@pytest.mark.parametrize("broken", [True, False])
def test_a_name_that_is_no_utf8_or_controls_a_terminal_is_shown_escaped(
    cli: Invoke, tmp_path: Path, json: bool, broken: bool
) -> None:
    folder = tmp_path / "in"
    good = write(folder / "good.json", bundle("eva")).read_bytes()
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9\x1b[31m.json")).write_bytes(b"{" if broken else good)
    for given in (folder, Path(os.fsdecode(os.fsencode(folder) + b"/gone\xff.json"))):
        result = cli("convert", given, "--out", tmp_path / "out", *(["--json"] if json else []))
        assert result.exit_code == (1 if broken or given != folder else 0), result.output
        assert "\x1b" not in result.output
        result.output.encode()
    if broken:
        result = cli("convert", folder, "--out", tmp_path / "out", "--json")
        (error,) = report(result.stdout)["errors"]
        assert error["input"].endswith("caf\\udce9\\x1b[31m.json")
        assert "caf\\udce9\\x1b[31m.json" in result.stderr


def test_what_is_shown_keeps_what_people_can_read() -> None:
    assert shown("Zoë\t日本\n😀") == "Zoë\t日本\n😀"
    assert shown("a\udce9\x07\x9b") == "a\\udce9\\x07\\x9b"
