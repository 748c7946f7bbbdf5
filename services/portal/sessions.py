"""Server-side sessions: the cookie holds a random token, the store only its SHA-256."""

from datetime import timedelta
from typing import Final

import msgspec

from services.portal.ports import Clock, Token
from services.portal.settings import PortalSettings
from services.portal.times import read, stamp
from trialbridge.access.scopes import Role, Session
from trialbridge.contracts.documents import SESSIONS, SessionDoc
from trialbridge.contracts.ids import TenantId, digest
from trialbridge.runtime.ports import DocumentStore

TOUCH_AFTER: Final = timedelta(seconds=30)
"""A click within this time of the last one is not written down, to spare the store."""


class Sessions:
    """Opens, finds and ends sessions."""

    def __init__(self, documents: DocumentStore, settings: PortalSettings, clock: Clock, token: Token) -> None:
        """Keep sessions in ``documents``; time and randomness are given."""
        self._documents = documents
        self._idle = timedelta(minutes=settings.idle_minutes)
        self._longest = timedelta(hours=settings.session_hours)
        self._clock = clock
        self._token = token

    async def open(self, session: Session) -> tuple[str, SessionDoc]:
        """Begin a session; return the token for its cookie, and what is kept of it."""
        token = self._token()
        now = stamp(self._clock())
        doc = SessionDoc(
            id=digest(token.encode()),
            version=1,
            actor=session.actor,
            tenant=session.tenant,
            role=session.role,
            created=now,
            seen=now,
            csrf=self._token(),
        )
        await self._documents.upsert(SESSIONS, [doc])
        return token, doc

    async def find(self, token: str, *, active: bool) -> SessionDoc | None:
        """Return the session of a token while it lasts; ``active`` says that a person did something and is still there."""
        doc = await self._documents.get(SESSIONS, digest(token.encode()))
        if doc is None:
            return None
        now = self._clock()
        created, seen = read(doc.created), read(doc.seen)
        if created is None or seen is None or now - seen > self._idle or now - created > self._longest:
            await self._documents.delete(SESSIONS, doc.id)
            return None
        if active and now - seen > TOUCH_AFTER:
            # Compare and set: a session that is being ended elsewhere must not come back.
            await self._documents.replace(
                SESSIONS, msgspec.structs.replace(doc, version=doc.version + 1, seen=stamp(now)), doc.version
            )
        return doc

    async def close(self, token: str) -> None:
        """End the session of a token."""
        await self._documents.delete(SESSIONS, digest(token.encode()))


def who(doc: SessionDoc) -> Session:
    """Return who a session belongs to."""
    return Session(doc.actor, TenantId(doc.tenant), Role(doc.role))
