"""The object store port, over both adapters."""

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiobotocore.session import get_session

from trialbridge.contracts.errors import Refused, Unavailable
from trialbridge.runtime.objects.folder import FolderObjects
from trialbridge.runtime.objects.s3 import Credentials, S3Objects
from trialbridge.runtime.ports import ObjectStore

META = {"x-amz-key-v2": "a2V5", "tenant": "north"}


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.integration)])
async def objects(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    store: ObjectStore
    if request.param == "folder":
        store = FolderObjects(tmp_path / "with space" / "objects")
    else:
        endpoint = os.environ.get("TRIALBRIDGE_TEST_S3")
        if not endpoint:
            pytest.skip("no S3 here: run make test, or make testbed-up")
        access, secret = os.environ["TRIALBRIDGE_TEST_S3_ACCESS"], os.environ["TRIALBRIDGE_TEST_S3_SECRET"]
        bucket = f"test-{secrets.token_hex(6)}"
        options = {
            "endpoint_url": endpoint,
            "aws_access_key_id": access,
            "aws_secret_access_key": secret,
            "region_name": "us-east-1",
        }
        async with get_session().create_client("s3", **options) as client:
            await client.create_bucket(Bucket=bucket)
        store = S3Objects(bucket, endpoint, "us-east-1", Credentials(access, secret))
    yield store
    await store.close()


async def content(objects: ObjectStore, uri: str, version: str, cap: int = 10_000_000) -> bytes:
    return b"".join([chunk async for chunk in objects.read(uri, version, max_bytes=cap)])


async def test_an_object_comes_back_as_it_was(objects: ObjectStore) -> None:
    body = secrets.token_bytes(2_500_000)
    info = await objects.put("north-clinic/ehr/2026 06.ndjson", body, META)
    assert (info.size, info.metadata) == (len(body), META)
    found = await objects.head(info.uri, info.version)
    assert found is not None
    assert (found.uri, found.version, found.size, dict(found.metadata)) == (info.uri, info.version, len(body), META)
    assert await content(objects, info.uri, info.version) == body


async def test_an_object_is_written_once(objects: ObjectStore) -> None:
    info = await objects.put("a/b", b"first", META)
    with pytest.raises(Refused) as refused:
        await objects.put("a/b", b"second", META)
    assert refused.value.code == "object.exists"
    assert await content(objects, info.uri, info.version) == b"first"


async def test_what_is_not_there_is_none_and_refused(objects: ObjectStore) -> None:
    info = await objects.put("a/b", b"first", META)
    absent = info.uri + "c"
    assert await objects.head(absent, info.version) is None
    with pytest.raises(Refused) as refused:
        await content(objects, absent, info.version)
    assert refused.value.code == "object.missing"


async def test_reading_stops_at_the_cap(objects: ObjectStore) -> None:
    info = await objects.put("a/b", b"x" * 1000, META)
    with pytest.raises(Refused) as refused:
        await content(objects, info.uri, info.version, 999)
    assert refused.value.code == "object.too-large"


async def test_lists_by_prefix_in_order(objects: ObjectStore) -> None:
    for key in ("b/2", "a/1", "b/1"):
        await objects.put(key, key.encode(), META)
    assert [info.uri.rsplit("/", 2)[-2:] for info in [i async for i in objects.list("b/")]] == [["b", "1"], ["b", "2"]]
    await objects.ping()


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "s3://other-bucket/key", "https://example.org/x"])
async def test_a_ticket_cannot_name_what_lies_outside(objects: ObjectStore, uri: str) -> None:
    with pytest.raises(Refused) as refused:
        await objects.head(uri, "1")
    assert refused.value.code == "object.outside"


@pytest.mark.parametrize("key", ["../x", "/etc/x", "a/../../x", ""])
async def test_a_key_cannot_leave_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(Refused):
        await FolderObjects(tmp_path / "objects").put(key, b"", {})


async def test_a_server_that_is_away_is_a_passing_fault() -> None:
    store = S3Objects("bucket", "http://127.0.0.1:1", "us-east-1", Credentials("a", "s"))
    with pytest.raises(Unavailable):
        await store.ping()
    await store.close()
