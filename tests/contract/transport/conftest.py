"""Both event logs behind one fixture; the suite runs over each."""

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trialbridge.runtime.documents.sqlite import SqliteDocuments
from trialbridge.runtime.serve import prepare_log
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage.stage import Ports, Stage
from trialbridge.testkit.seals import ClearSeal

Start = Callable[[Stage], Awaitable[Stage]]


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.integration)])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an event log."""
    if request.param == "embedded":
        return f"trialbridge-embedded://{tmp_path / 'log.db'}"
    kafka = os.environ.get("TRIALBRIDGE_TEST_KAFKA")
    if not kafka:
        pytest.skip("no Kafka here: run make test, or make testbed-up")
    return f"trialbridge-kafka://{kafka}"


@pytest.fixture
def settings(broker: str) -> BaseServiceSettings:
    """Return settings whose topics and groups no other test has used."""
    name = f"test-{secrets.token_hex(4)}"
    return read_settings(
        BaseServiceSettings, broker=broker, group_prefix=name, topic_prefix=f"{name}.", commit_interval=0.2
    )


@pytest.fixture
async def ports(tmp_path: Path) -> AsyncIterator[Ports]:
    """Return stores of the test's own."""
    documents = SqliteDocuments(tmp_path / "documents.db", ClearSeal())
    await documents.prepare()
    yield Ports(documents, ClearSeal(), lambda: datetime.now(UTC))
    await documents.close()


@pytest.fixture
async def start(settings: BaseServiceSettings) -> AsyncIterator[Start]:
    """Return a function that makes the topics and starts a stage; all are stopped at the end."""
    running: list[Stage] = []

    async def started(stage: Stage) -> Stage:
        await prepare_log(settings, [stage])
        await stage.start()
        running.append(stage)
        return stage

    yield started
    for stage in running:
        await stage.stop()
