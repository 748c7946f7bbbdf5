"""``trialbridge doctor`` and ``run``: wrong settings are named with how to mend them, before any data is touched."""

import asyncio
from pathlib import Path

import orjson
import pytest

from services.cli.examine import _store
from services.cli.places import stores_below
from tests.unit.services.cli.conftest import Invoke
from trialbridge.contracts.errors import Unavailable
from trialbridge.runtime.stores import create_keyring

Environment = pytest.MonkeyPatch


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Invoke) -> Path:
    """Return a folder that the settings name for all stores; only the key ring is made."""
    state = tmp_path / "state"
    create_keyring(state / "keys.json", ["north"])
    for name, value in stores_below(state).items():
        monkeypatch.setenv(f"TRIALBRIDGE_{name.upper()}", str(value))
    return state


def made(folder: Path) -> set[str]:
    """Return the names of what lies in a folder."""
    return {path.name for path in folder.iterdir()}


def test_good_settings_pass_before_the_first_start_and_nothing_is_made(cli: Invoke, settings: Path) -> None:
    result = cli("doctor")
    assert result.exit_code == 0, result.output
    told = result.stdout.splitlines()
    assert [line.split(": ")[0] for line in told] == [
        "ok    trialbridge",
        "ok    settings",
        "ok    key ring",
        "ok    document store",
        "ok    object store",
        "ok    event log",
    ]
    assert result.stdout.count("not made yet") == 3
    assert made(settings) == {"keys.json"}


def test_json_has_the_same_findings(cli: Invoke, settings: Path) -> None:
    found = orjson.loads(cli("doctor", "--json").stdout)
    assert found.keys() == {"version", "findings"}
    assert {one["state"] for one in found["findings"]} == {"ok"}
    assert all(one.keys() == {"what", "state", "message", "code"} for one in found["findings"])


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("BROKER", "kafka://x", "must start with one of trialbridge-embedded://, trialbridge-kafka://"),
        ("DOCUMENTS", "postgres://x", "must start with one of sqlite://, mongodb://"),
        ("OBJECTS", "ftp://x", "must start with one of file://, s3://"),
        ("PARTITIONS", "0", "greater than or equal to 1"),
        ("COMMIT_INTERVAL", "soon", "a valid number"),
        ("TOPIC_PREFIX", "a b", "pattern"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("MAX_ENTRIES", "0", "Most files in a bundle"),
        ("ZONE", "Mars/Olympus", "IANA time zone"),
        ("PORTAL_PORT", "99999", "Port that the portal listens on"),
        ("SOURCE_RANKS", "north first", "it takes JSON"),
        ("TRIAL_FOLDERS", "/trials", "it takes JSON"),
        ("DEMO_SIGN_INS", '[{"actor": 1}]', "One-click sign-ins"),
        ("KEYRNG", "x", "there is no such setting; did you mean TRIALBRIDGE_KEYRING?"),
    ],
)
def test_each_wrong_setting_is_named_with_how_to_mend_it(
    cli: Invoke, settings: Path, monkeypatch: Environment, name: str, value: str, mend: str
) -> None:
    monkeypatch.setenv(f"TRIALBRIDGE_{name}", value)
    result = cli("doctor")
    assert result.exit_code == 78
    wrong = [line for line in result.stdout.splitlines() if line.startswith("wrong")]
    assert wrong
    for line in wrong:
        assert line.startswith(f"wrong settings: TRIALBRIDGE_{name}: ")
        assert mend in line
    refused = cli("run")
    assert refused.exit_code == 78
    assert f"trialbridge: settings.invalid: TRIALBRIDGE_{name}: " in refused.stderr
    assert mend in refused.stderr
    assert made(settings) == {"keys.json"}


def test_names_that_are_like_no_setting_are_somebody_elses(
    cli: Invoke, settings: Path, monkeypatch: Environment
) -> None:
    for name in ("TEST_KAFKA", "TESTBED_CACHE", "UID", "GID", "SECRETS", "SCREENSHOTS"):
        monkeypatch.setenv(f"TRIALBRIDGE_{name}", "1")
    assert cli("doctor").exit_code == 0


def test_all_wrong_settings_are_named_at_once(cli: Invoke, settings: Path, monkeypatch: Environment) -> None:
    monkeypatch.setenv("TRIALBRIDGE_PARTITIONS", "many")
    monkeypatch.setenv("TRIALBRIDGE_ZONE", "Mars")
    told = cli("doctor").stdout
    assert "TRIALBRIDGE_PARTITIONS" in told
    assert "TRIALBRIDGE_ZONE" in told
    assert made(settings) == {"keys.json"}


