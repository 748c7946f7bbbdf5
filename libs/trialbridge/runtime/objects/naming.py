"""What an object may be called. Names and versions come from senders: both are checked before any store is asked."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from trialbridge.contracts.errors import Place, Refused

LONGEST_KEY: Final = 1024
"""Bytes of a key, as in S3."""
LONGEST_URI: Final = 4096
"""Characters: a key of which every byte is percent-encoded, with room for the store's own name."""
VERSION: Final = re.compile(r"[!-~]{0,1024}")
"""S3's versions are URL-ready and have 1024 bytes at most; empty is any version."""
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def split_uri(uri: str) -> tuple[str, str, str]:
    """Return scheme, store and decoded path of ``scheme://store/path``, the path without its first slash.

    Raises:
        Refused: ``object.bad-name``, with ``object_uri`` in its place.
    """
    # Before it is taken apart: `urlsplit` leaves tabs and line breaks out without a word.
    if len(uri) > LONGEST_URI or CONTROL.search(uri):
        raise _bad_name()
    try:
        parts = urlsplit(uri)
        path = unquote(parts.path, errors="strict").removeprefix("/")
    except ValueError:
        raise _bad_name() from None
    if parts.query or parts.fragment:
        raise _bad_name()
    _check_path(path)
    return parts.scheme, parts.netloc, path


def check_uri(uri: str) -> None:
    """Return where a URI could be an object's, in whichever store; raise `Refused` ``object.bad-name``."""
    scheme, _, path = split_uri(uri)
    if scheme != "file":
        check_key(path)


def check_key(key: str) -> None:
    """Return where a key could be one's; raise `Refused` ``object.bad-name``."""
    _check_path(key)
    if len(key.encode()) > LONGEST_KEY:
        raise _bad_name()


def _check_path(path: str) -> None:
    if CONTROL.search(path) or not {".", ".."}.isdisjoint(path.split("/")):
        raise _bad_name()


def check_version(version: str) -> None:
    """Return where a version could be one's; raise `Refused` ``object.bad-version``, with ``object_version`` in its place."""
    if not VERSION.fullmatch(version):
        raise Refused(
            "object.bad-version",
            "object_version must be the version that the store gave: visible ASCII characters, 1024 at most.",
            Place(field="object_version"),
        )


def _bad_name() -> Refused:
    return Refused(
        "object.bad-name",
        f"object_uri must be the object's URI, percent-encoded: a key has {LONGEST_KEY} bytes at most, no control "
        "characters, and neither . nor .. among its parts.",
        Place(field="object_uri"),
    )
