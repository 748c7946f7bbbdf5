"""Decrypts one OpenPGP message in a process of its own: ciphertext on stdin, plaintext on stdout, the key on the descriptor named.

A process of its own, since the library decompresses without a bound, whole, and holds the interpreter while it works: memory and
time end it, and nothing comes out before all of it is verified. Exit codes: 0 opened, 4 not, 5 or a signal: out of memory or time.
"""

import os
import resource
import sys
from typing import Final

from openpgp.composed import EncryptedMessage, Message, SignedSecretKey

OPENED: Final = 0
CHANGED: Final = 4
TOO_LARGE: Final = 5
MEMORY: Final = 1024 * 1024 * 1024
"""Bytes of address space: the library holds message and plaintext, each about twice."""
SECONDS: Final = 300
"""Of processor time."""
PROTECTED: Final = {"seipd-v1", "seipd-v2"}
PIECE: Final = 256 * 1024


def opened(body: bytes, secret: bytes) -> bytes | None:
    """Return the verified plaintext of a binary message, None where it does not open; the key may be armoured."""
    try:
        if secret.startswith(b"-----"):
            key, _ = SignedSecretKey.from_armor(secret.decode("ascii"))
        else:
            key = SignedSecretKey.from_bytes(secret)
        message = Message.from_bytes(body)
        if not isinstance(message, EncryptedMessage) or message.edata.kind not in PROTECTED:
            return None
        decrypted = message.decrypt(None, key)
    except BaseException:  # noqa: BLE001 - a panic of the library is no Exception; the parent is told the code alone
        return None
    try:
        return decrypted.as_data_vec()
    except BaseException:  # noqa: BLE001 - a copy of what was verified: only memory can be wanting
        raise MemoryError from None


def main() -> int:
    """Return the exit code."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        secret = file.read()
    try:
        plain = opened(sys.stdin.buffer.read(), secret)
    except MemoryError:
        return TOO_LARGE
    if plain is None:
        return CHANGED
    view = memoryview(plain)
    for at in range(0, len(view), PIECE):
        sys.stdout.buffer.write(view[at : at + PIECE])
    sys.stdout.buffer.flush()
    return OPENED


if __name__ == "__main__":
    sys.exit(main())
