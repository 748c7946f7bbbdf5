"""The object store in a folder: each object a directory with its bytes and its metadata, written once."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from trialbridge.contracts.errors import Misconfigured, Refused, Unavailable
from trialbridge.runtime.objects.naming import check_key, check_version, split_uri
from trialbridge.runtime.ports import ObjectInfo

CHUNK: Final = 1024 * 1024
BODY: Final = "body"
META: Final = "metadata.json"
SUFFIX: Final = ".object"
LONGEST_PART: Final = 255 - len(SUFFIX)
"""Bytes of a file name on common file systems, less the suffix."""
STAGED: Final = ".new-"
"""Begins the names of objects that are being written."""


class FolderObjects:
    """Implements `ports.ObjectStore`. An object's version is the SHA-256 of its bytes."""

    def __init__(self, folder: Path) -> None:
        """Keep objects under ``folder``, which is made where it is absent; raise `Misconfigured` ``objects.unusable``."""
        self._folder = folder.resolve()
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            raise Misconfigured(
                "objects.unusable", f"The folder {folder} cannot be made; check TRIALBRIDGE_OBJECTS."
            ) from None

    async def put(self, key: str, body: bytes, metadata: Mapping[str, str]) -> ObjectInfo:
        """Write a new object; raise `Refused` ``object.exists`` where there is one."""
        return await asyncio.to_thread(self._put, key, body, metadata)

    def _put(self, key: str, body: bytes, metadata: Mapping[str, str]) -> ObjectInfo:
        place = self._place(key)
        version = hashlib.sha256(body).hexdigest()
        modified = datetime.now(UTC).isoformat()
        info = ObjectInfo(self._uri(key), version, len(body), dict(metadata), modified)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            staging = Path(tempfile.mkdtemp(prefix=STAGED, dir=self._folder))
        except OSError:
            raise Unavailable("objects.unavailable", "The object folder cannot be written.") from None
        try:
            _write(staging / BODY, body)
            _write(staging / META, msgspec.json.encode(info))
            # A directory takes another's name only where that is empty or absent: one writer wins.
            staging.rename(place)
        except OSError:
            shutil.rmtree(staging, ignore_errors=True)
            if place.exists():
                raise Refused("object.exists", "There is an object with this key; objects are written once.") from None
            raise Unavailable("objects.unavailable", "The object folder cannot be written.") from None
        return info

    async def head(self, uri: str, version: str) -> ObjectInfo | None:
        """Return the pinned version, None while it is not there; raise `Refused` ``object.*`` for what is no name here."""
        check_version(version)
        return await asyncio.to_thread(self._head, uri, version)

    def _head(self, uri: str, version: str) -> ObjectInfo | None:
        return self._info(self._place(self._key(uri)), version)

    def _info(self, place: Path, version: str) -> ObjectInfo | None:
        try:
            info = msgspec.json.decode((place / META).read_bytes(), type=ObjectInfo)
        except (OSError, msgspec.DecodeError):
            return None
        return info if version in ("", info.version) else None

    async def read(self, uri: str, version: str, *, max_bytes: int) -> AsyncIterator[bytes]:
        """Yield the pinned version's bytes."""
        if await self.head(uri, version) is None:
            raise Refused("object.missing", "The object is not there, or not in the version that was pinned.")
        body = self._place(self._key(uri)) / BODY
        try:
            file = body.open("rb")
        except OSError:
            raise Unavailable("objects.unavailable", "The object cannot be read.") from None
        with file:
            if os.fstat(file.fileno()).st_size > max_bytes:
                raise Refused("object.too-large", f"The object is larger than {max_bytes} bytes.")
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Yield the objects under ``prefix``, in key order."""
        for key in await asyncio.to_thread(_keys, self._folder):
            if key.startswith(prefix):
                info = await asyncio.to_thread(self._info, self._folder.joinpath(key + SUFFIX), "")
                if info is not None:
                    yield info

    async def ping(self) -> None:
        """Return when the folder can be written."""
        if not os.access(self._folder, os.W_OK):
            raise Unavailable("objects.unavailable", "The object folder cannot be written.")

    async def close(self) -> None:
        """Do nothing."""

    def _uri(self, key: str) -> str:
        return f"file://{quote(str(self._folder))}/{quote(key)}"

    def _key(self, uri: str) -> str:
        scheme, store, path = split_uri(uri)
        prefix = f"{self._folder}/".removeprefix("/")
        if scheme != "file" or store or not path.startswith(prefix):
            raise Refused("object.outside", "The ticket names an object outside of this store.")
        return path.removeprefix(prefix)

    def _place(self, key: str) -> Path:
        check_key(key)
        parts = key.split("/")
        if not all(parts) or any(part.startswith(STAGED) for part in parts):
            raise Refused("object.outside", "The object's key leaves the store.")
        if any(len(part.encode()) > LONGEST_PART for part in parts):
            raise Refused("object.bad-name", f"In a folder each part of a key has {LONGEST_PART} bytes at most.")
        return self._folder.joinpath(*parts[:-1], parts[-1] + SUFFIX)


def _keys(folder: Path) -> list[str]:
    """Return the keys of all objects; what others move or remove meanwhile is passed over."""
    found = []
    for place, names, _ in os.walk(folder):
        names[:] = [name for name in names if not name.startswith(STAGED)]
        inside = Path(place).relative_to(folder)
        found += [(inside / name).as_posix().removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]
    return sorted(found)


def _write(path: Path, body: bytes) -> None:
    with path.open("xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
