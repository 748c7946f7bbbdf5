"""Canonical bytes of an explanation: the same inputs give the same bytes, on every machine and in every order of arrival."""

import msgspec

from trialbridge.contracts.ids import Digest, digest
from trialbridge.criteria.facts import Evidence
from trialbridge.criteria.verdicts import Explanation

_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="number")


def canonical_bytes(explanation: Explanation) -> bytes:
    """Return the explanation as JSON in canonical form."""
    return _ENCODER.encode(explanation)


def explanation_digest(explanation: Explanation) -> Digest:
    """Return the SHA-256 of the canonical bytes without the date and without which delivery brought the evidence.

    An explanation that holds another day, or rests on the same records delivered again, is the same one.
    """
    lines = tuple(
        msgspec.structs.replace(line, evidence=records_of(line.evidence)) if line.evidence else line
        for line in explanation.criteria
    )
    return digest(canonical_bytes(msgspec.structs.replace(explanation, as_of="", criteria=lines)))


def records_of(evidence: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """Return the evidence without which delivery brought it, each once."""
    return tuple(dict.fromkeys(msgspec.structs.replace(one, record="", version="") for one in evidence))
