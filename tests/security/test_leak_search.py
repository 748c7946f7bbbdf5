"""The search for leaks finds what is planted, wherever it looks: a search that finds nothing proves nothing by itself."""

import base64
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.security import leaks as look
from tests.security.housing import settings
from tests.security.leaks import leaks
from tests.security.planting import Seen, ask_everywhere, captured, client_of
from trialbridge.contracts import documents as d
from trialbridge.runtime.embedded.storage import Record, Storage
from trialbridge.runtime.health import health_app
from trialbridge.runtime.serve import open_ports
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.stage import wire
from trialbridge.runtime.telemetry import logs, metrics
from trialbridge.runtime.web import Problem, create_base, declare
from trialbridge.testkit.badinputs.planted import BIRTH
from trialbridge.testkit.canaries import TEXTS

SHOWN = [TEXTS[0], TEXTS[13].upper(), TEXTS[17].encode().hex(), quote(TEXTS[17]), BIRTH,
         base64.b64encode(f"ab{TEXTS[9]}cd".encode()).decode()]  # fmt: skip


def house_of(state: Path) -> dict[str, Any]:
    return {name: value for name, value in settings(state).items() if name in BaseServiceSettings.model_fields}


@pytest.mark.parametrize("text", SHOWN)
async def test_the_search_finds_what_was_planted_in_every_place(text: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with open_ports(read_settings(BaseServiceSettings, **house_of(state))) as ports:
        await ports.documents.upsert(d.SETTINGS, [d.SettingDoc(id="x", version=1, value=text)])
        await ports.objects.put(text, b"body", {"note": text})
    plant_in_log(state, text)
    raw = leaks(look.files(state))
    for file in ("name of a file", "bytes of documents.db", "bytes of metadata.json", "bytes of log.db"):
        assert any(one.startswith(file) for one in raw), (file, raw)
    assert {one.partition(":")[0] for one in leaks(look.keys_and_headers(state))} == {
        "key in audit", "key in dead_letters", "header note in audit", "header note in dead_letters",
    }  # fmt: skip
    assert {one.partition(":")[0] for one in leaks(look.open_values(state))} == {
        "value in audit", "odd value in dead_letters",
    }  # fmt: skip
    assert look.unsealed_in_sealed_topics(state) == ["audit", "dead_letters"]
    assert leaks(look.clear_fields(state))


def plant_in_log(state: Path, text: str) -> None:
    """Write careless messages: compressed but not sealed, and not even that."""
    storage = Storage(state / "log.db")
    headers = [("note", text.encode())]
    packed = wire.CLEAR + wire.compress(text.encode())
    storage.write([Record("audit", 0, 0, 0.0, text.encode(), packed, headers),
                   Record("dead_letters", 0, 0, 0.0, text.encode(), text.encode(), headers)], [])  # fmt: skip
    storage.close()


async def test_the_search_finds_a_careless_log_metric_and_answer(tmp_path: Path) -> None:
    seen = Seen(tmp_path)
    app = create_base("careless", ping=nothing, title="careless")

    async def careless(name: str) -> None:
        logs.logger("careless").debug("patient %s was seen", name)
        metrics.REQUESTS.labels("careless", name, "2xx").inc()
        sys.stderr.write(name)
        raise Problem(422, "careless.name", f"There is no {name}.")

    app.get("/careless/{name}", response_model=None, **declare("public"))(careless)
    with captured(seen, tmp_path / "printed"):
        os.write(1, TEXTS[1].encode())
        async with client_of(app) as client:
            await ask_everywhere(app, client, seen, TEXTS[:1])
            seen.metrics = (await client_of(health_app("careless", nothing)).get("/metrics")).content
    metrics.REQUESTS.remove("careless", TEXTS[0], "2xx")
    for where, raw in (("log", seen.log.encode()), ("metrics", seen.metrics), seen.answers[0]):
        assert leaks([(where, raw)]), where
    assert leaks([("printed", seen.printed)])


async def nothing() -> None:
    """Answer."""
