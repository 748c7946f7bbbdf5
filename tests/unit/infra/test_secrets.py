"""The files that compose mounts: made once, strong, and taken by the services."""

import re
import stat
from pathlib import Path

import pytest

from infra import secrets
from services.coatcheck.senders import read_senders
from services.portal.users import load_users
from trialbridge.access.passwords import verify_password
from trialbridge.runtime.keys.ring import read_ring
from trialbridge.runtime.settings import read_pair, read_secret


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with new secrets; giving files away is for root alone."""
    monkeypatch.setattr("os.chown", lambda *_: None)
    made = tmp_path / "secrets"
    assert set(secrets.make(made, ["net", "clinic"])) == {
        "keyring.json", "document_credentials", "document_server_key", "object_credentials", "users.json",
        "operator_password", "api_keys", "clients.json",
    }  # fmt: skip
    return made


def test_the_services_take_them(folder: Path) -> None:
    assert {"net", "clinic"} <= set(read_ring(folder / "keyring.json").scopes)
    access, secret = read_secret(folder / "object_credentials", "").split()
    assert access == "trialbridge"
    assert len(secret) >= 40
    user, password = read_pair(folder / "document_credentials", "", "", "")
    assert user == "trialbridge"
    assert len(password) >= 40
    # What mongod takes: https://www.mongodb.com/docs/manual/core/security-internal-authentication/#keyfiles
    assert re.fullmatch(r"[A-Za-z0-9+/]{6,1024}", (folder / "document_server_key").read_text().strip())
    assert read_senders(folder / "api_keys").of("") is None
    (person,) = load_users(folder / "users.json").values()
    assert verify_password((folder / "operator_password").read_text().strip(), person.hash)


def test_the_folder_and_the_key_ring_are_their_owners_alone(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "keyring.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "operator_password").stat().st_mode) == 0o600


def test_nothing_is_ever_replaced_and_keys_are_added(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    keys = read_ring(folder / "keyring.json").scopes["net"]
    assert secrets.make(folder, ["net", "second-clinic"]) == []
    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"keyring.json"}
    assert read_ring(folder / "keyring.json").scopes["net"] == keys
    assert "second-clinic" in read_ring(folder / "keyring.json").scopes


def test_two_installations_share_nothing(folder: Path, tmp_path: Path) -> None:
    secrets.make(tmp_path / "other", ["net"])
    for name in (
        "keyring.json",
        "document_credentials",
        "document_server_key",
        "object_credentials",
        "users.json",
        "operator_password",
    ):
        assert (tmp_path / "other" / name).read_bytes() != (folder / name).read_bytes()
