"""One message while it is read: where we are in it, what was built of it, what was wrong with it."""

from decimal import Decimal
from typing import Any, Final

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.account import Derived, Made, Row, made
from trialbridge.emr.hl7v2.message import Delimiters, Message, Rep, Segment
from trialbridge.emr.hl7v2.times import clock, decimal, timestamp
from trialbridge.emr.ids import resource_id
from trialbridge.emr.records import Feed, Resource, Warnings

Reference = dict[str, Any]
NOWHERE: Final = Place()
USUAL: Final = Delimiters("|", "^", "~", "\\", "&")
WHOLE: Final = frozenset({"MSH", "PID"})
"""Segments that the whole message rests on: with a bad value in one, the message is set aside."""
FIRM: Final = frozenset({"OBX", "DG1"})
"""Segments whose resource is set aside with a bad value; others go on without it, and keep it as it was written."""


class Built:
    """A resource, the segment that it is made of, and which it may not do without."""

    __slots__ = ("resource", "segment")

    def __init__(self, resource: Resource, segment: Segment) -> None:
        """Keep both."""
        self.resource = resource
        self.segment = segment

    @property
    def reference(self) -> str:
        """Return ``Type/id``."""
        return f"{self.resource['resourceType']}/{self.resource['id']}"


class State:
    """The state of one message; what its segments share."""

    def __init__(self, message: Message, entry: str, number: int, feed: Feed, warnings: Warnings) -> None:
        """Begin with nothing built."""
        self.message = message
        self.entry = entry
        self.number = number
        self.feed = feed
        self.warnings = warnings
        self.zone = feed.zone
        self.stamp: dict[str, Any] = {}
        self.local = ""
        self.patient: Reference = {}
        self.event = ""
        self.segment: Segment = message.header
        self.field: int | None = None
        self.built: list[Built] = []
        self.errors: list[tuple[Poison, Segment]] = []
        self.refused: set[int] = set()
        """The id() of segments whose resource is set aside."""
        self.lost: set[str] = set()
        """References to what was begun of them."""
        self.near: dict[str, Segment] = {}
        """The last segment of each name in the group that is read."""
        self.made_after: dict[int, tuple[Row, ...]] = {}
        """By the id() of a segment that was made after an earlier one: where its leaves go."""
        self.recorded: dict[int, tuple[tuple[Any, ...], dict[str, Any], str]] = {}
        """By the id() of a segment that later ones may be made after: its kind, what it became, and its code."""
        self.echoes: list[tuple[Any, Any]] = []
        """Values that were set, and those that said the same again."""
        self.remembers = message.header.marks == USUAL and not message.has_stand_ins
        """Whether values are made after the layouts of earlier ones."""
        self.is_checked = True
        """Whether what is built must pass its checks; not where others see to it."""
        self.is_crossed = False
        """Whether some value holds leaves of another field than its own."""
        self.is_stamp_sound: bool | None = None
        """Whether the time of all resources passes the checks, None before somebody looked."""
        self._ids: dict[str, int] = {}

    def noted(self) -> tuple[int, ...]:
        """Return how much was noted so far beside what was built: whoever remembers something looks whether this stayed the same."""
        return len(self.errors), len(self.echoes), self.warnings.counts.total()

    def place(self, field: int | None = None) -> Place:
        """Return the place of the segment that is read, and of a field in it."""
        return self.segment.place(self.entry, self.number, field if field is not None else self.field)

    def bad(self, code: str, message: str, field: int | None = None) -> None:
        """Note a bad value; raise `Poison` where the segment must not go on with it."""
        error = Poison(code, message, self.place(field))
        if self.segment.name in WHOLE or self.segment.name in FIRM:
            raise error
        self.errors.append((error, self.segment))

    def time(self, text: str) -> Derived | None:
        """Return a FHIR date or dateTime, None for nothing and for a bad one, which is noted."""
        if not text:
            return None
        try:
            return made(timestamp(text, NOWHERE, zone=self.zone), text)
        except Poison as error:
            self.bad(error.code, error.message)
            return None

    def instant(self, text: str) -> Derived | None:
        """Return a FHIR instant, None where the time is not precise enough."""
        found = self.time(text)
        return found if found is not None and "T" in found else None

    def date(self, text: str) -> Derived | None:
        """Return a FHIR date: the day of a time, whatever its zone."""
        found = self.time(text)
        return made(found[:10], text) if found is not None else None

    def clock(self, text: str) -> Derived | None:
        """Return a FHIR time of day."""
        found = clock(text) if text else None
        if text and found is None:
            self.bad("v2.bad-time", "This is not a time of day.")
        return made(found, text) if found is not None else None

    def decimal(self, text: str, *of: str) -> Made | None:
        """Return a number with its digits, None for nothing and for none, which is noted."""
        if not text:
            return None
        found = decimal(text)
        if found is None:
            self.bad("v2.bad-number", "This is not a number.")
            return None
        return Made(found, (text, *of))

    def integer(self, text: str, least: int = 0) -> Made | None:
        """Return a whole number of at least ``least``."""
        found = self.decimal(text)
        if found is None:
            return None
        value = found.value
        if isinstance(value, Decimal) and value == value.to_integral_value() and least <= value <= 2147483647:  # noqa: PLR2004 - FHIR's integers
            return Made(int(value), (text,))
        self.bad("v2.bad-number", "This number is out of range.")
        return None

    def id_of(self, kind: str, *parts: str) -> str:
        """Return the id of a resource that the source names so."""
        return resource_id(self.feed.source, kind, *parts)

    def own(self, kind: str, *parts: str) -> str:
        """Return the id of a resource of this patient; the second of a name in one message gets a number of its own."""
        found = self.id_of(kind, self.local, *parts)
        seen = self._ids[found] = self._ids.get(found, 0) + 1
        return found if seen == 1 else self.id_of(kind, self.local, *parts, f"#{seen}")

    def resource(self, kind: str, identity: str, segment: Segment) -> Resource:
        """Return a new resource, which is checked when the message is read to its end."""
        found: Resource = {"resourceType": kind, "id": identity, "meta": dict(self.stamp)}
        self.built.append(Built(found, segment))
        return found


def reference_to(resource: Resource) -> Reference:
    """Return a reference to a resource."""
    return {"reference": f"{resource['resourceType']}/{resource['id']}"}


def words(rep: Rep) -> str:
    """Return what a repetition says whatever its delimiters are: what identifies it where nothing else does."""
    return "|".join("&".join(subs) for subs in rep.parts)


def usual_words(rep: Rep) -> str:
    """Return `words` of a repetition with the usual delimiters, unsplit where that says the same."""
    raw = rep.raw
    if rep.is_split or "\\" in raw or not raw.isprintable():
        return words(rep)
    if " " in raw and (raw[0] == " " or raw[-1] == " " or any(sign in raw for sign in _BLANKS)):
        return words(rep)
    return raw.replace("^", "|")


_BLANKS: Final = (" ^", "^ ", " &", "& ")
