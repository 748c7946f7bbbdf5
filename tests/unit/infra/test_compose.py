"""docker-compose.yml and the Dockerfile know every service, only real settings, only loopback, and secrets from files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import compose as command
from infra.generate.services import services, settings_of
from infra.generate.settings import SECRETS, env_name
from infra.groups import ROOT, list_of
from trialbridge.runtime.settings import BaseServiceSettings, read_settings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "infra" / "Dockerfile").read_text()
OURS = {name: one for name, one in COMPOSE["services"].items() if one["image"].startswith("trialbridge/")}
JOBS = {"demo", "bucket"}
"""Run once and end; they have the command line's image."""
SERVERS = set(COMPOSE["services"]) - set(OURS)
WRITES_ITS_ROOT = {"kafka"}
"""Its image writes its configuration at start."""


def stages() -> dict[str, str]:
    """Return the text of each stage of the Dockerfile, by name."""
    parts = re.split(r"^FROM \S+ AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def above(stage: str) -> Iterator[str]:
    """Yield the text of a stage and of those that it is built upon."""
    while stage in stages():
        yield stages()[stage]
        found = re.search(rf"^FROM (\S+) AS {stage}$", DOCKERFILE, flags=re.MULTILINE)
        assert found
        stage = found[1]


def fields_of(service: str) -> set[str]:
    kind = BaseServiceSettings if service in JOBS else settings_of(service)
    return {env_name(field) for field in kind.model_fields}


def ours(environment: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in environment.items() if name.startswith("TRIALBRIDGE_")}


def test_every_service_of_the_tree_has_a_compose_service_and_a_target() -> None:
    assert set(OURS) - JOBS == set(services(ROOT))
    for service in services(ROOT):
        build = OURS[service]["build"]
        assert (build["target"], build["dockerfile"]) == (service, "infra/Dockerfile")
        assert OURS[service]["image"] == f"trialbridge/{service}"
        assert f'CMD ["python", "-m", "services.{service}"]' in stages()[service]
        assert f"/code/all/services/{service} " in stages()[service]
        assert f"--from=packages-{list_of(ROOT, service)} " in stages()[service]
        assert f"requirements/{list_of(ROOT, service)}.txt" in stages()[f"packages-{list_of(ROOT, service)}"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_environment_name_is_a_setting_of_that_service(name: str) -> None:
    given = ours(OURS[name]["environment"])
    assert given
    assert given.keys() <= fields_of(name)


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_values_are_taken_by_the_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in ours(OURS[name]["environment"]).items():
        monkeypatch.setenv(variable, re.sub(r"\$\{\w+:-(.*?)\}", r"\1", str(value)))
    kind = BaseServiceSettings if name in JOBS else settings_of(name)
    assert read_settings(kind).broker == "trialbridge-kafka://kafka:9092"


def test_every_name_in_the_dockerfile_is_a_setting() -> None:
    known = {env_name(field) for service in services(ROOT) for field in settings_of(service).model_fields}
    assert set(re.findall(r"TRIALBRIDGE_\w+", DOCKERFILE)) <= known


def test_every_published_port_is_on_loopback() -> None:
    published = [port for one in COMPOSE["services"].values() for port in one.get("ports", ())]
    assert published
    for port in published:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_the_servers_are_reached_from_inside_only() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in SERVERS:
        assert COMPOSE["services"][name]["networks"] == ["inside"]
        assert "ports" not in COMPOSE["services"][name]


def test_every_secret_is_a_file_outside_of_the_project_s_history() -> None:
    ignored = (ROOT / ".gitignore").read_text().split()
    for secret in COMPOSE["secrets"].values():
        assert list(secret) == ["file"]
        assert secret["file"].startswith("${TRIALBRIDGE_SECRETS:-.trialbridge/secrets}/")
    assert ".trialbridge/" in ignored


@pytest.mark.parametrize("name", sorted(OURS))
def test_settings_that_name_secrets_name_mounted_ones(name: str) -> None:
    for field in SECRETS:
        value = OURS[name]["environment"].get(env_name(field))
        if value is not None and not (name == "bucket" and field == "keyring"):
            assert value.removeprefix("/run/secrets/") in OURS[name]["secrets"]


def test_the_document_store_wants_a_login_and_every_service_has_it_from_a_file() -> None:
    mongo = COMPOSE["services"]["mongo"]
    assert {"document_credentials", "document_server_key"} <= set(mongo["secrets"])
    [script] = mongo["command"]
    assert "--keyFile" in script
    for name in set(OURS):
        environment = OURS[name]["environment"]
        assert environment["TRIALBRIDGE_DOCUMENTS_CREDENTIALS_FILE"] == "/run/secrets/document_credentials"
        assert "authSource=admin" in environment["TRIALBRIDGE_DOCUMENTS"]


def test_no_secret_stands_in_an_environment() -> None:
    for one in COMPOSE["services"].values():
        for variable, value in one.get("environment", {}).items():
            assert not re.search(r"PASSWORD|SECRET|TOKEN|_KEY$", variable)
            assert "@" not in str(value).replace("1@kafka", "")


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_everything_is_hardened_and_watched(name: str) -> None:
    one = COMPOSE["services"][name]
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["read_only"] is (name not in WRITES_ITS_ROOT)
    if name in SERVERS:
        assert one["healthcheck"]["test"]
    elif name not in JOBS:
        assert any("HEALTHCHECK" in text and "/readyz" in text for text in above(name))


def test_services_wait_for_healthy_stores_and_for_the_bucket() -> None:
    for name in set(OURS) - JOBS:
        waits = {other: how["condition"] for other, how in OURS[name]["depends_on"].items()}
        assert waits == dict.fromkeys(SERVERS, "service_healthy") | {"bucket": "service_completed_successfully"}
    assert set(OURS["demo"]["depends_on"]) == set(OURS) - JOBS
    assert OURS["demo"]["profiles"] == ["demo"]


def test_servers_keep_their_data_in_named_volumes() -> None:
    for name in SERVERS:
        assert {volume.partition(":")[0] for volume in COMPOSE["services"][name]["volumes"]} <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("target", [*services(ROOT), "cli"])
def test_final_images_run_without_rights_and_hold_no_build_tools(target: str) -> None:
    texts = list(above(target))
    assert any("USER 10001:10001" in text for text in texts)
    assert not any(tool in text for text in texts for tool in ("pip install", "/tools/", "apt-get", "COPY . "))


def test_packages_come_as_wheels_by_hash() -> None:
    installs = [line for line in DOCKERFILE.replace("\\\n", "").split("\n") if " install " in line]
    assert len(installs) >= 6
    for line in installs:
        assert "--require-hashes" in line
        assert "--only-binary :all:" in line


def test_where_the_tool_is_absent_the_check_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert command.main() == 0
    assert "docker compose is not here" in capsys.readouterr().out


def test_what_the_tool_refuses_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tool = tmp_path / "docker"
    tool.write_text('#!/bin/sh\n[ "$2" = version ] && exit 0\necho "services.portal.ports is invalid" >&2\nexit 15\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert command.main() == 1
    assert "ports is invalid" in capsys.readouterr().err
