"""How records are written into messages: a JSON array of envelopes, compressed, sealed where the topic says so.

All records of a message belong to one partition and one network. A record too large for a message travels alone, in
parts; the reader joins them (ADR 0003).
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import msgspec
import zstandard

from trialbridge.contracts.errors import NOT_AS_DESCRIBED, Place, Undecodable, json_path
from trialbridge.contracts.events import Payload
from trialbridge.contracts.ids import EventId, NetworkId
from trialbridge.contracts.topics import MESSAGE_LIMIT, Topic

P = TypeVar("P", bound=Payload)
CHUNK: Final = MESSAGE_LIMIT - 16 * 1024
"""Bytes of content in one message, which leaves room for the seal and the headers."""
PLAIN_LIMIT: Final = 64 * 1024 * 1024
"""Cap on one message's or part set's decompressed size."""
BATCH_BYTES: Final = 256 * 1024
"""Aim for a batch's uncompressed size: large enough to be cheap, small enough to be fair."""
CLEAR: Final = b"\x00"
SEALED: Final = b"\x01"


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """One record on the wire."""

    id: EventId
    key: str
    network: NetworkId
    trace: str
    data: msgspec.Raw


class Seal(Protocol):
    """Encrypts and opens values under a network's data key, bound to a context (the topic's or table's name)."""

    async def prepare(self, network: NetworkId) -> None:
        """Make a network's data key ready; raise `Refused` ``key.unknown`` where it has none, `Unavailable`."""
        ...

    async def seal(self, network: NetworkId, context: str, plaintext: bytes) -> bytes:
        """Return the sealed bytes."""
        ...

    async def open(self, value: bytes, context: str) -> bytes:
        """Return the plaintext, asking the key service where the key is not cached; raise `Poison` if refused."""
        ...

    def open_now(self, value: bytes, context: str) -> bytes | None:
        """Return the plaintext if the key is at hand, else None."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """What goes into the log."""

    value: bytes
    headers: dict[str, bytes]


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(tuple[Envelope, ...])
# Compression contexts keep state within a call only; the process has one event loop.
_COMPRESS = zstandard.ZstdCompressor(level=1)
"""Level 1: JSON of a record becomes as small as at level 3, in half of the time."""
_DECOMPRESS = zstandard.ZstdDecompressor(max_window_size=1 << 27)


def compress(plain: bytes) -> bytes:
    """Return ``plain`` as one zstd frame that states its size."""
    return _COMPRESS.compress(plain)


def decompress(frame: bytes) -> bytes:
    """Return the content of one zstd frame; raise `Undecodable` where it is broken or larger than `PLAIN_LIMIT`."""
    try:
        if zstandard.frame_content_size(frame) > PLAIN_LIMIT:
            raise Undecodable("wire.too-large", "A message states a size over the cap.")
        return _DECOMPRESS.decompress(frame, max_output_size=PLAIN_LIMIT)
    except zstandard.ZstdError:
        raise Undecodable("wire.broken-frame", "A message's compression is broken.") from None


def batches(envelopes: Sequence[Envelope]) -> Iterator[list[Envelope]]:
    """Yield runs of envelopes of about `BATCH_BYTES`, in order; a large one comes alone."""
    run: list[Envelope] = []
    size = 0
    for envelope in envelopes:
        length = len(memoryview(envelope.data)) + 256
        if run and size + length > BATCH_BYTES:
            yield run
            run, size = [], 0
        run.append(envelope)
        size += length
    if run:
        yield run


async def encode(
    envelopes: Sequence[Envelope], network: NetworkId, context: str, seal: Seal | None, headers: dict[str, bytes]
) -> list[Message]:
    """Return the messages that carry ``envelopes``: one, or several parts where the content is over the limit."""
    content = compress(_ENCODER.encode(envelopes))
    chunks = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
    messages = []
    for number, chunk in enumerate(chunks):
        value = CLEAR + chunk if seal is None else SEALED + await seal.seal(network, context, chunk)
        part = {} if len(chunks) == 1 else {"part": b"%s/%d/%d" % (envelopes[0].id.encode(), number, len(chunks))}
        messages.append(Message(value, headers | part))
    return messages


PART_MARK: Final = b"\x00"


def message_key(topic: Topic[Any], key: str, message: Message) -> bytes:
    """Return the key of a message: the record's; a later part of a compacted topic has one of its own, so that it stays."""
    part = message.headers.get("part")
    number = _part(part)[2] if part is not None and topic.compacted else 0
    return key.encode() + (b"%s%d" % (PART_MARK, number) if number else b"")


