"""A stage's tables: Faust's changelog recovery, our own storage by partition, values decoded once.

A change is noted first and written by the lane at the end of the batch. Raw values are ``form byte + content``: clear,
sealed, or split over several changelog keys where they would not fit into one message.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import islice
from typing import Any, Final, Generic, TypeVar

import msgspec
import zstandard
from faust.stores import memory
from faust.tables.table import Table as FaustTable

from trialbridge.contracts.errors import Undecodable
from trialbridge.contracts.ids import NetworkId
from trialbridge.runtime.effects import TableSpec
from trialbridge.runtime.stage import wire

V = TypeVar("V")

SPLIT: Final = b"\x02"
SEPARATOR: Final = "\x00"
SMALL: Final = 200
"""Bytes up to which a value is kept as it is: a frame of its own would save nothing. JSON never begins as a frame does."""


class KeyNotAtHand(Exception):
    """A sealed value needs a data key that must first be fetched; the boundary fetches it and runs the handler again."""

    def __init__(self, value: bytes, context: str) -> None:
        """Keep what must be opened."""
        super().__init__()
        self.value = value
        self.context = context


class PartitionedStore(memory.Store):
    """Faust's in-memory store, kept apart by partition so that broadcast tables and moved partitions stay clean."""

    def __post_init__(self) -> None:
        """Begin empty."""
        super().__post_init__()
        self.parts: dict[int, dict[str, bytes]] = {}
        self.changed: Callable[[int, str], None] = lambda _partition, _key: None

    def apply_changelog_batch(
        self, batch: Iterable[Any], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Apply recovered changelog events; None deletes."""
        del to_key, to_value
        for event in batch:
            partition, key = event.message.partition, event.message.key.decode()
            part = self.parts.setdefault(partition, {})
            if event.message.value is None:
                part.pop(key, None)
            else:
                part[key] = event.message.value
            self.changed(partition, key)

    async def on_recovery_completed(self, active_tps: set[Any], standby_tps: set[Any]) -> None:
        """Drop the partitions that live elsewhere now."""
        mine = {tp.partition for tp in active_tps | standby_tps}
        for partition in list(self.parts.keys() - mine):
            del self.parts[partition]


class ChangelogTable(FaustTable):
    """A Faust table of which only changelog and recovery are used; the lane writes the changelog itself."""

    def _new_store(self) -> PartitionedStore:
        return PartitionedStore("memory://", self.app, self, table_name=self.name, loop=self.loop)


class StateTable(Generic[V]):
    """One stage table over all partitions that this worker holds."""

    def __init__(self, spec: TableSpec[V], store: PartitionedStore, changelog: str, seal: wire.Seal) -> None:
        """Wrap a store; ``changelog`` is the topic that the lane writes changes to."""
        self.spec = spec
        self.changelog = changelog
        self._store = store
        self._seal = seal
        self._decoder = msgspec.json.Decoder(spec.value)
        self._encoder = msgspec.json.Encoder()
        self._decoded: dict[int, dict[str, V | None]] = {}
        store.changed = self._forget_key

    def _forget_key(self, partition: int, key: str) -> None:
        self._decoded.get(partition, {}).pop(key.split(SEPARATOR, 1)[0], None)

    def forget(self, partition: int) -> None:
        """Drop what was decoded of a partition that goes elsewhere."""
        self._decoded.pop(partition, None)

    def get(self, partition: int, key: str) -> V | None:
        """Return the value, noted changes included.

        Raises:
            KeyNotAtHand: where the value is sealed under a key that is not cached.
        """
        decoded = self._decoded.setdefault(partition, {})
        if key in decoded:
            return decoded[key]
        raw = self._store.parts.get(partition, {}).get(key)
        value = None if raw is None else self._decode(partition, key, raw)
        decoded[key] = value
        return value

    def note(self, partition: int, key: str, value: V | None) -> V | None:
        """Set the value in memory (None: delete) and return the one before, for undoing."""
        before = self.get(partition, key)
        self._decoded[partition][key] = value
        return before

    def restore(self, partition: int, key: str, value: V | None) -> None:
        """Undo a note."""
        self._decoded.setdefault(partition, {})[key] = value

    def items(self, partition: int) -> Iterator[tuple[str, V]]:
        """Yield entries of one partition in key order, noted changes included."""
        keys = {key for key in self._store.parts.get(partition, {}) if SEPARATOR not in key}
        keys.update(self._decoded.get(partition, {}))
        for key in sorted(keys):
            value = self.get(partition, key)
            if value is not None:
                yield key, value

    async def encode(self, partition: int, key: str, value: V | None, network: NetworkId) -> dict[str, bytes | None]:
        """Return the changelog entries that write ``value``, by raw key in order (None deletes); `keep` them once durable."""
        writes: dict[str, bytes | None] = {key: None}
        if value is not None:
            plain = self._encoder.encode(value)
            content = wire.compress(plain) if len(plain) > SMALL else plain
            chunks = [content[i : i + wire.CHUNK] for i in range(0, len(content), wire.CHUNK)]
            if len(chunks) == 1:
                writes[key] = await self._raw(network, key, content)
            else:
                head = SPLIT + f"{blake2b(content, digest_size=6).hexdigest()}/{len(chunks)}".encode()
                names = self._pieces(head, key)
                # New pieces, the head, then the old pieces: after a crash in between the head still finds its own.
                pieces = zip(names, chunks, strict=True)
                writes = {name: await self._raw(network, name, chunk) for name, chunk in pieces}
                writes[key] = head
        for old in self._pieces(self._store.parts.get(partition, {}).get(key), key):
            writes.setdefault(old, None)
        return writes

    def rest(self, partition: int) -> None:
        """Drop decoded values beyond those that the table keeps, the oldest first; only where every noted change is durable."""
        decoded = self._decoded.get(partition)
        if self.spec.kept and decoded is not None and len(decoded) > self.spec.kept * 2:
            for key in list(islice(decoded, len(decoded) - self.spec.kept)):
                del decoded[key]

    def keep(self, partition: int, writes: Mapping[str, bytes | None]) -> None:
        """Put durable changelog entries into the store."""
        part = self._store.parts.setdefault(partition, {})
        for name, raw in writes.items():
            if raw is None:
                part.pop(name, None)
            else:
                part[name] = raw

    async def _raw(self, network: NetworkId, name: str, content: bytes) -> bytes:
        if not self.spec.sealed:
            return wire.CLEAR + content
        return wire.SEALED + await self._seal.seal(network, self.context(name), content)

    def context(self, name: str) -> str:
        """Return what a sealed value is bound to: this table, and the changelog key ``name``, which may be a piece's."""
        return f"table:{self.changelog}/{blake2b(name.encode(), digest_size=16).hexdigest()}"

    def _pieces(self, raw: bytes | None, key: str) -> list[str]:
        if raw is None or raw[:1] != SPLIT:
            return []
        content, count = raw[1:].decode().split("/")
        return [f"{key}{SEPARATOR}{content}{SEPARATOR}{i}" for i in range(int(count))]

    def _decode(self, partition: int, key: str, raw: bytes) -> V:
        part = self._store.parts[partition]
        names = self._pieces(raw, key) or [key]
        content = b"".join(self._content(name, part[name]) for name in names if name in part)
        try:
            return self._decoder.decode(wire.decompress(content) if content[:4] == zstandard.FRAME_HEADER else content)
        except msgspec.DecodeError:
            raise Undecodable(
                "table.value-invalid", f"A value of table {self.spec.name} does not follow its type."
            ) from None

    def _content(self, name: str, raw: bytes) -> bytes:
        if raw[:1] == wire.CLEAR and not self.spec.sealed:
            return raw[1:]
        if raw[:1] != wire.SEALED:
            raise Undecodable(
                "table.value-invalid", f"A value of table {self.spec.name} has another form than it is kept in."
            )
        context = self.context(name)
        opened = self._seal.open_now(raw[1:], context)
        if opened is None:
            raise KeyNotAtHand(raw[1:], context)
        return opened
