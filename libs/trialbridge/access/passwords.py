"""Passwords kept as scrypt hashes (RFC 7914), written ``scrypt$n$r$p$salt$hash`` with hex parts."""

import hashlib
import hmac
from typing import Final

COST: Final = 2**15
BLOCK: Final = 8
PARALLEL: Final = 1
MEMORY: Final = 64 * 1024 * 1024
LENGTH: Final = 32
_DECOY: Final = f"scrypt${COST}${BLOCK}${PARALLEL}${'00' * 16}${'00' * LENGTH}"


def hash_password(password: str, salt: bytes) -> str:
    """Return the hash of a password under a fresh random ``salt`` of 16 bytes or more."""
    return _format(COST, BLOCK, PARALLEL, salt, _scrypt(password, salt, COST, BLOCK, PARALLEL))


def verify_password(password: str, stored: str | None) -> bool:
    """Return whether the password belongs to the hash. None (no such user) takes as long and is False."""
    try:
        name, cost, block, parallel, salt, expected = (stored or _DECOY).split("$")
        found = _scrypt(password, bytes.fromhex(salt), int(cost), int(block), int(parallel))
        same = hmac.compare_digest(found, bytes.fromhex(expected))
    except ValueError:
        return False
    return same and name == "scrypt" and stored is not None


def well_formed(stored: str) -> bool:
    """Return whether ``stored`` reads as a hash written by `hash_password`."""
    parts = stored.split("$")
    return len(parts) == _DECOY.count("$") + 1 and parts[0] == "scrypt" and len(parts[-1]) == LENGTH * 2


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=MEMORY, dklen=LENGTH)


def _format(cost: int, block: int, parallel: int, salt: bytes, hashed: bytes) -> str:
    return f"scrypt${cost}${block}${parallel}${salt.hex()}${hashed.hex()}"
