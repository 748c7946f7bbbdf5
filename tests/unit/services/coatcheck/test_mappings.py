"""Mapping files in the coat check: each feed's own is used, named with what came of it, and a wrong one stops the start."""

from pathlib import Path

import msgspec
import pytest

from services.coatcheck.agents import handlers
from services.coatcheck.handlers import Handlers
from services.coatcheck.mappings import read_mappings
from services.coatcheck.redeeming import Redeemer
from tests.unit.emr.genomics.files import egfr, vcf
from tests.unit.services.coatcheck.conftest import Check
from trialbridge.contracts.errors import Misconfigured
from trialbridge.contracts.ids import SourceId
from trialbridge.testkit.stage import FakeStage

MAPPING = "version: 1\nsource: north/ehr\ngenomics: {samples: {T1: '4711'}}\n"


async def test_the_mapping_of_a_feed_is_used_and_named(check: Check, tmp_path: Path) -> None:
    (tmp_path / "north.yaml").write_text(MAPPING)
    mappings = read_mappings(tmp_path)
    redeemer = Redeemer(check.objects, check.keys, mappings=mappings)
    check.stage = FakeStage(handlers(Handlers(redeemer, check.documents, check.now)))
    _, ticket = await check.store(vcf(egfr()))
    await check.deliver(msgspec.structs.replace(ticket, media_type="text/vcf"))
    (record,) = check.records()
    assert record.payload.local_patient == "4711"
    assert record.payload.tables.endswith(mappings[SourceId("north/ehr")].stamp())


async def test_without_a_mapping_a_sample_is_set_aside(check: Check) -> None:
    _, ticket = await check.store(vcf(egfr()))
    await check.deliver(msgspec.structs.replace(ticket, media_type="text/vcf"))
    assert check.codes() == ["genomics.unknown-sample"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("version: 1\n", "settings.mapping-without-source"),
        ("version: 1\nsorce: x\n", "mapping.unknown-key"),
        (MAPPING, "settings.mapping-twice"),
    ],
)
def test_a_mapping_that_cannot_be_used_stops_the_start(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "a.yaml").write_text(MAPPING)
    (tmp_path / "b.yml").write_text(text)
    with pytest.raises(Misconfigured) as caught:
        read_mappings(tmp_path)
    assert caught.value.code == code
    assert caught.value.place.bundle == "b.yml"


def test_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="mappings-missing"):
        read_mappings(tmp_path / "none")
