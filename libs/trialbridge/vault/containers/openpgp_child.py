"""Decrypts one OpenPGP message in a process of its own: ciphertext on stdin, plaintext on stdout, the key on the descriptor named.

A process of its own, since the library decompresses without a bound and holds the interpreter while it works: the parent reads
as much as it allows and then ends it. Exit codes: 0 opened to its end and verified, 4 not.
"""

import os
import resource
import sys
from typing import Final

import pysequoia

OPENED: Final = 0
CHANGED: Final = 4
MEMORY: Final = 1024 * 1024 * 1024
"""Bytes of address space; the library keeps some 32 MiB of a message."""


def main() -> int:
    """Return the exit code."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with os.fdopen(int(sys.argv[1]), "rb") as file:
        secret = file.read()
    try:
        decryptor = pysequoia.Tsk.from_bytes(secret).decryptor()
        pysequoia.decrypt_file(decryptor=decryptor, input="/dev/stdin", output="/dev/stdout")
    except Exception:  # noqa: BLE001 - the library raises nothing narrower; the parent is told the code alone
        return CHANGED
    return OPENED


if __name__ == "__main__":
    sys.exit(main())
