"""What connects results with the rest of their message: the same for all in a row, so it is made once and checked once."""

from typing import Any, Final

from trialbridge.emr.account import Found, leaves_of, plain
from trialbridge.emr.fhir.checks import passes
from trialbridge.emr.records import Resource

_NO_ID: Final = "00000000-0000-5000-8000-000000000000"
"""Of the form that all ids have."""


class Frame:
    """What every result of one order, specimen and visit has."""

    __slots__ = ("_on", "_references", "_sound", "_stamp", "_told", "meta", "number", "of", "subject", "times")

    def __init__(self, of: tuple[Any, ...], number: str, stamp: dict[str, Any], subject: str) -> None:
        """Begin without references; ``of`` is what it was made of, ``stamp`` the meta of all that the message becomes."""
        self.of = of
        self.number = number
        """The order number that results go by."""
        self.meta = {name: str(value) for name, value in stamp.items()}
        self.subject = subject
        self.times: dict[str, Any] = {}
        """Times of results by what was written, and by nothing for the order's own."""
        self._stamp = stamp
        self._references: list[tuple[str, str, bool]] = []
        self._sound: dict[str, bool] = {}
        self._told: set[bool] = set()

    def refer(self, name: str, reference: str, *, listed: bool = False) -> None:
        """Let each result refer to something, in a list of one where the element is one."""
        self._references.append((name, reference, listed))

    def connect(self, found: Resource) -> None:
        """Put the references into a result."""
        for name, reference, listed in self._references:
            found[name] = [{"reference": reference}] if listed else {"reference": reference}

    def leaves(self, on: Any) -> Found:
        """Return the leaves of what it puts into a result with this time; the next with the same leaves has nothing to add."""
        is_own = type(on) is str
        if is_own in self._told:
            return []
        self._told.add(is_own)
        found: Found = []
        plain(self._stamp, "Observation.meta", found)
        return [*found, *((leaf, "Observation.effectiveDateTime") for leaf in leaves_of(on))]

    def is_sound(self, on: str | None) -> bool:
        """Return whether it passes the checks with a time; the other elements passed them with the first result of their kind.

        Whether an element is good does not hang on the others; which may stand together is the same for all of a kind.
        """
        told = on or ""
        known = self._sound.get(told)
        if known is None:
            known = self._sound[told] = self._passes(told)
        return known

    def _passes(self, on: str) -> bool:
        frame: Resource = {
            "resourceType": "Observation",
            "id": _NO_ID,
            "meta": self.meta,
            "subject": {"reference": self.subject},
            "status": "final",
            "code": {"text": "-"},
        }
        self.connect(frame)
        if on:
            frame["effectiveDateTime"] = str(on)
        return passes(frame)

    def open(self, found: Resource, on: Any) -> None:
        """Give a result its leaves back: somebody added to it, and it is settled as any other."""
        found["meta"] = {**found["meta"], **self._stamp}
        if type(on) is not str and on is not None:
            found["effectiveDateTime"] = on
