"""The health door of a service without pages: /livez, /readyz, /version and /metrics."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Generator

import uvicorn
from fastapi import FastAPI
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.telemetry.metrics import REGISTRY
from trialbridge.runtime.web import Ping, create_base, declare


def health_app(service: str, ping: Ping) -> FastAPI:
    """Return the four routes; ``ping`` raises `TrialbridgeError` while the service does not take work."""
    app = create_base(service, ping=ping, title=f"Trialbridge {service}", openapi_url=None)

    async def metrics() -> Response:
        """Answer in the Prometheus text format."""
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    app.get("/metrics", summary="Counters of this process", response_model=None, **declare("public"))(metrics)
    return app


class QuietServer(uvicorn.Server):
    """Uvicorn without signal handlers: the process that hosts it decides when it ends."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; raise `Misconfigured` ``web.port-taken`` where the port cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise Misconfigured(
            "web.port-taken", f"Port {port} on {host} cannot be had; is it in use? Name another one."
        ) from None
    return bound


@contextlib.asynccontextmanager
async def web_door(app: FastAPI, host: str, port: int) -> AsyncIterator[int]:
    """Serve ``app`` inside the running loop; yield the port that it listens on (a free one for 0).

    Raises `Misconfigured` ``web.port-taken`` where the port cannot be had.
    """
    bound = listen(host, port)
    server = QuietServer(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", http="h11"))
    task = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn offers no event to wait for
            await asyncio.sleep(0.01)
        yield bound.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        bound.close()


@contextlib.asynccontextmanager
async def health_door(settings: BaseServiceSettings, service: str, ping: Ping) -> AsyncIterator[int]:
    """Serve the health routes where ``health_port`` asks for them; yield the port, 0 where it is off."""
    if not settings.health_port:
        yield 0
        return
    async with web_door(health_app(service, ping), settings.health_host, settings.health_port) as port:
        yield port
