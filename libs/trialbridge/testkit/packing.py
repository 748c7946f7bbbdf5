"""Containers for bundles, byte for byte the same each time: gzip, zstd, tar and zip without clocks or owners."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import zstandard

_ENCODER = msgspec.json.Encoder(decimal_format="number")
Json = Mapping[str, Any]
Member = tuple[str, bytes]
"""Name and content of an archive member."""


def encode(value: object) -> bytes:
    """Return JSON; decimals keep their digits."""
    return _ENCODER.encode(value)


def ndjson(resources: Iterable[Json]) -> bytes:
    """Return one resource per line."""
    return b"".join(_ENCODER.encode(each) + b"\n" for each in resources)


def collection(resources: Iterable[Json], base: str) -> bytes:
    """Return a FHIR collection Bundle; full URLs lie under ``base`` so that relative references resolve."""
    entries = [
        {"fullUrl": f"{base}/{each['resourceType']}/{each['id']}", "resource": each} for each in resources
    ]  # fmt: skip
    return _ENCODER.encode({"resourceType": "Bundle", "type": "collection", "entry": entries})


def gzipped(body: bytes) -> bytes:
    """Return ``body`` compressed with gzip, without a time."""
    return gzip.compress(body, compresslevel=6, mtime=0)


def zstandardised(body: bytes) -> bytes:
    """Return ``body`` compressed with Zstandard."""
    return zstandard.ZstdCompressor(level=6).compress(body)


def tarred(members: Iterable[Member], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar archive of ``members``, without owners or times, in a form of the library's."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, body in members:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


def zipped(members: Iterable[Member]) -> bytes:
    """Return a zip archive of ``members``, all dated 1980-01-01."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, body)
    return out.getvalue()


def batch(messages: Iterable[str]) -> bytes:
    """Return HL7 v2 messages in a batch file (FHS, BHS, messages, BTS, FTS)."""
    sent = list(messages)
    body = "".join(sent)
    return f"FHS|^~\\&|EHR\rBHS|^~\\&|EHR\r{body}BTS|{len(sent)}\rFTS|1\r".encode()
