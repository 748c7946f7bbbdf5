"""A seal for tests that only need its shape: binds the context in clear, so that a moved value is still refused."""

from trialbridge.contracts.errors import Undecodable
from trialbridge.contracts.ids import NetworkId


class ClearSeal:
    """Implements `runtime.stage.wire.Seal` without a cipher."""

    async def prepare(self, network: NetworkId) -> None:
        """Do nothing: there are no keys."""

    async def seal(self, network: NetworkId, context: str, plaintext: bytes) -> bytes:
        """Return context and plaintext."""
        return f"{network}|{context}\n".encode() + plaintext

    async def open(self, value: bytes, context: str) -> bytes:
        """Return the plaintext; raise `Undecodable` where the context is another."""
        return self.open_now(value, context)

    def open_now(self, value: bytes, context: str) -> bytes:
        """Return the plaintext; raise `Undecodable` where the context is another."""
        head, _, plaintext = value.partition(b"\n")
        if head.decode().partition("|")[2] != context:
            raise Undecodable("seal.refused", "The value was moved.")
        return plaintext
