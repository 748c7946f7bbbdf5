"""The object store in S3, through aiobotocore: versions pinned, written once by ``If-None-Match``."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from trialbridge.contracts.errors import Misconfigured, Refused, Unavailable
from trialbridge.runtime.objects.naming import check_key, check_version, split_uri
from trialbridge.runtime.ports import ObjectInfo
from trialbridge.runtime.settings import BaseServiceSettings, read_pair

CHUNK: Final = 1024 * 1024
NO_VERSION: Final = "null"
"""What S3 calls the version of an object in a bucket that keeps none."""
_ABSENT: Final = {"404", "NoSuchKey", "NoSuchVersion", "NotFound", "InvalidArgument"}
_PRESENT: Final = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_PASSING: Final = {401, 403, 408, 429}
"""Of the client's own errors those that are not the request's: rights, time, and turns."""


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """An access key and its secret. Never logged: no repr."""

    access: str
    secret: str


class S3Objects:
    """Implements `ports.ObjectStore` on one bucket."""

    def __init__(self, bucket: str, endpoint: str | None, region: str, credentials: Credentials | None) -> None:
        """Connect when first used; without credentials the machine's own role is asked."""
        self._bucket = bucket
        self._options: dict[str, Any] = {
            "region_name": region,
            "config": AioConfig(retries={"max_attempts": 2, "mode": "standard"}, connect_timeout=5, read_timeout=60),
        }
        if endpoint:
            self._options["endpoint_url"] = endpoint
        if credentials:
            self._options |= {
                "aws_access_key_id": credentials.access,
                "aws_secret_access_key": credentials.secret,
            }
        self._stack = contextlib.AsyncExitStack()
        self._opening = asyncio.Lock()
        self._opened: Any = None

    @classmethod
    def of(cls, settings: BaseServiceSettings) -> "S3Objects":
        """Return the store of ``s3://BUCKET?endpoint=URL&region=NAME``; raise `Misconfigured` ``objects.bad-url``."""
        parts = urlsplit(settings.objects)
        asked = parse_qs(parts.query)
        if not parts.netloc:
            raise Misconfigured("objects.bad-url", "TRIALBRIDGE_OBJECTS must be s3://BUCKET?endpoint=URL&region=NAME.")
        credentials = None
        if settings.object_credentials_file is not None:
            credentials = Credentials(
                *read_pair(
                    settings.object_credentials_file,
                    "object_credentials_file",
                    "objects.bad-credentials",
                    "access key and secret key",
                )
            )
        endpoint = asked.get("endpoint", [None])[0]
        return cls(parts.netloc, endpoint, asked.get("region", ["us-east-1"])[0], credentials)

    async def _client(self) -> Any:
        async with self._opening:
            if self._opened is None:
                session = get_session()
                self._opened = await self._stack.enter_async_context(session.create_client("s3", **self._options))
        return self._opened

    async def put(self, key: str, body: bytes, metadata: Mapping[str, str]) -> ObjectInfo:
        """Write a new object; raise `Refused` ``object.exists`` where there is one, ``object.refused`` as in `head`."""
        check_key(key)
        client = await self._client()
        async with self._judged(client):
            try:
                answer = await client.put_object(
                    Bucket=self._bucket, Key=key, Body=body, Metadata=dict(metadata), IfNoneMatch="*"
                )
            except ClientError as error:
                if _code(error) in _PRESENT:
                    raise Refused(
                        "object.exists", "There is an object with this key; objects are written once."
                    ) from None
                raise
        return ObjectInfo(self._uri(key), answer.get("VersionId", NO_VERSION), len(body), dict(metadata))

    async def head(self, uri: str, version: str) -> ObjectInfo | None:
        """Return the pinned version, None while it is not there.

        Raises:
            Refused: ``object.outside``, ``object.bad-name``, ``object.bad-version``; ``object.refused`` where the store will
                never take this name or version.
        """
        check_version(version)
        return await self._info(uri, self._key(uri), version)

    async def _info(self, uri: str, key: str, version: str) -> ObjectInfo | None:
        client = await self._client()
        async with self._judged(client):
            try:
                answer = await client.head_object(Bucket=self._bucket, Key=key, **_pinned(version))
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
        return ObjectInfo(
            uri,
            answer.get("VersionId", version or NO_VERSION),
            answer["ContentLength"],
            answer.get("Metadata", {}),
            answer["LastModified"].isoformat(),
        )

    async def read(self, uri: str, version: str, *, max_bytes: int) -> AsyncIterator[bytes]:
        """Yield the pinned version's bytes."""
        check_version(version)
        key, client = self._key(uri), await self._client()
        async with self._judged(client):
            try:
                answer = await client.get_object(Bucket=self._bucket, Key=key, **_pinned(version))
            except ClientError as error:
                if _code(error) in _ABSENT:
                    raise Refused(
                        "object.missing", "The object is not there, or not in the version that was pinned."
                    ) from None
                raise
            size = 0
            async with answer["Body"] as body:
                async for chunk in body.iter_chunks(CHUNK):
                    size += len(chunk)
                    if size > max_bytes:
                        raise Refused("object.too-large", f"The object is larger than {max_bytes} bytes.")
                    yield chunk

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Yield the newest version of every object under ``prefix``."""
        client = await self._client()
        with _translated():
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            async for page in pages:
                found: list[ObjectInfo] = []
                for one in page.get("Contents", ()):
                    # The store's own name for it, whatever senders may call theirs.
                    with contextlib.suppress(Refused):
                        info = await self._info(self._uri(one["Key"]), one["Key"], "")
                        if info is not None:
                            found.append(info)
                for info in found:
                    yield info

    async def ping(self) -> None:
        """Return when the bucket answers."""
        client = await self._client()
        with _translated():
            await client.head_bucket(Bucket=self._bucket)

    async def close(self) -> None:
        """Release connections."""
        await self._stack.aclose()

    def _uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{quote(key)}"

    def _key(self, uri: str) -> str:
        scheme, bucket, key = split_uri(uri)
        if scheme != "s3" or bucket != self._bucket or not key.strip("/"):
            raise Refused("object.outside", "The ticket names an object outside of this store.")
        check_key(key)
        return key

    @contextlib.asynccontextmanager
    async def _judged(self, client: Any) -> AsyncIterator[None]:
        """Tell a call that the store will never take from one that it does not take now.

        A HEAD says no more than its status: a wrong version looks like credentials that have run out. So the bucket is
        asked as well; where it answers, the request was at fault.
        """
        with _translated():
            try:
                yield
            except ParamValidationError:
                raise _never(0) from None
            except ClientError as error:
                status = _status(error)
                if not 400 <= status < 500 or status in _PASSING:  # noqa: PLR2004 - the class of a client's errors
                    raise
                await client.head_bucket(Bucket=self._bucket)
                raise _never(status) from None


def _pinned(version: str) -> dict[str, str]:
    return {} if version in ("", NO_VERSION) else {"VersionId": version}


def _never(status: int) -> Refused:
    said = f" ({status})" if status else ""
    return Refused("object.refused", f"The object store takes no such name or version{said}; check the ticket.")


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn what the client raises into ours, without its text."""
    try:
        yield
    except ClientError as error:
        raise Unavailable("objects.unavailable", f"The object store refused a call ({_code(error)}).") from None
    except (BotoCoreError, aiohttp.ClientError, OSError) as error:
        raise Unavailable("objects.unavailable", f"The object store failed ({type(error).__name__}).") from None
