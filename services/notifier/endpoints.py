"""Where practices want to be told: webhook endpoints out of a file, their secrets out of files of their own."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import yaml

from services.notifier.addresses import take_apart
from trialbridge.contracts.errors import Misconfigured, Refused
from trialbridge.contracts.ids import TenantId
from trialbridge.runtime.settings import read_secret

PREFIX: Final = "whsec_"
LEAST_SECRET: Final = 24
MOST_SECRET: Final = 64
Kind = Literal["approved", "withdrawn"]


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One endpoint as the file gives it."""

    id: str
    tenant: TenantId
    url: str
    secret_files: tuple[str, ...]
    kinds: tuple[Kind, ...] = ("approved", "withdrawn")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of one practice."""

    id: str
    tenant: TenantId
    url: str
    secrets: tuple[bytes, ...] = field(repr=False)
    """The first one is the newest; each signs, so that a secret can be changed without a gap."""
    kinds: tuple[Kind, ...] = ("approved", "withdrawn")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """All endpoints."""

    known: tuple[Endpoint, ...] = ()

    def of(self, tenant: str, kind: str) -> Iterable[Endpoint]:
        """Yield a tenant's endpoints that want this kind of notification."""
        return (one for one in self.known if one.tenant == tenant and kind in one.kinds)

    def get(self, identity: str) -> Endpoint | None:
        """Return an endpoint by id."""
        return next((one for one in self.known if one.id == identity), None)


def read_endpoints(path: Path) -> Endpoints:
    """Return the endpoints in a file; paths of secrets are relative to it.

    Raises:
        Misconfigured: ``settings.webhooks-file``, ``settings.webhook-secret``, ``settings.secret-unreadable``.
    """
    try:
        rows: Any = yaml.safe_load(path.read_text("utf-8"))
        read = msgspec.convert(rows or [], tuple[_Row, ...], strict=False)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        reason = str(error) if isinstance(error, msgspec.ValidationError) else type(error).__name__
        raise _wrong(f"must be a list of endpoints (id, tenant, url, secret_files): {reason}.") from None
    if len({row.id for row in read}) < len(read):
        raise _wrong("two endpoints have the same id.")
    return Endpoints(tuple(_endpoint(row, path.parent) for row in read))


def _endpoint(row: _Row, folder: Path) -> Endpoint:
    try:
        take_apart(row.url)
    except Refused as error:
        raise _wrong(f"endpoint {row.id}: {error.message}") from None
    if not row.secret_files or not row.kinds:
        raise _wrong(f"endpoint {row.id}: name at least one of secret_files, and at least one of kinds.")
    secrets = tuple(_secret(folder / name, row.id) for name in row.secret_files)
    return Endpoint(row.id, row.tenant, row.url, secrets, row.kinds)


def _secret(path: Path, endpoint: str) -> bytes:
    """Return the bytes of ``whsec_<base64>``."""
    text = read_secret(path, f"the secret of webhook endpoint {endpoint}")
    try:
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not LEAST_SECRET <= len(secret) <= MOST_SECRET:
        raise Misconfigured(
            "settings.webhook-secret",
            f"The secret of webhook endpoint {endpoint} must be {PREFIX} and the base64 of {LEAST_SECRET} to "
            f"{MOST_SECRET} random bytes.",
        )
    return secret


def _wrong(what: str) -> Misconfigured:
    return Misconfigured("settings.webhooks-file", f"TRIALBRIDGE_WEBHOOKS_FILE: {what}")
