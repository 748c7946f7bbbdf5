"""JSON with decimals kept as they are written, and no surprise on hostile text."""

from decimal import Decimal
from typing import Any

import msgspec

from trialbridge.contracts.errors import Place, Undecodable

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def decode(text: bytes, place: Place) -> Any:
    """Return the value; raise `Undecodable` ``json.broken`` or ``json.too-deep``."""
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:
        raise Undecodable("json.broken", "This is not JSON.", place) from None
    except (RecursionError, ValueError, ArithmeticError):
        raise Undecodable(
            "json.too-deep", "This JSON is nested too deeply or holds an impossible number.", place
        ) from None


def encode(value: Any) -> bytes:
    """Return JSON; decimals keep their digits."""
    return _ENCODER.encode(value)


def canonical(value: Any) -> bytes:
    """Return JSON with sorted keys: the same value gives the same bytes."""
    return _CANONICAL.encode(value)


_CANONICAL = msgspec.json.Encoder(decimal_format="number", order="sorted")
