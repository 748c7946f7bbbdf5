"""Caps every request's body, before anything reads it and whoever sends it."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST: Final = 1_200_000
"""Bytes; the largest thing that anybody sends is a trial's text."""


class BodyLimit:
    """Answers 413 where a body that says it is too large is read, and stops reading one that turns out so."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap ``app``."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a counted body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        said = dict(scope["headers"]).get(b"content-length", b"0")
        announced = int(said) if said.isdigit() else 0
        counted = 0

        async def receive_counted() -> Message:
            nonlocal counted
            message = await receive() if announced <= LARGEST else {}
            counted += len(message.get("body", b""))
            if announced > LARGEST or counted > LARGEST:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_counted, send)
