"""The registry of topics says of each who writes and who reads it; this holds it to the services' code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cli.house import SERVICES
from trialbridge.contracts import topics
from trialbridge.contracts.events import Payload
from trialbridge.runtime.serve import ServicePorts, utc_now
from trialbridge.runtime.settings import read_settings
from trialbridge.testkit.fakes import MemoryDocuments, MemoryKeys, MemoryObjects
from trialbridge.testkit.seals import ClearSeal

SOURCES = Path(__file__).parents[3] / "services"
ALL_STAGES = "every stage"
NAMES = {name: one.name for name, one in vars(topics).items() if isinstance(one, topics.Topic)}


def calls(service: str) -> Iterator[tuple[str, list[ast.expr]]]:
    """Yield name and arguments of every call in a service's code."""
    for path in (SOURCES / service).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                yield name, node.args


def written_by(service: str) -> set[str]:
    """Return the topics that a service's code names when it sends; a desk writes what it did to the audit trail."""
    found = set()
    for name, arguments in calls(service):
        if name in {"emit", "publish"} and arguments and isinstance(arguments[0], ast.Name):
            found.add(NAMES.get(arguments[0].id, ""))
        if name == "CommandDesk":
            found.add(topics.AUDIT.name)
    return found - {""}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_writes_what_the_registry_says(service: str) -> None:
    assert written_by(service) == {topic.name for topic in topics.ALL if service in topic.writers}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_what_the_registry_says(service: str, tmp_path: Path) -> None:
    kind = SERVICES[service]
    settings = read_settings(kind.settings, broker=f"trialbridge-embedded://{tmp_path}/log.db")
    stage = kind.build(settings, ServicePorts(MemoryDocuments(), MemoryObjects(), MemoryKeys(), ClearSeal(), utc_now))
    assert {topic.name for topic in stage.handlers} == {topic.name for topic in topics.ALL if service in topic.readers}
    stage._datadir.cleanup()


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda topic: topic.name)
def test_only_services_that_there_are_write_and_read(topic: topics.Topic[Payload]) -> None:
    assert topic.readers
    assert topic.writers
    assert {*topic.writers, *topic.readers} <= {*SERVICES, ALL_STAGES}
