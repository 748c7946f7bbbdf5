"""What a bad input is: what is handed in, at which door, and where it must show with which code and place."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from trialbridge.contracts.errors import Place
from trialbridge.contracts.events import TicketIssued
from trialbridge.contracts.ids import SourceId, TenantId
from trialbridge.testkit.places import NORTH
from trialbridge.vault.envelope import encrypt_object
from trialbridge.vault.keys import KeyWrapper

CAPS: Final[Mapping[str, Any]] = {
    "max_object_mib": 1,
    "max_unpacked_mib": 24,
    "max_entries": 200,
    "max_nesting": 4,
    "max_ratio": 50,
    "max_faults": 20,
}
"""Settings of the coat check under which these inputs are bad; small, so that a bomb is cheap to make."""

Group = Literal[
    "wrong key", "flipped body", "flipped header", "flipped tag", "flipped metadata", "truncated", "wrong tenant",
    "wrong wrapped key", "unknown algorithm", "bomb", "hostile name", "unusable container", "not FHIR", "broken JSON",
    "broken v2", "bad date", "malformed trial", "unknown trial key", "oversize", "early ticket", "expired ticket",
    "orphaned object", "repeated ticket", "missing object", "wrong hash", "wrong size", "malformed ticket",
    "malformed command", "malformed message",
]  # fmt: skip

Shown = Literal["refused", "set aside", "kept", "expired", "orphaned", "redeemed", "answered", "letter only"]
"""Where the outcome stands.

refused: the ticket ends as refused, and lies among the dead letters; set aside: the ticket is redeemed, its bad records lie
among the dead letters; kept: the ticket stays redeemed, a later claim on it lies among the dead letters; expired: as
refused, by time; orphaned: the sweep reports the object; redeemed: nothing is bad after all; answered: the request itself is
refused; letter only: a message of the log lies among the dead letters.
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A stable code, and the place without the bundle."""

    code: str
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Locked:
    """An object as it is stored."""

    body: bytes
    metadata: Mapping[str, str]


Lock = Callable[[bytes, KeyWrapper, TenantId], Awaitable[Locked]]
"""Turns a bundle into what is stored."""
Change = Callable[[TicketIssued], TicketIssued]
"""Turns the honest ticket into the one that is issued."""


async def lock(plain: bytes, keys: KeyWrapper, tenant: TenantId) -> Locked:
    """Return the bundle as an honest sender stores it."""
    return Locked(*await encrypt_object(plain, keys, tenant=tenant))


def honest(ticket: TicketIssued) -> TicketIssued:
    """Return the ticket as it is."""
    return ticket


def changed(**fields: Any) -> Change:
    """Return the change that sets fields of a ticket."""
    return lambda ticket: msgspec.structs.replace(ticket, **fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """An object and its tickets."""

    plain: bytes
    media_type: str = "application/fhir+ndjson"
    tenant: TenantId = NORTH.tenant
    source: SourceId = NORTH.id
    lock: Lock = lock
    tickets: tuple[Change, ...] = (honest,)
    """One for each time that a ticket is issued; none for an object that nobody tickets."""
    door: Literal["command", "topic"] = "command"
    """Tickets come as commands, or in the topic itself."""
    stored: Literal["before", "later", "never"] = "before"
    """When the object is there: before its ticket, once that waits, or never."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to a service, by a command."""

    to: Literal["trialfeed", "matchbook", "notifier", "coatcheck"]
    kind: str
    body: bytes
    tenant: str = "operator"


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes put into the topic of tickets."""

    value: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)
    key: str = ""
    """Of the record inside, where one can be read."""


@dataclass(frozen=True, slots=True)
class BadInput:
    """One bad input and all that must come of it."""

    name: str
    group: Group
    given: Bundle | Asked | Message
    shown: Shown
    faults: tuple[Fault, ...]
    good: tuple[str, ...] = ()
    """Local ids of the patients in the same bundle who must come through."""
    hint: str = ""
    """Part of what a refused trial is advised to write."""


def refused(name: str, group: Group, bundle: Bundle, code: str, place: Place = Place()) -> BadInput:
    """Return an input whose ticket is refused."""
    return BadInput(name, group, bundle, "refused", (Fault(code, place),))


def set_aside(name: str, group: Group, bundle: Bundle, faults: tuple[Fault, ...], good: tuple[str, ...]) -> BadInput:
    """Return an input whose bad records are set aside while its good ones go on."""
    return BadInput(name, group, bundle, "set aside", faults, good)
