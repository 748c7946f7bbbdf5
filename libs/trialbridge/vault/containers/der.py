"""A walker over BER and DER (X.690): tags, lengths and where contents lie, without copying them; for the CMS reader alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from trialbridge.contracts.errors import Refused
from trialbridge.vault.containers.model import refused

INTEGER: Final = 0x02
OCTETS: Final = 0x04
OBJECT: Final = 0x06
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONSTRUCTED: Final = 0x20
INDEFINITE: Final = 0x80
LENGTH_BYTES: Final = 4
DEPTH: Final = 16
FREE: Final = 4096
LEAST: Final = 64
"""Bytes that the values in one another have on average, beyond the first `FREE`: pieces of nothing cost time, and hold nothing."""


@dataclass(frozen=True, slots=True)
class Value:
    """One tag, length and content in a body."""

    body: memoryview
    tag: int
    start: int
    """Of the tag."""
    content: int
    """Where the content begins."""
    end: int
    """Behind the content."""
    after: int
    """Behind the value: two more than ``end`` for an indefinite length."""

    @property
    def inner(self) -> memoryview:
        """Return the content."""
        return self.body[self.content : self.end]

    @property
    def whole(self) -> bytes:
        """Return tag, length and content."""
        return bytes(self.body[self.start : self.after])

    def values(self) -> "Iterator[Value]":
        """Yield what a constructed value is made of."""
        at = self.content
        number = 0
        while at < self.end:
            found = value_at(self.body, at, self.end)
            yield found
            at = found.after
            number += 1
            _check_count(number, at - self.content)


def value_at(body: memoryview, at: int, limit: int, depth: int = 0) -> Value:
    """Return the value at a place; raise `Refused` ``envelope.broken`` where it does not end before ``limit``."""
    if at + 2 > limit or depth > DEPTH:
        raise broken()
    tag, first = body[at], body[at + 1]
    if tag & 0x1F == 0x1F:  # noqa: PLR2004 - tags of several bytes occur nowhere in CMS
        raise broken()
    content = at + 2
    if first == INDEFINITE:
        if not tag & CONSTRUCTED:
            raise broken()
        return _indefinite(body, at, content, limit, depth)
    length = first
    if first > INDEFINITE:
        size = first & 0x7F
        content += size
        if size > LENGTH_BYTES or content > limit:
            raise broken()
        length = int.from_bytes(body[at + 2 : content])
    if content + length > limit:
        raise broken()
    return Value(body, tag, at, content, content + length, content + length)


def _indefinite(body: memoryview, at: int, content: int, limit: int, depth: int) -> Value:
    place, number = content, 0
    while True:
        if place + 2 > limit:
            raise broken()
        if body[place] == 0 and body[place + 1] == 0:
            return Value(body, body[at], at, content, place, place + 2)
        place = value_at(body, place, limit, depth + 1).after
        number += 1
        _check_count(number, place - content)


def _check_count(number: int, size: int) -> None:
    if number > FREE and size < number * LEAST:
        raise broken()


def octets(value: Value, depth: int = 0) -> Iterator[memoryview]:
    """Yield the pieces of an octet string, primitive or constructed, whatever its outer tag is."""
    if depth > DEPTH:
        raise broken()
    if not value.tag & CONSTRUCTED:
        yield value.inner
        return
    for one in value.values():
        if one.tag & ~CONSTRUCTED != OCTETS:
            raise broken()
        yield from octets(one, depth + 1)


def written(tag: int, *contents: bytes) -> bytes:
    """Return a value in DER."""
    return b"".join(around(tag, contents))


def around(tag: int, pieces: Iterable[bytes | memoryview]) -> list[bytes | memoryview]:
    """Return a value in DER as pieces, the content's own ones uncopied behind its tag and length."""
    content = list(pieces)
    size = sum(map(len, content))
    if size < INDEFINITE:
        return [bytes([tag, size]), *content]
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return [bytes([tag, INDEFINITE | len(length)]) + length, *content]


def broken() -> Refused:
    """Return the error of bytes that are not CMS."""
    return refused("broken", "The object is not a CMS message in DER or BER.")
