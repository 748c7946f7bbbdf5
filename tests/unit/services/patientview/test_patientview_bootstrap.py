from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.patientview.bootstrap import build
from services.patientview.settings import PatientviewSettings
from trialbridge.contracts import topics
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.settings import read_settings
from trialbridge.testkit.fakes import ClearSeal, MemoryDocuments, MemoryKeys, MemoryObjects


def test_the_stage_reads_what_the_registry_says(tmp_path: Path) -> None:
    settings = read_settings(PatientviewSettings, broker=f"trialbridge-embedded://{tmp_path / 'log.db'}")
    ports = ServicePorts(
        MemoryDocuments(), MemoryObjects(), MemoryKeys(), ClearSeal(), lambda: datetime(2026, 6, 1, tzinfo=UTC)
    )
    stage = build(settings, ports)
    assert stage.name == "patientview"
    assert {topic.name for topic in stage.handlers} == {
        topic.name for topic in topics.ALL if "patientview" in topic.readers
    }
    assert len({table.name for table in stage.tables}) == len(stage.tables) > 0


def test_source_ranks_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIALBRIDGE_SOURCE_RANKS", '{"north/ehr": 1}')
    assert read_settings(PatientviewSettings).source_ranks == {"north/ehr": 1}
