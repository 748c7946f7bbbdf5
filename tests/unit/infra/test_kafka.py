"""``infra/kafka/topics.yaml`` says what the services really make."""

from pathlib import Path

import yaml

from infra.generate.kafka import changelogs, config_of, render
from services.cli.house import SERVICES
from trialbridge.runtime.serve import ServicePorts, utc_now
from trialbridge.runtime.settings import BaseServiceSettings, read_settings
from trialbridge.runtime.topics_admin import _new, specs
from trialbridge.testkit.fakes import ClearSeal, MemoryDocuments, MemoryKeys, MemoryObjects


def test_the_configuration_is_the_one_that_the_services_set() -> None:
    for spec in specs(BaseServiceSettings.model_construct(), ["some-changelog"]):
        assert config_of(spec) == _new(spec).topic_configs


def test_the_changelogs_are_those_of_the_stages(root: Path) -> None:
    ports = ServicePorts(MemoryDocuments(), MemoryObjects(), MemoryKeys(), ClearSeal(), utc_now)
    stages = [service.build(read_settings(service.settings), ports) for service in SERVICES.values()]
    wanted = {table.changelog for stage in stages for table in stage.links.tables.values()}
    for stage in stages:
        stage._datadir.cleanup()
    assert changelogs(root, BaseServiceSettings.model_construct()) == sorted(wanted)


def test_each_topic_has_what_an_administrator_needs(root: Path) -> None:
    found = yaml.safe_load(render(root))["topics"]
    by_name = {entry["name"]: entry for entry in found}
    assert len(by_name) == len(found)
    assert by_name["patient_views"]["config"]["cleanup.policy"] == "compact"
    assert by_name["dead_letters"]["config"]["retention.ms"] == str(90 * 86_400_000)
    assert len({entry["partitions"] for entry in found}) == 1
