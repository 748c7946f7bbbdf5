"""The demo, embedded, through its command: what it prints, that it goes on where it stopped, and that order does not matter."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import demo, trialbridge
from trialbridge.runtime.embedded.owner import open_files
from trialbridge.runtime.stores import create_keyring

KEYS = {
    "patients",
    "views",
    "proposed",
    "approved",
    "potentially",
    "withdrawn",
    "notified",
    "local_codes",
    "dead_letters",
    "seconds",
    "hash",
}
PATIENTS = ("--patients", "60")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return the state folder and the result of one run."""
    state = tmp_path_factory.mktemp("demo")
    return state, demo(state, *PATIENTS)


def test_it_prints_one_object_with_everything(run: tuple[Path, dict[str, Any]]) -> None:
    _, result = run
    assert result.keys() >= KEYS
    assert result["patients"] == result["views"] == 60
    assert result["approved"] > 0
    assert result["potentially"] > 0
    assert result["withdrawn"] > 0
    assert result["notified"] > 0
    assert result["dead_letters"] == {"envelope.tag-mismatch": 1, "fhir.not-fhir": 1, "v2.no-identifier": 1}
    assert set(result["seconds"]) >= {"coatcheck", "patientview", "matcher", "matchbook", "notifier"}


def told(state: Path, *asked: str) -> list[dict[str, Any]]:
    """Return what a command says with ``--json`` of a state."""
    done = trialbridge(*asked, "--state", state, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_feeds_own_codes_wait_for_a_person_and_one_is_explained(run: tuple[Path, dict[str, Any]]) -> None:
    state, result = run
    assert result["local_codes"] == {"open": 5, "accepted": 1}
    mine = told(state, "codes", "list", "--tenant", "hill-practice")
    assert {one["code"] for one in mine} == {"HB", "PLT", "NEUT", "STAD", "LUAD-H"}
    blocked = [int(one["blocked"]) for one in mine]
    assert blocked == sorted(blocked, reverse=True)
    assert all(one["suggestion"]["score"] > 70 for one in mine)
    assert min(blocked) > 0
    rare = [one for one in told(state, "codes", "list") if one["withheld"]]
    assert [one["code"] for one in rare] == [""]
    [step] = told(state, "codes", "history", "--source", "hill-practice/adt-oru")
    assert (step["actor"], step["action"], step["version"]) == ("coordinator@hill-practice", "accept", 1)


def test_some_messages_came_alone_through_the_real_time_door(run: tuple[Path, dict[str, Any]]) -> None:
    state, _ = run
    tickets = [one for one in told(state, "ticket", "list") if "/objects/gateway/" in one["object"]]
    assert len(tickets) > 1
    assert {(one["source"], one["status"], one["patients"]) for one in tickets} == {
        ("hill-practice/adt-oru", "redeemed", 1)
    }


def test_it_goes_on_where_it_stopped_and_ends_the_same(run: tuple[Path, dict[str, Any]]) -> None:
    state, result = run
    again = demo(state, *PATIENTS)
    assert {name: again[name] for name in KEYS - {"seconds"}} == {name: result[name] for name in KEYS - {"seconds"}}


def test_another_run_is_not_mixed_into_a_state(run: tuple[Path, dict[str, Any]]) -> None:
    state, _ = run
    refused = trialbridge("demo", "--once", "--json", "--state", state, "--patients", "61")
    assert refused.returncode == 78
    assert "demo.state-differs" in refused.stderr


def test_tickets_three_times_in_another_order_give_the_same_hash(
    run: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    _, result = run
    other = demo(tmp_path / "state", *PATIENTS, "--repeat", "3", "--shuffle", "11")
    assert other["hash"] == result["hash"]
    names = ("patients", "views", "approved", "potentially", "withdrawn", "notified", "local_codes", "dead_letters")
    assert {name: other[name] for name in names} == {name: result[name] for name in names}


def test_another_seed_gives_another_hash(run: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    _, result = run
    assert demo(tmp_path / "state", *PATIENTS, "--seed", "8")["hash"] != result["hash"]


def test_it_runs_on_the_users_own_folder(shared_data: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for folder in ("fhir-r4-synthea", "hl7v2"):
        (data / folder).symlink_to(shared_data / folder)
    for source in ("fhir-r4-synthea", "hl7v2"):
        result = demo(tmp_path / f"state-{source}", "--data", str(shared_data / source))
        assert result["patients"] > 0
        assert result["proposed"] > 0, source


def test_a_second_process_on_the_same_state_is_refused_with_what_to_do(tmp_path: Path) -> None:
    state = tmp_path / "state"
    create_keyring(state / "keys.json", ["lakeland"])
    owner = open_files(state / "log.db")
    refused = trialbridge("demo", "--once", "--json", "--state", state, *PATIENTS)
    owner.close()
    assert refused.returncode == 78
    assert "log.in-use" in refused.stderr
