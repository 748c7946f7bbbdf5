"""The synthetic world is seeded, large enough, realistic in its gaps, and in valid FHIR."""

from collections import Counter
from datetime import date

import msgspec
import pytest
from fhir.resources.R4B import get_fhir_model_class

from trialbridge.testkit.world import World, make_world

ENCODER = msgspec.json.Encoder(decimal_format="number")


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


def test_the_same_seed_gives_the_same_bytes(world: World) -> None:
    assert ENCODER.encode(make_world().deliveries) == ENCODER.encode(world.deliveries)


def test_another_seed_gives_another_world(world: World) -> None:
    assert make_world(seed=8).histories != world.histories


def test_a_smaller_world_is_the_beginning_of_the_larger(world: World) -> None:
    assert make_world(patients=10).histories == world.histories[:10]


def test_three_of_five_patients_are_known_to_several_sources(world: World) -> None:
    several = sum(len(world.sources_of(index)) > 1 for index in range(len(world.histories)))
    assert len(world.histories) >= 200
    assert several / len(world.histories) >= 0.6


def test_every_kind_of_gap_is_there(world: World) -> None:
    quirks = Counter(history.quirk for history in world.histories)
    assert min(quirks[each] for each in ("incomplete", "contradictory", "contradictory_sources", "no_ecog")) >= 3
    assert sum(history.report is None for history in world.histories) >= 20
    assert {history.consent for history in world.histories} == {"permit", "deny", None}
    assert len({history.disease.oncotree for history in world.histories}) >= 10


def test_a_patient_is_touched_by_at_most_one_update(world: World) -> None:
    touched = Counter(each.index for each in world.deliveries if each.wave == "update")
    assert len(touched) >= 30
    assert set(touched.values()) == {1}


def test_some_genomic_reports_come_before_their_patient_is_known(world: World) -> None:
    first = {each.index for each in world.deliveries if each.wave == "initial" and each.source.tenant != "genome-lab"}
    assert any(
        each.index not in first
        for each in world.deliveries
        if each.wave == "initial" and each.source.tenant == "genome-lab"
    )


def test_all_dates_lie_before_the_day() -> None:
    early = make_world(patients=30, as_of=date(2020, 1, 15))
    for delivery in early.deliveries:
        for resource in delivery.resources:
            assert resource["meta"]["lastUpdated"] < "2020-01-15"
            assert resource.get("effectiveDateTime", "") < "2020-01-15"


@pytest.mark.parametrize("part", range(4))
def test_every_resource_is_valid_fhir(world: World, part: int) -> None:
    resources = [resource for each in world.deliveries for resource in each.resources]
    for resource in resources[part::4]:
        get_fhir_model_class(resource["resourceType"]).model_validate_json(ENCODER.encode(resource))


def test_resource_ids_are_unique_per_version_and_references_resolve(world: World) -> None:
    for delivery in world.deliveries:
        names = {f"{each['resourceType']}/{each['id']}" for each in delivery.resources}
        assert len(names) == len(delivery.resources)
        for resource in delivery.resources:
            target = (resource.get("subject") or resource.get("patient") or {}).get("reference")
            assert target is None or target in names
            for result in resource.get("result", []):
                assert result["reference"] in names
            for entry in resource.get("entry", []):
                assert entry["item"]["reference"] in names


def test_all_sources_of_a_patient_share_the_member_number(world: World) -> None:
    for history in world.histories:
        for delivery in world.of_patient(history.person.index):
            if delivery.resources:
                values = {each["value"] for each in delivery.resources[0]["identifier"]}
                assert {history.person.member, delivery.local} <= values
            else:
                assert all(f"{history.person.member}^^^" in message for message in delivery.messages)


def test_two_patients_never_share_a_number(world: World) -> None:
    members = Counter(history.person.member for history in world.histories)
    locals_ = Counter((each.source.id, each.local) for each in world.deliveries if each.wave == "initial")
    assert max(members.values()) == 1
    assert max(locals_.values()) == 1
