"""Doors that strangers reach: TLS, a cap on connections, and no patience with senders that begin and do not go on."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.health import QuietServer, listen

HEAD_BYTES: Final = 16 * 1024
"""Of a request's first line and headers."""
PIPELINED: Final = 8
"""Requests that may wait on a connection behind the one at hand."""
KEEP_ALIVE: Final = 60
"""Seconds that an idle connection is kept for the next request."""


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """What a door allows."""

    connections: int = 256
    """At the same time; one more is answered 503."""
    head_seconds: float = 10.0
    """Within which the headers of a request must be there."""


class RefusedHeadError(Exception):
    """The head of a request is larger than it may be, or too many requests came before the first was answered."""


class ImpatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 that closes a connection whose request began, or should begin, and whose headers do not come to an end.

    It also holds heads of requests, and requests that were sent before the one at hand was answered, to a limit.
    """

    head_seconds = 10.0
    _alarm: asyncio.TimerHandle | None = None
    _head = 0
    """Bytes of the head at hand, as far as its lines were read."""
    _raw = 0
    """Bytes that came for the head at hand, none of which ended it."""
    _in_head = True
    _ends = 0
    """Ends of heads and of requests."""

    def __init__(self, *given: Any, **named: Any) -> None:
        """Begin as uvicorn does; a connection counts for itself alone, however many answers end in one moment."""
        super().__init__(*given, **named)
        self.tasks = set()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Wait on while a request's headers are not whole."""
        if self.transport.is_closing():
            return
        ends = self._ends
        super().data_received(data)
        self._raw = self._raw + len(data) if self._in_head and self._ends == ends else 0
        if self._raw > HEAD_BYTES:
            self.send_400_response("Invalid HTTP request received.")
        if self._at_work():
            self._rest()
        elif self._alarm is None:
            self._wait()

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._head, self._in_head = 0, True
        if len(self.pipeline) >= PIPELINED:
            raise RefusedHeadError

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request's first line."""
        self._grow(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._grow(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Answer the request."""
        self._in_head = False
        self._ends += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect the next head."""
        super().on_message_complete()
        self._in_head = True
        self._ends += 1

    def send_400_response(self, msg: str) -> None:
        """Refuse what came; where an answer is due to a request before, say nothing that could be taken for it."""
        if self._at_work():
            self.transport.close()
        else:
            super().send_400_response(msg)

    def _grow(self, size: int) -> None:
        self._head += size
        if self._head > HEAD_BYTES:
            raise RefusedHeadError

    def _at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._alarm = self.loop.call_later(self.head_seconds, self._give_up)

    def _rest(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _give_up(self) -> None:
        self._alarm = None
        if not self._at_work():
            self.transport.close()


def tls_context(certificate: Path, key: Path | None, client_authorities: Path | None = None) -> ssl.SSLContext:
    """Return a server's TLS 1.2+ context; with ``client_authorities`` it demands a client certificate that they signed.

    Raises `Misconfigured` ``settings.tls-unreadable`` where the files cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
        if client_authorities is not None:
            context.load_verify_locations(client_authorities)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError:  # ssl.SSLError is one
        raise Misconfigured(
            "settings.tls-unreadable", "A certificate or key file cannot be read, or they do not belong together."
        ) from None
    return context


@contextlib.asynccontextmanager
async def public_door(
    app: ASGIApp, host: str, port: int, limits: DoorLimits, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve ``app`` to strangers inside the running loop; yield the port that it listens on (a free one for 0).

    Raises `Misconfigured` ``web.port-taken`` where the port cannot be had.
    """
    protocol = type("BoundProtocol", (ImpatientProtocol,), {"head_seconds": limits.head_seconds})
    bound = listen(host, port)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", http=protocol, ws="none", limit_concurrency=limits.connections,
        timeout_keep_alive=KEEP_ALIVE, server_header=False, date_header=False,
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    config.load()
    config.ssl = tls
    server: Any = QuietServer(config)
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn offers no event to wait for
            await asyncio.sleep(0.01)
        yield bound.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        bound.close()
