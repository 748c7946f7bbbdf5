"""How documents are stored: what holds patient data is sealed, whatever its type, and comes back as it was."""

import msgspec
import pytest

from trialbridge.contracts.documents import ALL, MATCH_EVENTS, MATCHES, MatchDoc
from trialbridge.contracts.events import Change
from trialbridge.contracts.ids import MatchId, NetworkId, PatientId, TenantId, TrialId
from trialbridge.runtime.documents.codec import Codec
from trialbridge.testkit.seals import ClearSeal

FOUND = "EGFR p.Leu858Arg was found."


def match() -> MatchDoc:
    return MatchDoc(
        id=MatchId("mat_1"), version=1, network=NetworkId("north"), patient=PatientId("pat_1"), trial=TrialId("T"),
        tenants=(), trial_title="", lab=TenantId("lab"),
        status="approved", outcome="eligible", explanation=msgspec.Raw(b'{"reason":"EGFR"}'),
        why_now=(Change("criteria.all[1].variant", "unknown", "met", FOUND),),
    )  # fmt: skip


async def test_nothing_clinical_stands_among_the_clear_fields() -> None:
    codec = Codec(MATCHES, ClearSeal())
    packed = await codec.pack(match())
    assert b"EGFR" not in packed.clear
    assert set(packed.sealed) == {"explanation", "why_now"}
    assert await codec.unpack(packed.clear, packed.sealed) == match()


@pytest.mark.parametrize("collection", [MATCHES, MATCH_EVENTS])
def test_what_turned_is_sealed_as_the_explanation_is(collection: object) -> None:
    assert {"explanation", "why_now"} <= set(collection.sealed)  # type: ignore[attr-defined]


@pytest.mark.parametrize("collection", ALL, ids=lambda one: one.name)
def test_every_sealed_field_has_something_to_stand_in_its_place(collection: object) -> None:
    fields = {field.name: field for field in msgspec.structs.fields(collection.doc)}  # type: ignore[attr-defined]
    for name in collection.sealed:  # type: ignore[attr-defined]
        kind, default = fields[name].type, fields[name].default
        assert kind in (bytes, msgspec.Raw) or default is not msgspec.NODEFAULT
