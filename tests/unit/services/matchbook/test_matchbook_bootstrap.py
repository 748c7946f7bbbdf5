from datetime import UTC, datetime
from pathlib import Path

from services.matchbook.bootstrap import build
from services.matchbook.settings import MatchbookSettings
from trialbridge.contracts import topics
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.settings import read_settings
from trialbridge.testkit.fakes import ClearSeal, MemoryDocuments, MemoryKeys, MemoryObjects


def test_the_stage_reads_what_the_registry_says(tmp_path: Path) -> None:
    settings = read_settings(MatchbookSettings, broker=f"trialbridge-embedded://{tmp_path / 'log.db'}")
    ports = ServicePorts(
        MemoryDocuments(), MemoryObjects(), MemoryKeys(), ClearSeal(), lambda: datetime(2026, 6, 1, tzinfo=UTC)
    )
    stage = build(settings, ports)
    assert stage.name == "matchbook"
    assert {topic.name for topic in stage.handlers} == {
        topic.name for topic in topics.ALL if "matchbook" in topic.readers
    }
    assert len({table.name for table in stage.tables}) == len(stage.tables) > 0
    assert len(stage.background) == 1
    stage.forget(0)
