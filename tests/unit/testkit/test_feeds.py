"""Bundles hold exactly the world's deliveries, each source in its own container, the same bytes each time."""

import gzip
import io
import tarfile
import zipfile

import msgspec
import pytest
import zstandard

from trialbridge.testkit import packing
from trialbridge.testkit.canaries import TEXTS, find_canaries
from trialbridge.testkit.feeds import PlainBundle, pack_bundles
from trialbridge.testkit.world import World, make_world


@pytest.fixture(scope="module")
def world() -> World:
    return make_world()


@pytest.fixture(scope="module")
def bundles(world: World) -> list[PlainBundle]:
    return pack_bundles(world)


def members(bundle: PlainBundle) -> list[bytes]:
    """Return the payloads in a bundle, read by the standard library's readers."""
    if bundle.key.endswith(".gz"):
        return [gzip.decompress(bundle.body)]
    if bundle.key.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(bundle.body)) as archive:
            return [archive.read(name) for name in archive.namelist()]
    if bundle.key.endswith(".zst"):
        plain = zstandard.ZstdDecompressor().decompressobj().decompress(bundle.body)
        if not bundle.key.endswith("tar.zst"):
            return [plain]
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            files = [tar.extractfile(info) for info in tar]
            return [file.read() for file in files if file]
    return [bundle.body]


def test_packing_is_the_same_each_time(world: World, bundles: list[PlainBundle]) -> None:
    assert pack_bundles(world) == bundles


def test_every_container_is_used_and_keys_are_unique(bundles: list[PlainBundle]) -> None:
    endings = {bundle.key.partition(".")[2] for bundle in bundles}
    assert {"ndjson.gz", "ndjson.zst", "tar.zst", "zip", "hl7.gz", "hl7"} <= endings
    assert len({bundle.key for bundle in bundles}) == len(bundles)


def test_every_resource_and_message_of_the_world_is_packed_once(world: World, bundles: list[PlainBundle]) -> None:
    packed: list[str] = []
    messages = 0
    for bundle in bundles:
        if bundle.tampered:
            continue
        for body in members(bundle):
            if "hl7" in bundle.media_type:
                messages += body.count(b"MSH|")
            elif "ndjson" in bundle.media_type:
                packed += [msgspec.json.decode(line)["id"] for line in body.splitlines()]
            else:
                entries = msgspec.json.decode(body).get("entry", [])
                packed += [entry["resource"]["id"] for entry in entries]
                assert all(entry["fullUrl"].endswith(f"/{entry['resource']['id']}") for entry in entries)
    expected = [resource["id"] for each in world.deliveries for resource in each.resources]
    assert sorted(packed) == sorted(expected)
    assert messages == sum(len(each.messages) for each in world.deliveries) + 1, "and the one broken message"


def test_the_update_wave_comes_later(bundles: list[PlainBundle]) -> None:
    last = max(bundle.created for bundle in bundles if bundle.wave == "initial")
    assert last < min(bundle.created for bundle in bundles if bundle.wave == "update")
    assert sum(bundle.tampered for bundle in bundles) == 1


def test_decimals_keep_their_digits() -> None:
    assert b'"value":9.80' in packing.ndjson(
        [{"value": msgspec.json.decode(b"9.80", type=__import__("decimal").Decimal)}]
    )


def test_all_planted_identifiers_are_in_the_feeds(bundles: list[PlainBundle]) -> None:
    seen = {text for bundle in bundles for body in members(bundle) for text in find_canaries(body)}
    assert seen == set(TEXTS)
    assert len(TEXTS) == 20
