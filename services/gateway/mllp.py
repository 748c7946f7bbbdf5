"""HL7 v2 by MLLP (release 1): one frame at a time on each connection, answered before the next is read."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from services.gateway.clients import Client
from services.gateway.desk import Desk
from trialbridge.contracts.errors import TrialbridgeError
from trialbridge.runtime.telemetry import logs

LOG: Final = logs.logger("gateway")
START: Final = b"\x0b"
END: Final = b"\x1c\r"
BETWEEN: Final = b"\r\n"
"""What may stand between frames; anything else says that the sender and we do not mean the same."""
HANDSHAKE: Final = 10.0
CHUNK: Final = 64 * 1024


class BadFrameError(Exception):
    """The bytes are no MLLP frame, too large or too slow; the connection cannot be used any more."""


@dataclass(slots=True)
class Frames:
    """Reads frames from a connection."""

    reader: asyncio.StreamReader
    most_bytes: int
    seconds: float
    """Within which a frame that began must end."""
    idle: float
    _kept: bytearray = field(default_factory=bytearray)

    async def next(self) -> bytes | None:
        """Return the content of the next frame, None at the end of the connection; raise `BadFrameError`."""
        try:
            async with asyncio.timeout(self.idle):
                while not self._kept.lstrip(BETWEEN):
                    if not await self._more():
                        return None
            async with asyncio.timeout(self.seconds):
                return await self._frame()
        except TimeoutError:
            raise BadFrameError from None

    async def _frame(self) -> bytes:
        self._kept = self._kept.lstrip(BETWEEN)
        if not self._kept.startswith(START):
            raise BadFrameError
        looked = 1
        while (end := self._kept.find(END, looked)) < 0:
            looked = max(1, len(self._kept) - 1)
            if len(self._kept) > self.most_bytes or not await self._more():
                raise BadFrameError
        if end > self.most_bytes:
            raise BadFrameError
        body = bytes(self._kept[1:end])
        del self._kept[: end + len(END)]
        if START in body:
            raise BadFrameError  # a frame in a frame: one of them was cut off
        return body

    async def _more(self) -> bool:
        found = await self.reader.read(CHUNK)
        self._kept += found
        return bool(found)


@dataclass(frozen=True, slots=True)
class MllpDoor:
    """Serves connections. Back-pressure is that nothing more is read."""

    desk: Desk
    client: Client | None
    """Whose messages come here; None where client certificates say it."""
    most_bytes: int
    connections: int
    seconds: float
    idle: float
    _open: "set[asyncio.StreamWriter]" = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection to its end."""
        client = self.client or self._certified(writer)
        if client is None or len(self._open) >= self.connections:
            LOG.warning("a connection was refused", extra={"code": "mllp.refused"})
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            await self._talk(client, Frames(reader, self.most_bytes, self.seconds, self.idle), writer)
        except BadFrameError:
            LOG.warning("a connection was closed", extra={"code": "mllp.bad-frame"})
        except TrialbridgeError as error:
            # Without an acknowledgement the sender keeps the message and sends it again.
            LOG.warning("a connection was closed", extra={"code": error.code})
        except (OSError, TimeoutError):
            LOG.info("a connection broke off", extra={"code": "mllp.broken"})
        finally:
            self._open.discard(writer)
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()

    async def _talk(self, client: Client, frames: Frames, writer: asyncio.StreamWriter) -> None:
        while (body := await frames.next()) is not None:
            await asyncio.sleep(self.desk.wait(client))
            await self.desk.intake.room()
            _, ack = await self.desk.answer(client, body, "mllp")
            writer.write(START + ack + END)
            async with asyncio.timeout(self.seconds):
                await writer.drain()

    def _certified(self, writer: asyncio.StreamWriter) -> Client | None:
        tls = writer.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True) if tls is not None else None
        return self.desk.clients.of_certificate(der) if der else None

    def close(self) -> None:
        """Cut off whoever is connected."""
        for writer in list(self._open):
            writer.transport.abort()


@asynccontextmanager
async def mllp_server(door: MllpDoor, host: str, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serve MLLP inside the running loop; yield the port that it listens on (a free one for 0)."""
    server = await asyncio.start_server(
        door.serve, host, port, limit=CHUNK, ssl=tls, ssl_handshake_timeout=HANDSHAKE if tls else None
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        door.close()
