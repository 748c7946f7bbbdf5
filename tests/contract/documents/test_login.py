"""A document store that wants a login: the right one out of a file opens it, a wrong one does not."""

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from trialbridge.contracts.documents import SETTINGS, SettingDoc
from trialbridge.contracts.errors import Unavailable
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stores import open_documents
from trialbridge.testkit.seals import ClearSeal

pytestmark = pytest.mark.integration


@pytest.fixture
async def login(tmp_path: Path) -> AsyncIterator[BaseServiceSettings]:
    """Yield settings with a user of the test's own, whom MongoDB asks for the password."""
    url = os.environ.get("TRIALBRIDGE_TEST_MONGO")
    if not url:
        pytest.skip("no MongoDB here: run make test, or make testbed-up")
    name, file = f"test_{secrets.token_hex(4)}", tmp_path / "credentials"
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(url)
    password = "p@ss/w:rd %41"
    await client[name].command("createUser", "ada", pwd=password, roles=["readWrite"])
    file.write_text(f"ada\n{password}\n")
    file.chmod(0o600)
    yield read_settings(BaseServiceSettings, documents=url.replace("/?", f"/{name}?"), documents_credentials_file=file)
    await client[name].command("dropUser", "ada")
    await client.drop_database(name)
    client.close()


async def test_the_right_login_opens_the_store(login: BaseServiceSettings) -> None:
    store = open_documents(login, ClearSeal())
    await store.prepare()
    assert await store.upsert(SETTINGS, [SettingDoc(id="a", version=1, value="x")]) == 1
    await store.close()


async def test_a_wrong_password_does_not(login: BaseServiceSettings) -> None:
    assert login.documents_credentials_file is not None
    login.documents_credentials_file.write_text("ada\nwrong\n")
    store = open_documents(login, ClearSeal())
    with pytest.raises(Unavailable):
        await store.get(SETTINGS, "a")
    await store.close()
