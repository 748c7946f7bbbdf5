"""Converts tables, and says where those that we wrote ourselves are."""

from pathlib import Path
from typing import Any

from tests.unit.emr.ccda.documents import references_in
from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.csv.mapping import FeedMapping, read_mapping
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.fhir.models import check_by_model
from trialbridge.emr.records import Conversion, Entry, Feed

GOLDEN = Path(__file__).parent / "golden"


def feed_of(mapping: FeedMapping | None = None, *, alone: bool = True) -> Feed:
    """Return a feed of its own."""
    source = SourceId("lakeland/north/tables")
    return Feed(NetworkId("lakeland"), TenantId("north"), source, "2026-11-21T08:00:00Z", alone=alone, mapping=mapping)


def convert_table(body: bytes | str, name: str = "table.csv", mapping: str = "", *, alone: bool = True) -> Conversion:
    """Return what a table becomes; ``mapping`` is a mapping file's text."""
    given = read_mapping(mapping.encode(), "mapping.yaml") if mapping else None
    raw = body.encode() if isinstance(body, str) else body
    return convert([Entry(name, "text/csv", raw)], feed_of(given, alone=alone))


def resources_of(found: Conversion, kind: str = "") -> list[dict[str, Any]]:
    """Return all resources, or those of a type."""
    every = [*found.shared, *(one for patient in found.patients for one in patient.resources)]
    return [one for one in every if not kind or one["resourceType"] == kind]


def errors_of(found: Conversion) -> list[tuple[str, str]]:
    """Return code and place of what was set aside."""
    return [(one.error.code, str(one.error.place)) for one in found.set_aside]


def assert_whole(found: Conversion) -> None:
    """Check that all output is valid by both checkers, that nothing dangles, and that every leaf has its fate."""
    every = resources_of(found)
    known = {f"{one['resourceType']}/{one['id']}" for one in every}
    assert len(known) == len(every)
    for resource in every:
        check(resource, Place())
        check_by_model(resource, Place())
        assert set(references_in(resource)) <= known
    assert found.account["leaves"]["unaccounted"] == 0
