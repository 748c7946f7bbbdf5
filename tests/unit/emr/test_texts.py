"""A conversion as texts says just what one as values says."""

import pytest

from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.emr.convert import convert
from trialbridge.emr.jsontext import encode
from trialbridge.emr.records import Entry, Feed
from trialbridge.emr.sniff import JSON, NDJSON
from trialbridge.testkit.fhir_bench import resources
from trialbridge.testkit.packing import collection, ndjson

FEED = Feed(NetworkId("lakeland"), TenantId("north"), SourceId("lakeland/north/fhir"), "2026-11-21T08:00:00Z")
DRUG = {"resourceType": "Medication", "id": "m1", "code": {"text": "Olaparib"}}
ORDER = {
    "resourceType": "MedicationRequest", "id": "r1", "status": "active", "intent": "order",
    "subject": {"reference": "Patient/p1"}, "medicationReference": {"reference": "Medication/m1"},
    "requester": {"reference": "Practitioner/elsewhere"},
}  # fmt: skip
OLDER = {"resourceType": "Patient", "id": "p1", "meta": {"lastUpdated": "2025-01-01T00:00:00Z"}, "gender": "female"}
NEWER = {**OLDER, "meta": {"lastUpdated": "2026-01-01T00:00:00Z"}, "birthDate": "1960-01"}
BAD = {"resourceType": "Patient", "id": "p2", "gender": "unheard-of"}


@pytest.mark.parametrize("media", [NDJSON, JSON])
def test_texts_are_the_resources_as_json(media: str) -> None:
    given = [*resources(3), ORDER, DRUG, NEWER, OLDER, BAD]
    body = ndjson(given) if media == NDJSON else collection(given, "https://ehr.example/fhir")
    entries = [Entry("one", media, body), Entry("two", media, body)]
    values, texts = convert(entries, FEED), convert(entries, FEED, as_texts=True)
    assert len(values.patients) == len(texts.patients) > 3
    for one, other in zip(values.patients, texts.patients, strict=True):
        assert other.texts == tuple(map(encode, one.resources))
        assert (one.texts, other.resources) == ((), ())
        assert (one.local_patient, one.identifiers, one.merges, one.entries) == (
            other.local_patient, other.identifiers, other.merges, other.entries,
        )  # fmt: skip
    assert (values.account, values.warnings, values.shared) == (texts.account, texts.warnings, texts.shared)
    assert values.leaves.details() == texts.leaves.details()
    assert [str(one.error) for one in values.set_aside] == [str(one.error) for one in texts.set_aside] != []
