"""Tickets that do not hold together, come too early, too late, twice or never, or do not fit their object."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import msgspec

from trialbridge.contracts.errors import Place
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import ticket_id
from trialbridge.testkit.badinputs import good
from trialbridge.testkit.badinputs.model import BadInput, Bundle, Change, Fault, changed, honest, refused

PAST: Final = "2026-01-01T00:00:00Z"
FIELDS: Final[tuple[tuple[str, Any, str], ...]] = (
    ("created", "yesterday", "ticket.bad-time"), ("created", "", "ticket.bad-time"), ("created", "2026-06-01", "ticket.bad-time"),
    ("created", "2026-06-01T08:00:00", "ticket.bad-time"), ("created", "2026-02-30T08:00:00Z", "ticket.bad-time"),
    ("created", "2026-W23-1T08:00:00Z", "ticket.bad-time"), ("created", "20260601T080000Z", "ticket.bad-time"),
    ("expires", "never", "ticket.bad-time"), ("expires", "9999-99-99T00:00:00Z", "ticket.bad-time"),
    ("expires", "1780300800", "ticket.bad-time"), ("sha256", "", "ticket.bad-digest"), ("sha256", "0" * 63, "ticket.bad-digest"),
    ("sha256", "g" * 64, "ticket.bad-digest"), ("sha256", "A" * 64, "ticket.bad-digest"), ("size", 0, "ticket.bad-size"),
    ("size", -1, "ticket.bad-size"), ("size", -(2**40), "ticket.bad-size"), ("media_type", "", "ticket.unknown-type"),
    ("media_type", "text/plain", "ticket.unknown-type"), ("media_type", "application/pdf", "ticket.unknown-type"),
    ("media_type", "application/fhir+json, text/html", "ticket.unknown-type"), ("network", "", "ticket.incomplete"),
    ("source", "", "ticket.incomplete"), ("issue", 0, "ticket.incomplete"), ("issue", -3, "ticket.incomplete"),
)  # fmt: skip
"""A field, its value, and the code."""


def anew(**fields: Any) -> Change:
    """Return the change of fields that the ticket's id depends on, with the id that fits them."""

    def change(ticket: TicketIssued) -> TicketIssued:
        made = msgspec.structs.replace(ticket, **fields)
        return msgspec.structs.replace(made, ticket=ticket_id(made.tenant, made.object_uri, made.object_version))

    return change


def _bundle(local: str, *tickets: Change, **more: Any) -> Bundle:
    return Bundle(plain=good.lines(local), tickets=tickets or (honest,), **more)


def malformed() -> Iterator[BadInput]:
    """Yield tickets with one wrong field: refused at the desk, or, where they are in the topic already, by the stage."""
    for number, (field, value, code) in enumerate(FIELDS):
        bundle = _bundle("never", changed(**{field: value}), stored="never")
        name = f"{field} {value!r}"
        if number % 2 and field != "network":
            in_topic = replace(bundle, door="topic")
            if field == "issue":
                # Its versions may be another ticket's, so no document of a ticket is written.
                yield BadInput(
                    f"{name} in the topic",
                    "malformed ticket",
                    in_topic,
                    "letter only",
                    (Fault(code, Place(field=field)),),
                )
                continue
            yield refused(f"{name} in the topic", "malformed ticket", in_topic, code, Place(field=field))
        else:
            yield BadInput(name, "malformed ticket", bundle, "answered", (Fault(code),))
    for field in ("tenant", "object_uri"):
        change = anew(**{field: ""})
        bundle = _bundle("never", change, stored="never")
        yield BadInput(f"no {field}", "malformed ticket", bundle, "answered", (Fault("ticket.incomplete"),))
    nowhere = _bundle("never", changed(network="nowhere"), stored="never")
    yield BadInput(
        "a network without a key", "malformed ticket", nowhere, "answered", (Fault("ticket.unknown-network"),)
    )
    for number, identity in enumerate(("", "tkt_0", "../../x")):
        bundle = _bundle("never", changed(ticket=identity), stored="never")
        fault = Fault("ticket.id-mismatch", Place(field="ticket"))
        yield BadInput(f"id {number}", "malformed ticket", bundle, "answered", (Fault(fault.code),))
        yield BadInput(
            f"id {number} in the topic", "malformed ticket", replace(bundle, door="topic"), "letter only", (fault,)
        )
    for uri in ("file:///etc/passwd", "s3://elsewhere/key", "http://127.0.0.1/", "file:relative", "key"):
        bundle = _bundle("never", anew(object_uri=uri), stored="never")
        yield refused(f"object {uri}", "malformed ticket", bundle, "object.outside")
    for uri in ("file:///%00", "file://[x/y", "file:///a/../b", "file:///a#b", "s3://b/" + "k" * 1025, "s3://b/%ff"):
        in_topic = _bundle("never", anew(object_uri=uri), stored="never", door="topic")
        name = f"object named {uri[:20]}"
        yield refused(name, "malformed ticket", in_topic, "object.bad-name", Place(field="object_uri"))
    for version in ("a b", "x" * 1025, "\x00"):
        in_topic = _bundle("never", anew(object_version=version), stored="never", door="topic")
        name = f"version {version[:9]!r}"
        yield refused(name, "malformed ticket", in_topic, "object.bad-version", Place(field="object_version"))


