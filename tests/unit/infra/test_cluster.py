"""The settings that ``make cluster-up`` gives to its services."""

import stat
from pathlib import Path

import pytest

from infra.testbed import cluster
from services.cli.house import SERVICES
from services.portal.settings import PortalSettings
from trialbridge.runtime.keys.ring import read_ring
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.testkit.places import NETWORK

REACH = {
    "TRIALBRIDGE_TEST_KAFKA": "127.0.0.1:29092",
    "TRIALBRIDGE_TEST_MONGO": "mongodb://127.0.0.1:27117/?replicaSet=rs0",
    "TRIALBRIDGE_TEST_S3": "http://127.0.0.1:27070",
    "TRIALBRIDGE_TEST_S3_ACCESS": "access",
    "TRIALBRIDGE_TEST_S3_SECRET": "wJalrXUtnFEMI",
}


def test_every_service_takes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cluster.environment(REACH, tmp_path).items():
        monkeypatch.setenv(name, value)
    kinds: list[type[BaseServiceSettings]] = [PortalSettings, *(service.settings for service in SERVICES.values())]
    for kind in kinds:
        settings = read_settings(kind)
        assert settings.broker == "trialbridge-kafka://127.0.0.1:29092"
        assert settings.documents == "mongodb://127.0.0.1:27117/trialbridge?replicaSet=rs0"
        assert not settings.embedded
    assert NETWORK in read_ring(settings.keyring).scopes


def test_secrets_are_in_files_of_their_owner(tmp_path: Path) -> None:
    given = cluster.environment(REACH, tmp_path)
    assert "wJalrXUtnFEMI" not in " ".join(given.values())
    for name in ("credentials", "keys.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_the_key_ring_outlives_a_restart(tmp_path: Path) -> None:
    cluster.environment(REACH, tmp_path)
    before = (tmp_path / "keys.json").read_bytes()
    cluster.environment(REACH, tmp_path)
    assert (tmp_path / "keys.json").read_bytes() == before


def test_readers_start_before_writers() -> None:
    assert set(cluster.ALL) == {*SERVICES, "portal"}
    assert cluster.ALL.index("notifier") < cluster.ALL.index("matchbook") < cluster.ALL.index("coatcheck")
