"""OpenPGP messages (gpg): public-key recipients and integrity protection required, opened by a process of their own.

Nothing in a message names a tenant, and its sender need not sign: whose it is, the ticket's digest binds.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from trialbridge.contracts.errors import Unavailable
from trialbridge.contracts.ids import TenantId
from trialbridge.vault.containers.gcm import sliced
from trialbridge.vault.containers.model import (
    CHUNK,
    Chunks,
    KeyHolder,
    PrivateKey,
    Stored,
    changed,
    not_for_us,
    private_keys,
    refused,
)
from trialbridge.vault.containers.openpgp_packets import is_message, recipients, unarmoured
from trialbridge.vault.recipients import openpgp_key

CHILD: Final = Path(__file__).with_name("openpgp_child.py")
OUT_OF_ROOM: Final = frozenset({5, -signal.SIGABRT, -signal.SIGXCPU, -signal.SIGKILL})
"""How the process ends for want of memory or time: the library aborts where it is given no memory."""


@dataclass(frozen=True, slots=True)
class OpenPgp:
    """Messages for a tenant's OpenPGP key."""

    name: str = "openpgp"

    def fits(self, stored: Stored) -> bool:
        """Return whether it begins as an OpenPGP message does."""
        return is_message(stored.body)

    async def open(self, stored: Stored, keys: KeyHolder) -> Chunks:
        """Return the decryption; raises as `Container.open` says."""
        body = unarmoured(stored.body)
        wanted = recipients(body)
        held = await private_keys(keys, stored.tenant, "openpgp")
        key = _fitting(held, wanted)
        return lambda: _decrypted(body, key)

    async def seal(self, plain: bytes, tenant: TenantId, keys: KeyHolder) -> tuple[bytes, dict[str, str]]:
        """Return a message for the tenant's newest key."""
        from openpgp.util import encrypt_message_to_recipient_bytes

        newest = (await private_keys(keys, tenant, "openpgp"))[0]
        recipient = openpgp_key(newest.secret).to_public_key()
        return encrypt_message_to_recipient_bytes(plain, recipient, version="seipd-v1"), {}


def _fitting(held: Sequence[PrivateKey], wanted: set[str]) -> bytes:
    """Return the key that the message names; raise `Refused` ``key.refused``."""
    for key in held:
        try:
            private = openpgp_key(key.secret)
        except ValueError:  # a key in the ring that this library does not read opens nothing
            continue
        if wanted & {private.key_id, *(one.key.key_id for one in private.secret_subkeys)}:
            return key.secret
    raise not_for_us()


def _decrypted(body: bytes, secret: bytes) -> Iterator[bytes]:
    child, feeder = _started(body, secret)
    try:
        while piece := _out(child).read(CHUNK):
            yield piece
        if (ended := child.wait()) in OUT_OF_ROOM:
            raise refused("too-large", "The OpenPGP message needs more memory or time than it is given; split it.")
        if ended != 0:
            raise changed()
    finally:
        child.kill()
        child.wait()
        feeder.join()
        _out(child).close()


def _out(child: "subprocess.Popen[bytes]") -> IO[bytes]:
    if child.stdout is None:
        raise changed()
    return child.stdout


def _started(body: bytes, secret: bytes) -> "tuple[subprocess.Popen[bytes], threading.Thread]":
    """Return the process, and the thread that feeds it the message."""
    given, taken = os.pipe()
    try:
        # -I: neither the environment nor the working directory decide what is imported.
        child = subprocess.Popen(  # noqa: S603 - our own file, no input in the arguments
            [sys.executable, "-I", str(CHILD), str(given)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, pass_fds=(given,), env={},
        )  # fmt: skip
    except OSError:
        os.close(taken)
        raise Unavailable("vault.no-process", "The process that opens OpenPGP messages cannot be started.") from None
    finally:
        os.close(given)
    feeder = threading.Thread(target=_feed, args=(child, taken, secret, body), daemon=True)
    feeder.start()
    return child, feeder


def _feed(child: "subprocess.Popen[bytes]", taken: int, secret: bytes, body: bytes) -> None:
    """Hand over key and message; a process that ends early needs no more of them."""
    with suppress(OSError), os.fdopen(taken, "wb") as file:
        file.write(secret)
    stdin = child.stdin
    if stdin is None:
        return
    with suppress(OSError):
        for piece in sliced(body):
            stdin.write(piece)
    with suppress(OSError):
        stdin.close()