def unfitting() -> Iterator[BadInput]:
    """Yield tickets of another object than the one that is stored."""
    for number in range(6):
        digest = f"{number:x}" * 64
        bundle = _bundle("never", changed(sha256=digest), door="topic" if number % 2 else "command")
        yield refused(f"sha256 {number}", "wrong hash", bundle, "object.sha256-mismatch", Place(field="sha256"))
    for size in (1, 17, 100, 100_000, 1_000_000):
        bundle = _bundle("never", changed(size=size))
        yield refused(f"size {size}", "wrong size", bundle, "object.size-mismatch", Place(field="size"))


def out_of_time(soon: str) -> Iterator[BadInput]:
    """Yield tickets that come too early, too late, more than once, and objects without any; ``soon`` is a time that passes."""
    for number, expires in enumerate((PAST, "2020-02-29T00:00:00+14:00", "0001-01-01T00:00:00+00:00")):
        door: Any = "topic" if number % 2 else "command"
        bundle = _bundle("never", changed(expires=expires), door=door)
        yield BadInput(f"expired {number}", "expired ticket", bundle, "expired", (Fault("ticket.expired"),))
    for number in range(4):
        bundle = _bundle("never", changed(expires=soon), stored="never")
        yield BadInput(f"missing {number}", "missing object", bundle, "expired", (Fault("ticket.expired"),))
    for number in range(3):
        bundle = _bundle("never", anew(object_version=f"{number}" * 64, expires=soon))
        yield BadInput(f"another version {number}", "missing object", bundle, "expired", (Fault("ticket.expired"),))
    for number in range(4):
        local = f"early-{number}"
        yield BadInput(f"early {number}", "early ticket", _bundle(local, stored="later"), "redeemed", (), (local,))
    for number in range(4):
        yield BadInput(
            f"orphan {number}", "orphaned object", replace(_bundle("never"), tickets=()), "orphaned", (Fault("ticket.orphaned"),)
        )  # fmt: skip
    for number in range(4):
        local = f"repeated-{number}"
        door = "topic" if number % 2 else "command"
        bundle = _bundle(local, honest, honest, honest, door=door)
        yield BadInput(f"three times {number}", "repeated ticket", bundle, "redeemed", (), (local,))
    forged = changed(sha256="0" * 64)
    fault = Fault("object.sha256-mismatch", Place(field="sha256"))
    yield BadInput("forged after", "repeated ticket", _bundle("forged", honest, forged), "kept", (fault,), ("forged",))


def tickets(soon: str) -> Iterator[BadInput]:
    """Yield all of them."""
    yield from malformed()
    yield from unfitting()
    yield from out_of_time(soon)
