"""Tickets: how they are made, checked, re-issued, and how their documents are numbered."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec

from trialbridge.contracts.documents import TicketDoc
from trialbridge.contracts.errors import Place, Poison, Refused
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import Digest, NetworkId, SourceId, TenantId, TicketId, ticket_id
from trialbridge.emr.convert import CONVERTERS
from trialbridge.runtime.objects.naming import check_uri, check_version
from trialbridge.runtime.ports import ObjectInfo

Status = Literal["issued", "waiting", "redeemed", "refused", "expired"]
SHA256: Final = re.compile(r"[0-9a-f]{64}")
RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
SPAN: Final = 10_000
"""Versions that one issue of a ticket may use."""
STEPS: Final = {"issued": 1, "waiting": 2, "expired": SPAN - 2, "refused": SPAN - 2, "redeemed": SPAN - 1}
"""An outcome is newer than waiting, and what has been redeemed once is never anything else in the same issue."""
MOST_ATTEMPTS: Final = SPAN - 10
MOST_BYTES: Final = 2**63 - 1
"""Of a ticket's size: the greatest number that every document store holds."""
MOST_ISSUES: Final = 10**9
"""Leaves room for the versions of each of them."""


def make_ticket(
    info: ObjectInfo,
    sha256: Digest,
    *,
    network: NetworkId,
    tenant: TenantId,
    source: SourceId,
    media_type: str,
    created: str,
    expires: str,
    key_ref: str = "",
) -> TicketIssued:
    """Return the ticket of a stored object.

    Args:
        info: The object's pinned version, as the store gave it.
        sha256: Of the object as stored (encrypted).
        network: Whose view the records go into.
        tenant: Who sends them, and under whose key the object is encrypted.
        source: The feed, for example ``north-clinic/ehr``.
        media_type: Of the innermost content.
        created: The delivery's business time, RFC 3339.
        expires: Until when the ticket may be redeemed, RFC 3339.
        key_ref: The wrapping key that was used, where the sender wants to say so.
    """
    return TicketIssued(
        ticket=ticket_id(tenant, info.uri, info.version),
        network=network,
        tenant=tenant,
        source=source,
        object_uri=info.uri,
        object_version=info.version,
        size=info.size,
        sha256=sha256,
        media_type=media_type,
        created=created,
        expires=expires,
        key_ref=key_ref,
    )


def check_ticket(ticket: TicketIssued) -> None:
    """Return where the ticket holds together.

    Raises:
        Refused: ``ticket.id-mismatch``, ``ticket.bad-time``, ``ticket.bad-digest``, ``ticket.bad-size``,
            ``ticket.bad-issue``, ``ticket.unknown-type``, ``ticket.incomplete``, ``object.bad-name``,
            ``object.bad-version``, with the field in its place.
    """
    for field in ("network", "tenant", "source", "object_uri"):
        if not getattr(ticket, field):
            raise _refused("incomplete", f"The ticket does not say {field}.", field)
    check_uri(ticket.object_uri)
    check_version(ticket.object_version)
    if ticket.ticket != ticket_id(ticket.tenant, ticket.object_uri, ticket.object_version):
        raise _refused("id-mismatch", "The ticket's id does not fit its tenant, object and version.", "ticket")
    for field in ("created", "expires"):
        moment(getattr(ticket, field), field)
    if not SHA256.fullmatch(ticket.sha256):
        raise _refused("bad-digest", "sha256 must be 64 lower-case hex digits.", "sha256")
    if not 0 < ticket.size <= MOST_BYTES:
        raise _refused("bad-size", "size must be the object's length in bytes.", "size")
    if ticket.media_type.split(";")[0].strip().lower() not in CONVERTERS:
        raise _refused("unknown-type", f"media_type must be one of {', '.join(sorted(CONVERTERS))}.", "media_type")
    if ticket.issue < 1:
        raise _refused("incomplete", "issue counts from 1.", "issue")
    if ticket.issue > MOST_ISSUES:
        raise _refused("bad-issue", "No ticket was ever issued so often.", "issue")


def moment(text: str, field: str) -> datetime:
    """Return an RFC 3339 time; raise `Refused` ``ticket.bad-time`` where it is none or names no zone."""
    try:
        # Python reads weeks, days alone and times without colons too; what comes after this stage does not.
        found = datetime.fromisoformat(text) if RFC_3339.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise _refused("bad-time", f"{field} must be a time such as 2026-06-01T08:00:00Z.", field)
    if found.tzinfo is None:
        raise _refused("bad-time", f"{field} must name its zone.", field)
    try:
        found.astimezone(UTC)
    except OverflowError:
        raise _refused("bad-time", f"{field} lies outside of the calendar in UTC.", field) from None
    return found


def _refused(code: str, message: str, field: str) -> Refused:
    return Refused(f"ticket.{code}", message, Place(field=field))


def expired(ticket: TicketIssued, now: datetime) -> bool:
    """Return whether the ticket is too old to be redeemed for the first time."""
    return moment(ticket.expires, "expires") <= now


def reissued(ticket: TicketIssued, issue: int, now: datetime, valid_for: timedelta) -> TicketIssued:
    """Return the same ticket issued again: good for ``valid_for`` from now."""
    return msgspec.structs.replace(ticket, issue=issue, expires=(now + valid_for).isoformat())


def cause_of(ticket: TicketIssued) -> str:
    """Return the cause of a ticket's event: whoever publishes the same issue, it is the same event."""
    return f"{ticket.ticket}/{ticket.issue}"


def document(
    ticket: TicketIssued,
    status: Status,
    now: datetime,
    known: TicketDoc | None,
    error: Poison | None = None,
    attempts: int = 0,
) -> TicketDoc:
    """Return the ticket's document in a state of its life; ``known`` is what is stored, ``attempts`` counts second looks."""
    if status != "waiting" and known is not None and known.issue == ticket.issue:
        attempts = known.attempts
    return TicketDoc(
        id=ticket.ticket,
        version=ticket.issue * SPAN + STEPS[status] + (min(attempts, MOST_ATTEMPTS) if status == "waiting" else 0),
        network=ticket.network,
        tenant=ticket.tenant,
        source=ticket.source,
        object_uri=ticket.object_uri,
        object_version=ticket.object_version,
        sha256=ticket.sha256,
        size=min(max(ticket.size, 0), MOST_BYTES),
        status=status,
        issued=(known.issued if known else "") or now.isoformat(),
        updated=now.isoformat(),
        code=error.code if error else "",
        message=error.message if error else "",
        place=error.place if error else Place(),
        attempts=attempts,
        media_type=ticket.media_type,
        created=ticket.created,
        expires=ticket.expires,
        key_ref=ticket.key_ref,
        issue=ticket.issue,
    )


def ticket_of(doc: TicketDoc) -> TicketIssued:
    """Return the ticket that a document speaks of; raise `Refused` ``ticket.never-issued`` for an orphan."""
    if doc.issue < 1:
        raise Refused("ticket.never-issued", "Nobody has issued a ticket for this object; issue one.")
    return TicketIssued(
        ticket=TicketId(doc.id),
        network=NetworkId(doc.network),
        tenant=TenantId(doc.tenant),
        source=SourceId(doc.source),
        object_uri=doc.object_uri,
        object_version=doc.object_version,
        size=doc.size,
        sha256=Digest(doc.sha256),
        media_type=doc.media_type,
        created=doc.created,
        expires=doc.expires,
        key_ref=doc.key_ref,
        issue=doc.issue,
    )
