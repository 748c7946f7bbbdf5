"""How a document is stored: clear fields as JSON, fields with patient data sealed one by one, bound to their place."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from trialbridge.contracts.documents import Collection, Document
from trialbridge.contracts.errors import Undecodable
from trialbridge.contracts.ids import NetworkId
from trialbridge.runtime.documents import limits
from trialbridge.runtime.stage import wire

D = TypeVar("D", bound=Document)
SMALL: Final = 256
"""Bytes under which compression is not worth a frame."""
_BLANKS: Final[Mapping[Any, Any]] = {bytes: b"", msgspec.Raw: msgspec.Raw(b"null")}
SEAL: Final = 4096
"""More bytes than a seal adds."""
PLAIN: Final = b"\x00"
FRAMED: Final = b"\x01"


@dataclass(frozen=True, slots=True)
class Packed:
    """A document as it is stored."""

    id: str
    version: int
    clear: bytes
    """JSON object of the fields that may be searched."""
    sealed: dict[str, bytes]


class Codec(Generic[D]):
    """Packs and unpacks the documents of one collection."""

    def __init__(self, collection: Collection[D], seal: wire.Seal) -> None:
        """Seal by ``seal``."""
        self.collection = collection
        self._seal = seal
        self._decoder = msgspec.json.Decoder(collection.doc)
        self._blank, self._types = _sealed_fields(collection)

    async def pack(self, doc: D) -> Packed:
        """Return the stored form; raise `Refused` ``document.refused`` where no store could hold it."""
        sealed = {}
        for name in self.collection.sealed:
            framed = _framed(_written(self._types[name], getattr(doc, name)))
            sealed[name] = await self._seal.seal(NetworkId(doc.network), self._place(doc.id, name), framed)
        clear = msgspec.json.encode(msgspec.structs.replace(doc, **self._blank) if sealed else doc)
        limits.check(clear, sum(map(len, sealed.values())))
        return Packed(doc.id, doc.version, clear, sealed)

    async def unpack(self, clear: bytes | str, sealed: Mapping[str, bytes]) -> D:
        """Return the document; raise `Undecodable` where what is stored was changed."""
        try:
            doc = self._decoder.decode(clear)
        except msgspec.DecodeError:
            raise Undecodable(
                "document.invalid", f"A document in {self.collection.name} does not follow its type."
            ) from None
        opened: dict[str, Any] = {}
        for name in self._blank:
            framed = await self._open(sealed.get(name, b""), self._place(doc.id, name))
            value = wire.decompress(framed[1:]) if framed[:1] == FRAMED else framed[1:]
            opened[name] = self._read(name, value)
        return msgspec.structs.replace(doc, **opened) if opened else doc

    def _read(self, name: str, value: bytes) -> Any:
        kind = self._types[name]
        if kind is bytes:
            return value
        return msgspec.Raw(value) if kind is msgspec.Raw else msgspec.json.decode(value, type=kind)

    async def _open(self, value: bytes, place: str) -> bytes:
        opened = self._seal.open_now(value, place)
        return opened if opened is not None else await self._seal.open(value, place)

    def _place(self, identity: str, field: str) -> str:
        return f"{self.collection.name}/{identity}/{field}"


@functools.cache
def _sealed_fields(collection: Collection[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return, by sealed field, what stands in its place among the clear ones, and its type."""
    fields = [field for field in msgspec.structs.fields(collection.doc) if field.name in collection.sealed]
    blank = {field.name: _BLANKS.get(field.type, field.default) for field in fields}
    return blank, {field.name: field.type for field in fields}


def _written(kind: Any, value: Any) -> bytes:
    return bytes(value) if kind in _BLANKS else msgspec.json.encode(value)


def _framed(value: bytes) -> bytes:
    return FRAMED + wire.compress(value) if len(value) > SMALL else PLAIN + value


def check(collection: Collection[D], doc: D) -> None:
    """Return where a store can hold the document, of which nothing is sealed yet; raise `Refused` ``document.refused``."""
    blank, types = _sealed_fields(collection)
    clear = msgspec.json.encode(msgspec.structs.replace(doc, **blank) if blank else doc)
    values = [_written(kind, getattr(doc, name)) for name, kind in types.items()]
    size = sum(map(len, values))
    # Compressed only where it matters: sealing adds little to what the frames have.
    limits.check(clear, size if size < limits.LARGEST // 2 else sum(len(_framed(value)) + SEAL for value in values))
