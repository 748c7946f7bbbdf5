"""A variant file that comes again in a feed whose files replace one another takes back what it no longer says, in any order."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import msgspec
import pytest

from services.patientview.agents import handlers
from services.patientview.extraction import Extractor
from tests.unit.emr.csv.tables import feed_of
from tests.unit.emr.genomics.files import EGFR, MAPPING, egfr, vcf
from tests.unit.services.patientview.test_patientview import delivery, facts, live, send
from trialbridge.criteria import facts as f
from trialbridge.emr.convert import convert
from trialbridge.emr.csv.mapping import read_mapping
from trialbridge.emr.facts import facts_of
from trialbridge.emr.jsontext import encode
from trialbridge.emr.patients import display_of, identifiers_of
from trialbridge.emr.records import Entry
from trialbridge.testkit.pseudonyms import SYNTHETIC
from trialbridge.testkit.stage import FakeStage

REPLACING = (
    MAPPING
    + """
  files:
    - {name: "*.small.vcf", replaces: true}
    - {name: "*.cnv.vcf", replaces: true}
"""
)
KRAS = "12 25245350 . C T . PASS CSQ=T|missense_variant|MODERATE|KRAS|ENST2|2/5|c.35G>A|ENSP2:p.Gly12Asp||1||| GT:AD 0/1:50,50"
COPIES = (
    "7 55000000 . N <DUP> . PASS END=55200000;CN=8;CSQ=<DUP>|transcript_amplification|HIGH|EGFR|ENST1|||||1||| GT 0/1"
)
BOTH, FEWER = vcf(egfr(f"CSQ={EGFR}"), KRAS), vcf(egfr(f"CSQ={EGFR}"))


def records(day: int, body: bytes, mapping: str, name: str = "a.small.vcf") -> Any:
    """Return the delivery that a file becomes on a day."""
    feed = replace(feed_of(read_mapping(mapping.encode(), "m")), received=f"2026-01-{day:02d}T00:00:00Z")
    (patient,) = convert([Entry(name, "text/vcf", body)], feed).patients
    given = delivery("north/lab", "4711", day=day)
    return msgspec.structs.replace(given, resources=msgspec.Raw(encode(list(patient.resources))))


async def said(*deliveries: Any) -> set[str]:
    """Return what the view says of genes after deliveries."""
    stage = FakeStage(handlers(Extractor(facts_of, identifiers_of, display_of), SYNTHETIC))
    (view,) = live(await send(stage, *deliveries)).values()
    found = facts(view)
    small = {f"{one.gene} {one.present}" for one in found if isinstance(one, f.Variant)}
    return small | {f"{one.gene} {one.copies}" for one in found if isinstance(one, f.CopyNumber)}


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_what_the_newest_file_no_longer_says_is_taken_back(order: tuple[int, ...]) -> None:
    given = [records(1, BOTH, REPLACING), records(2, FEWER, REPLACING), records(1, vcf(COPIES), REPLACING, "a.cnv.vcf")]
    assert await said(*given[:1]) == {"EGFR True", "KRAS True"}
    assert await said(*(given[place] for place in order)) == {"EGFR True", "EGFR 8"}


async def test_without_the_setting_files_of_a_sample_add_up() -> None:
    assert await said(records(1, BOTH, MAPPING), records(2, FEWER, MAPPING)) == {"EGFR True", "KRAS True"}


async def test_the_evidence_names_the_variant_and_not_the_report() -> None:
    given = records(1, BOTH, REPLACING)
    stage = FakeStage(handlers(Extractor(facts_of, identifiers_of, display_of), SYNTHETIC))
    (view,) = live(await send(stage, given)).values()
    assert {one.evidence.resource.partition("/")[0] for one in facts(view) if isinstance(one, f.Variant)} == {
        "Observation"
    }
