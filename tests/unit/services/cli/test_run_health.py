"""The health port of ``trialbridge run`` speaks for every stage of the process, and is open before they are ready."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.house import House, build_house
from services.cli.places import stores_below
from services.cli.run import _run
from trialbridge.runtime.health import health_app
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage.stage import Stage
from trialbridge.runtime.stores import create_keyring


def given(state: Path, **more: Any) -> dict[str, Any]:
    create_keyring(state / "keys.json", ["lakeland"])
    return stores_below(state) | {"commit_interval": 0.2, **more}


async def ask(house: House) -> httpx.Response:
    transport = httpx.ASGITransport(health_app("run", house.answers))
    async with httpx.AsyncClient(transport=transport, base_url="http://run.test") as client:
        return await client.get("/readyz")


async def test_it_is_red_until_every_stage_is_ready_and_while_one_waits(tmp_path: Path) -> None:
    async with build_house(given(tmp_path), ["matchbook", "notifier"]) as house:
        before = await ask(house)
        assert (before.status_code, before.json()["code"]) == (503, "stage.not-ready")
        async with house.running():
            async with asyncio.timeout(60):
                while (await ask(house)).status_code != 200:
                    await asyncio.sleep(0.05)
            house.stages[0].boundary.counters.waiting += 1
            waiting = await ask(house)
            assert waiting.status_code == 503
            assert "matchbook" in waiting.json()["detail"]
            assert "notifier" not in waiting.json()["detail"]


@pytest.mark.allow_hosts(["127.0.0.1"])
async def test_the_command_opens_that_door(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = asyncio.Event()
    monkeypatch.setattr(Stage, "ready", property(lambda _: ready.is_set()))
    stores = given(tmp_path, health_port=port)
    base = read_settings(BaseServiceSettings, **stores)
    running = asyncio.create_task(_run(base, ["trialfeed"], stores))
    try:
        async with asyncio.timeout(60), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await until_open(client, running)
            red = await client.get("/readyz")
            assert (red.status_code, red.json()["code"]) == (503, "stage.not-ready")
            ready.set()
            assert (await client.get("/readyz")).status_code == 200
            assert (await client.get("/metrics")).status_code == 200
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def until_open(client: httpx.AsyncClient, running: "asyncio.Task[None]") -> None:
    while True:
        assert not running.done()
        with contextlib.suppress(httpx.ConnectError):
            await client.get("/livez")
            return
        await asyncio.sleep(0.05)
