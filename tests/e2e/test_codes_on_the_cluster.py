"""Local codes on Kafka and MongoDB: accepted and undone on the command line, over every partition's own tables."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from services.cli.asking import answer_to, command
from tests.e2e.running import Cluster, cluster, trialbridge, wait_until
from tests.e2e.test_local_codes import PATIENTS, SOURCE, TRIAL, records
from trialbridge.contracts.documents import COMMANDS, MATCHES
from trialbridge.runtime.paging import collect
from trialbridge.runtime.ports import Query
from trialbridge.runtime.serve import ServicePorts, open_ports
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.testkit.places import NETWORK

SERVICES = ("coatcheck", "patientview", "matcher", "matchbook", "trialfeed")


def tell(house: Cluster, *arguments: str | Path) -> list[dict[str, Any]]:
    done = trialbridge(*arguments, "--json", environment=house.environment)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def look(use: Any) -> Any:
    async def opened() -> Any:
        async with open_ports(read_settings(BaseServiceSettings)) as ports:
            return await use(ports)

    return asyncio.run(opened())


async def register(ports: ServicePorts) -> str:
    asked = command(ports, "trialfeed", "register_trial", {"text": TRIAL, "name": "t.yaml", "lab": "aurora-lab"})
    await ports.documents.upsert(COMMANDS, [asked])
    return (await answer_to(ports, asked, 240)).status


async def outcomes(ports: ServicePorts) -> Counter[str]:
    found = await collect(ports.documents, MATCHES, Query({"trial": "CODES-01"}, limit=100))
    return Counter(one.outcome for one in found)


@pytest.mark.integration
def test_a_decision_reaches_the_patients_of_every_partition_and_its_undo_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "lis.ndjson"
    bundle.write_text("\n".join(json.dumps(one) for one in records()))
    with cluster(tmp_path, SERVICES) as house:
        for name, value in house.environment.items():
            monkeypatch.setenv(name, value)
        assert look(register) == "done"
        feed = ("--tenant", "north-clinic", "--source", SOURCE, "--network", NETWORK)
        tell(house, "ticket", "issue", bundle, *feed, "--wait", "240")
        wait_until(lambda: look(outcomes) == {"potentially": PATIENTS})
        wait_until(lambda: len(tell(house, "codes", "list")) == 2)
        first, hidden = tell(house, "codes", "list")
        assert (first["code"], first["blocked"], hidden["withheld"]) == ("HB-X", str(PATIENTS), True)
        tell(house, "codes", "accept", first["id"], "loinc", "718-7", "--wait", "240")
        wait_until(lambda: look(outcomes) == {"eligible": PATIENTS})
        house.kill("patientview")
        house.start("patientview")
        tell(house, "codes", "undo", first["id"], "--wait", "240")
        wait_until(lambda: look(outcomes) == {"potentially": PATIENTS})
        assert [one["action"] for one in tell(house, "codes", "history")] == ["undo", "accept"]
