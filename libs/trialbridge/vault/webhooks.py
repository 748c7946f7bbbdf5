"""Standard Webhooks v1 signatures: HMAC-SHA-256 over id, time and body (https://www.standardwebhooks.com)."""

import base64
import hashlib
import hmac
from typing import Final

PREFIX: Final = "v1,"


def sign(secret: bytes, msg_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header ``webhook-signature`` for ``timestamp`` in seconds since 1970."""
    mac = hmac.new(secret, f"{msg_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return PREFIX + base64.b64encode(mac.digest()).decode()


def verify(secret: bytes, msg_id: str, timestamp: int, body: bytes, header: str) -> bool:
    """Return whether one of the space-separated signatures of ``header`` is ours."""
    wanted = sign(secret, msg_id, timestamp, body)
    return any(hmac.compare_digest(wanted.encode(), given.encode()) for given in header.split(" "))
