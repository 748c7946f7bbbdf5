"""Standard Webhooks v1 signatures: HMAC-SHA-256 over id, time and body (https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
from typing import Final

PREFIX: Final = "v1,"
TOLERANCE: Final = 300
"""Seconds by which a receiver's clock may differ from the sender's."""


def sign(secret: bytes, msg_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header ``webhook-signature`` for ``timestamp`` in seconds since 1970."""
    mac = hmac.new(secret, f"{msg_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return PREFIX + base64.b64encode(mac.digest()).decode()


def verify(secret: bytes, msg_id: str, timestamp: int, body: bytes, header: str, *, now: int | None = None) -> bool:
    """Return whether one of the space-separated signatures of ``header`` is ours (several stand there during a rotation).

    With ``now`` in seconds since 1970 a message that is older or newer than `TOLERANCE` is refused: a replayed one.
    """
    if now is not None and abs(now - timestamp) > TOLERANCE:
        return False
    wanted = sign(secret, msg_id, timestamp, body).encode()
    return any(hmac.compare_digest(wanted, given.encode("utf-8", "replace")) for given in header.split(" "))
