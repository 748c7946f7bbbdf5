"""``trialbridge feasibility`` and the ways in which ``match`` shows what it found."""

from pathlib import Path

from tests.unit.services.cli.conftest import Invoke, bundle, facts, lines, write

AS_OF = ("--as-of", "2026-06-01")
FUNNEL = {"trial", "arm", "dose", "patients", "eligible", "open", "closed", "steps"}
STEP = {"path", "kind", "met", "unknown", "not_met", "left", "only"}


def crowd(tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    folder.mkdir()
    for name, born in (("a", "1960-02-03"), ("b", "1950-01-01"), ("c", "2020-01-01")):
        write(folder / f"{name}.json", bundle(name, born=born))
    return folder


def test_the_funnel_of_each_arm_and_dose_level_as_json(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    result = cli("feasibility", trials, crowd(tmp_path), *AS_OF, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = {(one["trial"], one["arm"], one["dose"]): one for one in lines(result.stdout)}
    assert set(found) == {
        ("T-ARMS", "A", "1"), ("T-ARMS", "A", "2"), ("T-ARMS", "B", None), ("T-CTML", "C1", None), ("T-PLAIN", None, None)
    }  # fmt: skip
    for one in found.values():
        assert one.keys() == FUNNEL
        assert one["patients"] == 3
        assert all(step.keys() == STEP for step in one["steps"])
    (age,) = found["T-PLAIN", None, None]["steps"]
    assert (age["met"], age["not_met"], age["left"], age["only"]) == (2, 1, 2, 1)


def test_the_funnel_in_plain_words_names_what_costs_most(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    told = cli("feasibility", trials / "plain.json", crowd(tmp_path), *AS_OF).stdout
    assert "T-PLAIN: 3 patients, 2 eligible, 0 with something unknown." in told
    assert "Without criteria.age, 1 more would be left" in told


def test_a_bad_file_is_named_and_the_others_count(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    people = crowd(tmp_path)
    (people / "broken.json").write_text("{")
    result = cli("feasibility", trials / "plain.json", people, *AS_OF, "--json")
    assert result.exit_code == 1
    assert "broken.json" in result.stderr
    assert [one["patients"] for one in lines(result.stdout)] == [3]


def test_a_closed_world_takes_the_unknown_as_not_so(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    patient = write(tmp_path / "p.json", facts("kim", born="1970-01-01"))

    def outcomes(*more: str) -> dict[tuple[str, str | None], str]:
        found = lines(cli("match", patient, trials, *AS_OF, *more, "--json").stdout)
        return {(one["trial"], one["arm"]): one["outcome"] for one in found}

    assert "potentially" in outcomes().values()
    assert outcomes("--mode", "open") == outcomes()
    assert set(outcomes("--mode", "closed").values()) <= {"eligible", "not_eligible"}


def test_each_criterion_is_shown_where_asked(cli: Invoke, tmp_path: Path, trials: Path) -> None:
    patient = write(tmp_path / "p.json", bundle("eva"))
    brief = cli("match", patient, trials / "plain.json", *AS_OF).stdout
    whole = cli("match", patient, trials / "plain.json", *AS_OF, "--explain").stdout
    assert "criteria.age: " not in brief
    assert "criteria.age: The age is within the bounds" in whole
