"""Canonical bytes of an explanation: the same inputs give the same bytes, on every machine and in every order of arrival."""

import msgspec

from trialbridge.contracts.ids import Digest, digest
from trialbridge.criteria.verdicts import Explanation

_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="number")


def canonical_bytes(explanation: Explanation) -> bytes:
    """Return the explanation as JSON in canonical form."""
    return _ENCODER.encode(explanation)


def explanation_digest(explanation: Explanation) -> Digest:
    """Return the SHA-256 of the canonical bytes without the date: an explanation that holds another day is the same one."""
    return digest(canonical_bytes(msgspec.structs.replace(explanation, as_of="")))