def test_a_missing_key_ring_is_one_finding_with_its_way_out(
    cli: Invoke, settings: Path, monkeypatch: Environment, tmp_path: Path
) -> None:
    ring = tmp_path / "other" / "keys.json"
    monkeypatch.setenv("TRIALBRIDGE_KEYRING", str(ring))
    result = cli("doctor")
    assert result.exit_code == 78
    assert f"wrong key ring: The key ring {ring} cannot be read" in result.stdout
    assert "trialbridge keys make" in result.stdout
    assert "wrong document store: Not tried" in result.stdout
    for command in (("run",), ("ticket", "list"), ("dead-letters", "list")):
        refused = cli(*command)
        assert refused.exit_code == 78
        assert "keyring.missing" in refused.stderr
    assert cli("keys", "make", "north").exit_code == 0
    assert cli("doctor").exit_code == 0


def test_a_key_ring_that_others_may_read_is_wrong(cli: Invoke, settings: Path) -> None:
    (settings / "keys.json").chmod(0o644)
    result = cli("doctor")
    assert result.exit_code == 78
    assert "chmod 600" in result.stdout


def test_stores_that_cannot_be_are_wrong(cli: Invoke, settings: Path, monkeypatch: Environment, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database, no log, and far longer than a header of one hundred bytes" * 9)
    monkeypatch.setenv("TRIALBRIDGE_DOCUMENTS", f"sqlite://{tmp_path / 'file'}")
    monkeypatch.setenv("TRIALBRIDGE_OBJECTS", f"file://{tmp_path / 'file' / 'objects'}")
    monkeypatch.setenv("TRIALBRIDGE_BROKER", f"trialbridge-embedded://{tmp_path / 'file'}")
    result = cli("doctor")
    assert result.exit_code == 78
    wrong = [line for line in result.stdout.splitlines() if line.startswith("wrong")]
    assert [line.split(": ")[0] for line in wrong] == [
        f"wrong {what}" for what in ("document store", "object store", "event log")
    ]
    for line, name in zip(wrong, ("DOCUMENTS", "OBJECTS", "BROKER"), strict=True):
        assert f"TRIALBRIDGE_{name}" in line


def test_s3_without_a_bucket_is_wrong(cli: Invoke, settings: Path, monkeypatch: Environment) -> None:
    monkeypatch.setenv("TRIALBRIDGE_OBJECTS", "s3://?endpoint=http://127.0.0.1:1")
    result = cli("doctor")
    assert result.exit_code == 78
    assert "TRIALBRIDGE_OBJECTS must be s3://BUCKET" in result.stdout


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_what_does_not_answer_is_away_and_no_password_is_shown(
    cli: Invoke, settings: Path, monkeypatch: Environment, tmp_path: Path
) -> None:
    secret = tmp_path / "credentials"
    secret.write_text("access\nvery-secret\n")
    secret.chmod(0o600)
    monkeypatch.setenv("TRIALBRIDGE_OBJECTS", "s3://b?endpoint=http://127.0.0.1:1")
    monkeypatch.setenv("TRIALBRIDGE_OBJECT_CREDENTIALS_FILE", str(secret))
    monkeypatch.setenv("TRIALBRIDGE_BROKER", "trialbridge-kafka://127.0.0.1:1")
    result = cli("doctor")
    assert result.exit_code == 69
    away = [line for line in result.stdout.splitlines() if line.startswith("away")]
    assert [line.split(": ")[0] for line in away] == ["away  object store", "away  event log"]
    assert "is TRIALBRIDGE_BROKER right?" in away[1]
    assert "very-secret" not in result.output
    assert result.stderr == ""


def test_a_password_in_an_address_is_not_shown() -> None:
    async def attempt() -> None:
        raise Unavailable("documents.unavailable", "It failed.")

    found = asyncio.run(_store("document store", "mongodb://user:very-secret@db.example/records", attempt))
    assert found.state == "away"
    assert found.message.startswith("db.example/records: It failed. Does it run, and is TRIALBRIDGE_DOCUMENTS right?")


def test_a_folder_without_state_is_said(cli: Invoke, tmp_path: Path) -> None:
    for command in ("doctor", "run"):
        result = cli(command, "--state", tmp_path)
        assert result.exit_code == 1
        assert "state.missing" in result.stderr
    assert made(tmp_path) == set()


def test_keys_are_made_added_rotated_and_listed_but_never_shown(cli: Invoke, settings: Path) -> None:
    taken = cli("keys", "make", "x")
    assert taken.exit_code == 78
    assert "keyring.exists" in taken.stderr
    assert cli("keys", "add", "hill").exit_code == 0
    assert cli("keys", "rotate", "north").exit_code == 0
    found = {one["scope"]: one for one in map(orjson.loads, cli("keys", "list", "--json").stdout.splitlines())}
    assert {scope: (one["current"], one["keys"]) for scope, one in found.items()} == {
        "default": ("default/1", 1),
        "hill": ("hill/1", 1),
        "north": ("north/2", 2),
    }
    assert all(one.keys() == {"scope", "current", "keys", "recipients"} for one in found.values())
