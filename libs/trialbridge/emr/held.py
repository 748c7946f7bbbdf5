"""What a conversion holds of each resource until it is finished: as it is, or packed as JSON where there is much of it."""

from bisect import bisect_left
from collections.abc import Iterable

import msgspec

from trialbridge.contracts.errors import Place
from trialbridge.emr.account import Account, Row
from trialbridge.emr.jsontext import decode, encode
from trialbridge.emr.resource import Resource

_NOWHERE = Place()


class Held(msgspec.Struct, eq=False):
    """One resource, with what must be known of it without looking into it again."""

    _value: Resource | None
    _data: bytes | None
    is_fhir: bool
    rows: list[Row] | None
    """What became of its source's leaves where they are not in the account yet."""
    medication: bool
    """Whether it refers to a Medication, which goes into it in the end."""
    copies: int = 1
    """How often it came just so."""

    @classmethod
    def of(cls, value: Resource, rows: tuple[Row, ...] | None, *, is_fhir: bool, packed: bool) -> "Held":
        """Return a resource as it is, or ``packed`` as JSON."""
        told = None if rows is None else list(rows)
        value_now, data = (None, encode(value)) if packed else (value, None)
        return cls(value_now, data, is_fhir, told, "medicationReference" in value)

    @classmethod
    def of_text(cls, text: bytes, *, has_medication: bool) -> "Held":
        """Return a resource of FHIR that is held as the JSON it came in, which is just what `encode` writes."""
        return cls(None, text, is_fhir=True, rows=None, medication=has_medication)

    @property
    def value(self) -> Resource:
        """The resource."""
        if self._value is not None:
            return self._value
        found: Resource = decode(self._data or b"", _NOWHERE)
        return found

    def holds(self, value: Resource) -> bool:
        """Whether it is this very object."""
        return self._value is value

    def is_same(self, other: "Held") -> bool:
        """Whether both are packed, and the same to the byte; what is not may still say the same."""
        return self._data is not None and self._data == other.text

    @property
    def text(self) -> bytes:
        """The resource as JSON."""
        return self._data if self._data is not None else encode(self._value)

    def join(self, other: "Held", account: Account) -> None:
        """Take note of another source that says just the same."""
        if (self.rows is None) != (other.rows is None):
            account.enter_all(other.rows or ())
            return
        self.copies += 1
        if self.rows is not None and other.rows is not None:
            self.rows += other.rows

    def replace(self, value: Resource) -> None:
        """Take another value, packed as the one before."""
        if self._data is not None:
            self._data = encode(value)
        else:
            self._value = value


def in_order(names: Iterable[str]) -> list[str]:
    """Return names of resources (``Type/id``) in order: the Patient first, then by type and id."""
    # Types are letters only, so that whole names sort as their two parts do.
    found = sorted(names)
    first = bisect_left(found, "Patient/")
    last = bisect_left(found, "Patient0", first)  # the sign behind the slash
    return [*found[first:last], *found[:first], *found[last:]]