async def unseal(topic: Topic[Any], value: bytes, seal: Seal) -> bytes:
    """Return the compressed content of one message's value; raise `Poison` where it is refused.

    On a topic that is sealed a clear value is refused: whoever may write to the log, but has no key, could else speak for a sender.
    """
    form = value[:1]
    if form == CLEAR:
        if topic.sealed:
            raise Undecodable("wire.not-sealed", "A message on a topic whose values are sealed came in the clear.")
        return value[1:]
    if form == SEALED:
        return await seal.open(value[1:], f"topic:{topic.name}")
    raise Undecodable("wire.unknown-form", "A message begins with a byte that is no form of ours.")


def decode(content: bytes) -> tuple[Envelope, ...]:
    """Return the envelopes in compressed content; raise `Undecodable` where they do not follow the contract."""
    try:
        return _DECODER.decode(decompress(content))
    except NOT_AS_DESCRIBED:
        raise Undecodable("wire.not-envelopes", "A message does not hold envelopes.") from None


@functools.cache
def _payloads(topic: Topic[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(topic.payload)


def payload_of(topic: Topic[P], envelope: Envelope) -> P:
    """Return what an envelope of a topic carries; raise `Undecodable` where it does not follow the topic's type."""
    try:
        return _payloads(topic).decode(envelope.data)  # type: ignore[no-any-return]  # a decoder of the topic's payload
    except NOT_AS_DESCRIBED as error:
        raise Undecodable(
            "wire.payload-invalid", f"A record does not follow {topic.type}.", Place(field=json_path(error))
        ) from None


PartSet = tuple[bytes, int]
"""A large record's id, and how many parts it has."""


def part_set(part: bytes) -> PartSet:
    """Return the set that a part belongs to; raise `Undecodable` where its header is not ``id/number/count``."""
    return _part(part)[:2]


def _part(header: bytes) -> tuple[bytes, int, int]:
    try:
        name, number, count = header.rsplit(b"/", 2)
        index, total = int(number), int(count)
    except ValueError:
        raise Undecodable("wire.bad-part", "A part's header is not id, number and count.") from None
    if not 0 <= index < total <= PLAIN_LIMIT // CHUNK:
        raise Undecodable("wire.bad-part", "A part's number is out of range.")
    return name, total, index


@dataclass(slots=True)
class Joiner:
    """Joins the parts of large records, per partition. Parts repeat after a crash; sets are told apart by id and count."""

    sets: dict[PartSet, dict[int, bytes]]
    keys: dict[bytes, PartSet] = field(default_factory=dict)
    """The set that was begun last of each message key."""

    def add(self, key: bytes, part: bytes, content: bytes) -> bytes | None:
        """Keep one part (header ``id/number/count``); return the whole content once its last part is there."""
        name, total, index = _part(part)
        for old in [other for other in self.sets if other[0] == name and other[1] != total]:
            # The sender crashed between parts and then found the record to be of another size.
            del self.sets[old]
        pieces = self.sets.setdefault((name, total), {})
        self.keys[key] = (name, total)
        pieces[index] = content
        if len(pieces) < total:
            return None
        del self.sets[(name, total)]
        self.keys.pop(key, None)
        return b"".join(pieces[i] for i in range(total))

    def supersede(self, key: bytes, part: bytes | None) -> None:
        """Give up an unfinished set of ``key`` because a newer record of that key came; for compacted topics."""
        known = self.keys.get(key)
        if known is not None and (part is None or part_set(part) != known):
            self.give_up(known)
            del self.keys[key]

    def give_up(self, name: PartSet) -> None:
        """Forget a set that will never be whole."""
        self.sets.pop(name, None)
