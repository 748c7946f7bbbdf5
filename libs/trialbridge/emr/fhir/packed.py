"""A Bundle that is opened, and whose resources are looked at as text before any of them is read."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from trialbridge.contracts.errors import Place, Undecodable
from trialbridge.emr.fhir.forms import Recognised, is_spaced
from trialbridge.emr.jsontext import decode

Find = Callable[[bytes], Recognised | None]
_NOWHERE: Final = Place()
_BOM: Final = b"\xef\xbb\xbf"


class Part:
    """A resource of a Bundle: as text, and either recognised or read."""

    __slots__ = ("recognised", "text", "value")

    def __init__(self, text: bytes, recognised: Recognised | None) -> None:
        """Read it, if need be."""
        self.text = text
        self.recognised = recognised
        self.value: Any = decode(text, _NOWHERE) if recognised is None else None


class _Bundle(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The elements of a Bundle (hl7.org/fhir/R4/bundle.html)."""

    resource_type: str
    entry: list[dict[str, Raw]]
    type: str | UnsetType = UNSET
    id: Raw | UnsetType = UNSET
    identifier: Raw | UnsetType = UNSET
    implicit_rules: Raw | UnsetType = UNSET
    language: Raw | UnsetType = UNSET
    link: Raw | UnsetType = UNSET
    meta: Raw | UnsetType = UNSET
    signature: Raw | UnsetType = UNSET
    timestamp: Raw | UnsetType = UNSET
    total: Raw | UnsetType = UNSET


_NAMES: Final = dict(zip(_Bundle.__struct_fields__[2:], _Bundle.__struct_encode_fields__[2:], strict=True))
_DECODER: Final = msgspec.json.Decoder(_Bundle)


def open_bundle(body: bytes, find: Find) -> dict[str, Any] | None:
    """Return a Bundle with each resource as a `Part`; None where a document is no plain Bundle, and is to be read as a whole.

    The entries of a history tell what their resources do not say themselves: they are read.
    """
    text = body.removeprefix(_BOM)
    if is_spaced(text):
        return None
    try:
        bundle = _DECODER.decode(text)
        if bundle.resource_type != "Bundle" or bundle.type == "history":
            return None
        rest = {shown: getattr(bundle, name) for name, shown in _NAMES.items()}
        return {
            "resourceType": bundle.resource_type,
            **{name: _read(one) for name, one in rest.items() if one is not UNSET},
            "entry": [_opened(one, find) for one in bundle.entry],
        }
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, Undecodable):
        return None


def _read(one: Raw | str) -> Any:
    return one if isinstance(one, str) else decode(bytes(one), _NOWHERE)


def _opened(entry: dict[str, Raw], find: Find) -> dict[str, Any]:
    raw = entry.pop("resource", None)
    found = {name: decode(bytes(one), _NOWHERE) for name, one in entry.items()}
    if raw is not None:
        text = bytes(raw)
        found["resource"] = Part(text, find(text))
    return found
