"""The portal as a process of its own: its pages on one port, health and metrics on another."""

import asyncio
import contextlib
from pathlib import Path

import httpx
import pytest

from services.portal.__main__ import main
from services.portal.settings import PortalSettings
from trialbridge.runtime.settings import read_settings
from trialbridge.runtime.stores import create_keyring


@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_its_health_port_tells_metrics_and_readiness(tmp_path: Path, port: int) -> None:
    create_keyring(tmp_path / "keys.json", ["lakeland"])
    settings = read_settings(
        PortalSettings, documents=f"sqlite://{tmp_path}/documents.db", objects=f"file://{tmp_path}/objects",
        keyring=tmp_path / "keys.json", portal_port=0, health_port=port,
    )  # fmt: skip
    portal = asyncio.create_task(main(settings))
    try:
        async with asyncio.timeout(60), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            while not await is_ready(client):
                assert not portal.done()
                await asyncio.sleep(0.05)
            assert "trialbridge_web_requests_total" in (await client.get("/metrics")).text
            assert (await client.get("/version")).json()["service"] == "portal"
    finally:
        portal.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await portal


async def is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.ConnectError:
        return False
