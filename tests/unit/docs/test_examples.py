"""The examples in the documents run, and say what the documents say that they do."""

import asyncio
import base64
import hashlib
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from typer.testing import CliRunner

from services.cli.app import app
from services.portal.routes import api, api_asks, api_operator, api_session
from services.portal.users import load_users
from services.trialfeed.files import read_statements
from tests.unit.docs.reading import ROOT, examples, text_of
from trialbridge.access.passwords import hash_password
from trialbridge.contracts.ids import TenantId
from trialbridge.criteria.compiler import compile_text
from trialbridge.criteria.facts import PatientFacts
from trialbridge.emr.files import read_patients
from trialbridge.runtime.keys.keyring import create_keyring, read_keyring
from trialbridge.runtime.objects.folder import FolderObjects
from trialbridge.vault.envelope import encrypt_object, open_object
from trialbridge.vault.webhooks import sign


def _run(block: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return what a console example says and what its command said, run in ``folder``."""
    monkeypatch.chdir(folder)
    command, _, said = block.partition("\n")
    result = CliRunner().invoke(app, command.removeprefix("$ trialbridge ").split())
    return said, result.stdout


def test_the_laboratories_patient_is_one(tmp_path: Path) -> None:
    file = tmp_path / "patient.json"
    file.write_text(examples("docs/labs.md")["patient.json"])
    (found,) = read_patients(file)
    assert isinstance(found, PatientFacts)
    assert [type(fact).__name__ for fact in found.facts] == [
        "Demographics", "Diagnosis", "Coverage", "Variant", "Therapy", "TherapyHistory",
    ]  # fmt: skip


def test_the_readme_matches_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = examples("README.md")
    for name in ("patient.ndjson", "trial.yaml"):
        (tmp_path / name).write_text(blocks[name])
    said, printed = _run(blocks["match"], tmp_path, monkeypatch)
    assert printed == said


@pytest.mark.parametrize("name", ["trial.yaml", "ctml.yaml"])
def test_a_laboratorys_example_is_accepted(name: str) -> None:
    compiled = compile_text(examples("docs/labs.md")[name], name)
    assert compiled.ok
    assert {one.severity for one in compiled.diagnostics} <= {"note"}


def test_a_linted_trial_is_refused_as_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = "id: MY-LUNG-02\ntitle: A trial with faults\ncriteria:\n  all:\n    - age: {minn: 18}\n"
    (tmp_path / "bad.yaml").write_text(
        f"{faulty}    - diagnosis: {{oncotree: [LUNG]}}\n    - varient: {{gene: EGFR}}\n"
    )
    said, printed = _run(examples("docs/labs.md")["lint"], tmp_path, monkeypatch)
    assert printed == said


def test_a_receiver_knows_a_genuine_webhook() -> None:
    space: dict[str, Any] = {}
    exec(examples("docs/integrators.md")["webhook.py"], space)  # noqa: S102 - our own example
    secret, body, now = os.urandom(32), b'{"type":"match.approved"}', int(time.time())
    signature = f"v1,AAAA {sign(secret, 'whk_1', now, body)}"
    headers = {"webhook-id": "whk_1", "webhook-timestamp": str(now), "webhook-signature": signature}
    text = f"whsec_{base64.b64encode(secret).decode()}"
    assert space["genuine"](text, headers, body)
    assert not space["genuine"](text, headers, body + b" ")
    assert not space["genuine"](text, headers, body, now=now + 301)


def test_a_sender_writes_a_bundle_that_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_keyring(tmp_path / "keys.json", ["my-practice"])
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    exec(examples("docs/integrators.md")["bundle.py"], space)  # noqa: S102 - our own example
    opened = open_object(space["sealed"], space["metadata"], space["keys"], tenant=TenantId("my-practice"))
    assert asyncio.run(opened) == b"..."


def test_an_auditor_opens_a_bundle_with_the_key_ring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    create_keyring(tmp_path / "keys.json", ["my-practice"])
    keys = read_keyring(tmp_path / "keys.json")
    sealed, metadata = asyncio.run(encrypt_object(b"records", keys, tenant=TenantId("my-practice")))
    stored = asyncio.run(FolderObjects(tmp_path / "objects").put("my-practice/one.ndjson", sealed, metadata))
    place = tmp_path / "objects/my-practice/one.ndjson.object"
    assert hashlib.sha256((place / "body").read_bytes()).hexdigest() == stored.version
    monkeypatch.setattr(sys, "argv", ["open.py", str(tmp_path / "keys.json"), "my-practice", str(place)])
    exec(examples("docs/auditors.md")["open.py"], {})  # noqa: S102 - our own example
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == b"records"


def test_the_list_of_users_is_one_that_the_portal_takes(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    users.write_text(
        examples("docs/operators.md")["users.json"].replace("scrypt$32768$8$1$…$…", hash_password("x", os.urandom(16)))
    )
    users.chmod(0o600)
    assert list(load_users(users)) == [("my-practice", "practice", "ada")]


def test_the_authoritys_statements_are_ones_that_the_trial_feed_takes(tmp_path: Path) -> None:
    statements = tmp_path / "regulatory.yaml"
    statements.write_text(examples("docs/operators.md")["regulatory.yaml"])
    assert [(one.trial, one.hold) for one in read_statements(statements)] == [
        ("MY-LUNG-01", False),
        ("MY-TMB-02", True),
    ]


def test_every_address_of_the_api_is_named_and_exists() -> None:
    page = text_of(Path("docs/integrators.md")).partition("## The portal's JSON API")[2].partition("## Topics")[0]
    named = set(re.findall(r"`(?:[A-Z]+ )(/[a-z/{}-]+)`", page))
    routes = (*api.router.routes, *api_asks.router.routes, *api_operator.router.routes, *api_session.router.routes)
    paths = {
        route.path.removeprefix("/api/v1").replace("identity", "id") for route in routes if isinstance(route, APIRoute)
    }
    assert named == paths


def test_every_decision_is_in_the_index() -> None:
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", text_of(Path("docs/adr/README.md")))
    assert listed == sorted(path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md"))
