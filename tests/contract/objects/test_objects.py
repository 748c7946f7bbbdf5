"""The object store port, over both adapters."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiobotocore.session import get_session
from botocore.exceptions import ClientError

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


@pytest.mark.parametrize(
    "name",
    [
        "a%00b", "a\x00b", "a%0d%0ab", "a\nb", "%ff", "../x", "a/../../x", "%2e%2e/x", "a/./b", "k" * 1025, "a?b", "a#b",
        "/".join(["d" * 500] * 3),
    ],
)  # fmt: skip
async def test_what_can_be_no_objects_name_is_refused_and_not_tried_again(objects: ObjectStore, name: str) -> None:
    info = await objects.put("a/b", b"first", META)
    for call in (objects.head, lambda uri, version: content(objects, uri, version)):
        with pytest.raises(Refused) as refused:
            await asyncio.wait_for(call(info.uri.removesuffix("a/b") + name, info.version), 20)
        assert (refused.value.code, refused.value.place.field) == ("object.bad-name", "object_uri")


async def test_what_is_no_uri_is_refused(objects: ObjectStore) -> None:
    for uri in ("file://[x/y", "s3://[x/y"):
        with pytest.raises(Refused) as refused:
            await objects.head(uri, "1")
        assert refused.value.code == "object.bad-name"


@pytest.mark.parametrize("version", ["a b", "a\r\nb", "x" * 1025, "\x00", "é"])
async def test_what_can_be_no_version_is_refused(objects: ObjectStore, version: str) -> None:
    info = await objects.put("a/b", b"first", META)
    for call in (objects.head, lambda uri, version: content(objects, uri, version)):
        with pytest.raises(Refused) as refused:
            await call(info.uri, version)
        assert (refused.value.code, refused.value.place.field) == ("object.bad-version", "object_version")


async def test_a_version_that_the_store_never_gave_is_no_passing_fault(objects: ObjectStore) -> None:
    info = await objects.put("a/b", b"first", META)
    if isinstance(objects, S3Objects):
        with pytest.raises(Refused) as refused:
            await asyncio.wait_for(objects.head(info.uri, "not-a-version"), 20)
        assert refused.value.code == "object.refused"
    else:
        assert await objects.head(info.uri, "not-a-version") is None
    with pytest.raises(Refused):
        await content(objects, info.uri, "not-a-version")


async def test_a_key_that_can_be_none_is_not_written(objects: ObjectStore) -> None:
    for key in ("a\x00b", "k" * 1025, "a/../b"):
        with pytest.raises(Refused) as refused:
            await objects.put(key, b"", META)
        assert refused.value.code == "object.bad-name"


async def test_a_name_too_long_for_a_file_is_refused(tmp_path: Path) -> None:
    store = FolderObjects(tmp_path / "objects")
    info = await store.put("k" * 248, b"x", {})
    assert await store.head(info.uri, info.version) is not None
    with pytest.raises(Refused) as refused:
        await store.put("k" * 249, b"x", {})
    assert refused.value.code == "object.bad-name"


class Answering:
    """An S3 client whose objects answer with one status, and its bucket with another."""

    def __init__(self, status: int, bucket: int = 200) -> None:
        self.status, self.bucket = status, bucket

    async def head_object(self, **_: object) -> None:
        raise ClientError({"ResponseMetadata": {"HTTPStatusCode": self.status}}, "HeadObject")

    async def head_bucket(self, **_: object) -> None:
        if self.bucket != 200:
            raise ClientError({"ResponseMetadata": {"HTTPStatusCode": self.bucket}}, "HeadBucket")


@pytest.mark.parametrize(
    ("status", "bucket", "kind"),
    [
        (400, 200, Refused), (405, 200, Refused), (414, 200, Refused), (401, 200, Unavailable), (403, 200, Unavailable),
        (408, 200, Unavailable), (429, 200, Unavailable), (500, 200, Unavailable), (503, 200, Unavailable),
        (400, 400, Unavailable),
    ],
)  # fmt: skip
async def test_only_what_the_store_will_never_take_is_refused(status: int, bucket: int, kind: type[Exception]) -> None:
    store = S3Objects("bucket", None, "us-east-1", Credentials("a", "s"))
    store._opened = Answering(status, bucket)
    with pytest.raises(kind):
        await store.head("s3://bucket/key", "1")


@pytest.mark.parametrize("key", ["../x", "/etc/x", "a/../../x", ""])
async def test_a_key_cannot_leave_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(Refused):
        await FolderObjects(tmp_path / "objects").put(key, b"", {})


async def test_a_server_that_is_away_is_a_passing_fault() -> None:
    store = S3Objects("bucket", "http://127.0.0.1:1", "us-east-1", Credentials("a", "s"))
    with pytest.raises(Unavailable):
        await store.ping()
    await store.close()
