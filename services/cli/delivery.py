"""Brings a plain bundle to the coat check: encrypt, put into the object store, ask for a ticket."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.cli.asking import command
from services.coatcheck.tickets import check_ticket
from trialbridge.contracts.documents import CommandDoc
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import Digest, NetworkId, SourceId, TenantId, digest, ticket_id
from trialbridge.runtime.ports import ObjectInfo
from trialbridge.runtime.serve import ServicePorts
from trialbridge.vault.containers.table import BY_NAME

VALID_FOR: Final = timedelta(days=7)
SHA256: Final = "trialbridge-sha256"
"""Object metadata: SHA-256 of the stored bytes, so that an interrupted delivery can go on."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A bundle before encryption, and who sends it."""

    network: NetworkId
    tenant: TenantId
    source: SourceId
    key: str
    """The object's key in storage."""
    media_type: str
    body: bytes
    created: str
    """When the sender made it, RFC 3339."""
    container: str = "s3-v2"
    """How it is encrypted: a name out of `vault.containers.table`."""


def untouched(sealed: bytes) -> bytes:
    """Return the bytes as they are."""
    return sealed


async def put_parcel(
    ports: ServicePorts, parcel: Parcel, spoil: Callable[[bytes], bytes] = untouched
) -> tuple[ObjectInfo, Digest]:
    """Encrypt the parcel and store it; return the stored version and its SHA-256.

    An object that is already there from an interrupted run is taken as it is: objects are written once.
    ``spoil`` changes the encrypted bytes, for tests and demos of refusals.
    """
    body, metadata = await BY_NAME[parcel.container].seal(parcel.body, parcel.tenant, ports.keys)
    stored = spoil(body)
    sha256 = digest(stored)
    try:
        return await ports.objects.put(parcel.key, stored, {**metadata, SHA256: sha256}), sha256
    except Refused as error:
        if error.code != "object.exists":
            raise
    async for info in ports.objects.list(parcel.key):
        if info.uri.endswith(parcel.key):
            return await _known(ports, info)
    raise Refused("object.vanished", "The object was there and is there no longer; try again.")


async def _known(ports: ServicePorts, info: ObjectInfo) -> tuple[ObjectInfo, Digest]:
    found = await ports.objects.head(info.uri, info.version)
    if found is None or SHA256 not in found.metadata:
        raise Refused(
            "object.exists",
            "Another object with this key is already there; choose another key. Objects are written once.",
        )
    return found, Digest(found.metadata[SHA256])


async def check_parcel(ports: ServicePorts, parcel: Parcel) -> None:
    """Return where the coat check would take the parcel's ticket: what is refused later leaves an object that nobody owns.

    Raises `Refused` ``ticket.*`` as the coat check does.
    """
    unstored = ObjectInfo("unstored", "", max(1, len(parcel.body)))
    check_ticket(_ticket(ports, parcel, unstored, digest(parcel.body)))
    try:
        await ports.seal.prepare(parcel.network)
    except Refused:
        raise Refused(
            "ticket.unknown-network",
            f"The key ring has no key for this network; check its name, or trialbridge keys add {parcel.network} makes one.",
        ) from None


def issue(ports: ServicePorts, parcel: Parcel, info: ObjectInfo, sha256: Digest, *, identity: str = "") -> CommandDoc:
    """Return the request for a ticket on a stored parcel."""
    issued = _ticket(ports, parcel, info, sha256)
    return command(ports, "coatcheck", "issue_ticket", issued, identity=identity, tenant=parcel.tenant)


def _ticket(ports: ServicePorts, parcel: Parcel, info: ObjectInfo, sha256: Digest) -> TicketIssued:
    return TicketIssued(
        ticket=ticket_id(parcel.tenant, info.uri, info.version),
        network=parcel.network,
        tenant=parcel.tenant,
        source=parcel.source,
        object_uri=info.uri,
        object_version=info.version,
        size=info.size,
        sha256=sha256,
        media_type=parcel.media_type,
        created=parcel.created,
        expires=(ports.now() + VALID_FOR).isoformat(),
    )
