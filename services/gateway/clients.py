"""Who may send HL7 v2: clients out of a file, each bound to one tenant, network and feed. Only hashes of secrets are kept."""

import hmac
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from trialbridge.access.passwords import well_formed
from trialbridge.contracts.errors import NOT_AS_DESCRIBED, Misconfigured
from trialbridge.contracts.ids import NetworkId, SourceId, TenantId
from trialbridge.runtime.settings import read_secret

NAME: Final = "TRIALBRIDGE_CLIENTS_FILE"


class Client(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One sender. What it sends belongs to its tenant and feed, whatever the message says."""

    client: str
    tenant: TenantId
    network: NetworkId
    source: SourceId
    """The feed: the tenant's own, so it begins with ``<tenant>/``."""
    secret: str = ""
    """scrypt hash of the OAuth client secret; empty where it has none."""
    api_key: str = ""
    """SHA-256 of the API key, which is long and random; empty where it has none."""
    certificate: str = ""
    """SHA-256 of its client certificate (DER); empty where it has none."""


class Clients:
    """Finds clients by name, API key and certificate."""

    def __init__(self, clients: Iterable[Client]) -> None:
        """Know ``clients``."""
        known = list(clients)
        self._names = {one.client: one for one in known}
        self._keys = {one.api_key: one for one in known if one.api_key}
        self._certificates = {one.certificate: one for one in known if one.certificate}

    def __iter__(self) -> Iterator[Client]:
        """Yield all clients."""
        return iter(self._names.values())

    def named(self, name: str) -> Client | None:
        """Return the client of a name."""
        return self._names.get(name)

    def of_key(self, key: str) -> Client | None:
        """Return the client of an API key. What is looked up is its digest: the time it takes says nothing of the key."""
        return self._keys.get(sha256(key.encode()).hexdigest())

    def of_certificate(self, der: bytes) -> Client | None:
        """Return the client of a certificate that TLS has verified."""
        return self._certificates.get(sha256(der).hexdigest())


def read_clients(path: Path | None) -> Clients:
    """Return the clients in a file.

    Raises:
        Misconfigured: ``settings.secret-unreadable``, ``settings.clients-invalid``.
    """
    if path is None:
        return Clients(())
    try:
        found = msgspec.json.decode(read_secret(path, NAME), type=list[Client])
    except NOT_AS_DESCRIBED:
        raise _invalid("must be a list of {client, tenant, network, source, secret, api_key, certificate}") from None
    for one in found:
        if not one.source.startswith(f"{one.tenant}/"):
            raise _invalid(f"the source of client {one.client} must begin with its tenant and /")
        if one.secret and not well_formed(one.secret):
            raise _invalid(f"the secret of client {one.client} is not a scrypt hash of ours")
        if any(digest and len(digest) != sha256().digest_size * 2 for digest in (one.api_key, one.certificate)):
            raise _invalid(f"api_key and certificate of client {one.client} are SHA-256 digests in hex")
    names = [one.client for one in found]
    if len(set(names)) != len(names):
        raise _invalid("each client has one entry")
    return Clients(found)


def same(one: str, other: str) -> bool:
    """Return whether two texts are equal, in a time that does not say how much of them is."""
    return hmac.compare_digest(one.encode(), other.encode())


def _invalid(what: str) -> Misconfigured:
    return Misconfigured("settings.clients-invalid", f"{NAME}: {what}; trialbridge gateway add-client writes it.")
