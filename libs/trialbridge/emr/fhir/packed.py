"""A Bundle that is opened, and whose resources are looked at as text before any of them is read."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from trialbridge.contracts.errors import Place, Undecodable
from trialbridge.emr.fhir.forms import Recognised
from trialbridge.emr.jsontext import compact, decode

Find = Callable[[bytes], Recognised | None]
_STR: Final = frozenset({str})
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


Known = tuple[bytes, Recognised, str, tuple[str, ...]]
"""An entry of a full URL and a resource that was recognised, perhaps with a request of plain texts: the resource's text, what was
found in it, the URL, and the names of the request's elements."""


class _Entry(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The elements of a Bundle's entry."""

    resource: Raw | UnsetType = UNSET
    full_url: Any = UNSET
    link: Any = UNSET
    search: Any = UNSET
    request: Any = UNSET
    response: Any = UNSET
    id: Any = UNSET
    extension: Any = UNSET
    modifier_extension: Any = UNSET


class _Bundle(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The elements of a Bundle (hl7.org/fhir/R4/bundle.html)."""

    resource_type: str
    entry: list[_Entry]
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
_BESIDE: Final = dict(zip(_Entry.__struct_fields__[1:], _Entry.__struct_encode_fields__[1:], strict=True))
_DECODER: Final = msgspec.json.Decoder(_Bundle, float_hook=Decimal)


def open_bundle(body: bytes, find: Find) -> dict[str, Any] | None:
    """Return a Bundle with each entry as `Known`, or with its resource as a `Part`; None where it is to be read as a whole.

    The entries of a history tell what their resources do not say themselves: they are read.
    """
    text = body.removeprefix(_BOM)
    try:
        text = compact(text)
        bundle = _DECODER.decode(text)
        if bundle.resource_type != "Bundle" or bundle.type == "history":
            return None
        rest = {shown: getattr(bundle, name) for name, shown in _NAMES.items()}
        return {
            "resourceType": bundle.resource_type,
            **{name: _read(one) for name, one in rest.items() if one is not UNSET},
            "entry": [_opened(one, find) for one in bundle.entry],
        }
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, ArithmeticError, Undecodable):
        return None


def _read(one: Raw | str) -> Any:
    return one if isinstance(one, str) else decode(bytes(one), _NOWHERE)


def _opened(entry: _Entry, find: Find) -> dict[str, Any] | Known:
    raw = entry.resource
    text = bytes(raw) if raw is not UNSET else b""
    recognised = find(text) if text else None
    if recognised is not None and type(entry.full_url) is str and _is_bare(entry):
        if entry.request is UNSET:
            return text, recognised, entry.full_url, ()
        if type(entry.request) is dict and _STR.issuperset(map(type, entry.request.values())):
            return text, recognised, entry.full_url, tuple(entry.request)
    found = {shown: one for name, shown in _BESIDE.items() if (one := getattr(entry, name)) is not UNSET}
    if text:
        found["resource"] = Part(text, recognised)
    return found


def _is_bare(entry: _Entry) -> bool:
    """Whether an entry is nothing but a URL, a resource, and a request perhaps."""
    return (
        entry.response is UNSET and entry.search is UNSET and entry.link is UNSET
        and entry.id is UNSET and entry.extension is UNSET and entry.modifier_extension is UNSET
    )  # fmt: skip
