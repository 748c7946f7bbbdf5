"""JSON with decimals kept as they are written, and no surprise on hostile text."""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

import msgspec

from trialbridge.contracts.errors import Place, Undecodable

_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_CANONICAL: Final = msgspec.json.Encoder(decimal_format="number", order="sorted")
_FHIR: Final = b'{"resourceType":"'
"""How resources begin nearly always."""
_BOM: Final = b"\xef\xbb\xbf"
_ESCAPED_CONTROL: Final = re.compile(rb"\\u00(?:0[0-8bcef]|1[0-9a-f])", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def decode(text: bytes, place: Place) -> Any:
    """Return the value; raise `Undecodable` ``json.broken`` or ``json.too-deep``."""
    try:
        return _DECODER.decode(text.removeprefix(_BOM))
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Undecodable("json.broken", "This is not JSON.", place) from None
    except (RecursionError, ValueError, ArithmeticError):
        raise Undecodable(
            "json.too-deep", "This JSON is nested too deeply or holds an impossible number.", place
        ) from None


def encode(value: Any) -> bytes:
    """Return JSON; decimals keep their digits."""
    return _ENCODER.encode(value)


def is_spaced(text: bytes) -> bool:
    """Return whether JSON plainly has blanks between its words."""
    if text.startswith(_FHIR):
        return False
    first = text.find(b'":', 0, 100)
    return first < 0 or text[first + 2 : first + 3] <= b" "


def compact(text: bytes) -> bytes:
    """Return JSON as it is, but without blanks between its words where it plainly has some; raise `msgspec.DecodeError` for none."""
    return msgspec.json.format(text, indent=-1) if is_spaced(text) else text


def canonical(value: Any) -> bytes:
    """Return JSON with sorted keys: the same value gives the same bytes."""
    return _CANONICAL.encode(value)


@contextmanager
def no_collection() -> Iterator[None]:
    """Let nobody look for cycles while objects of JSON are made by the ten thousand: there are none among them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def may_hold_control(text: bytes) -> bool:
    """Return whether JSON text may hold control characters, which FHIR's strings must not: then each string is looked at."""
    # One byte is searched much faster than several: most text escapes nothing at all.
    return b"\\" in text and b"\\u00" in text and _ESCAPED_CONTROL.search(text) is not None


def holds_control(value: Any) -> bool:
    """Return whether a string or a key in the value holds a control character."""
    if isinstance(value, str):
        return _CONTROL.search(value) is not None
    if isinstance(value, dict):
        return any(holds_control(key) or holds_control(inner) for key, inner in value.items())
    return isinstance(value, list) and any(holds_control(inner) for inner in value)
