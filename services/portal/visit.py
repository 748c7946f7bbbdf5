"""A visit: who asks, by which session, in which request, and what is recorded of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from services.portal.ports import Ports
from services.portal.times import stamp
from trialbridge.access.scopes import Scope, Session, may
from trialbridge.contracts.events import AuditRecorded
from trialbridge.contracts.ids import TenantId, derive
from trialbridge.ledger.actions import Action
from trialbridge.runtime.ports import DocumentStore
from trialbridge.runtime.web import Problem


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in person."""

    session: Session
    csrf: str
    request: str
    now: datetime
    ports: Ports

    @property
    def documents(self) -> DocumentStore:
        """Return the store."""
        return self.ports.documents

    @property
    def tenant(self) -> TenantId:
        """Return whose data may be shown."""
        return self.session.tenant

    @property
    def at(self) -> str:
        """Return the time of the request, as documents keep it."""
        return stamp(self.now)

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which times are shown."""
        return ZoneInfo(self.ports.settings.zone)

    def may(self, scope: str) -> bool:
        """Return whether this session holds the scope."""
        return may(self.session, Scope(scope))

    async def record(self, action: Action, *subjects: str, reason: str = "") -> None:
        """Record the action once for each subject. Raises `Unavailable` where that fails: then nothing may be shown."""
        events = [self._event(action, subject, "success", reason) for subject in dict.fromkeys(subjects)]
        if events:
            await self.ports.auditor.record(*events)

    async def refuse(self, scope: Scope) -> Problem:
        """Record that the scope was missing, and return the refusal: it names the scope, never what is there."""
        await self.ports.auditor.record(self._event(Action.SCOPE_REFUSED, scope, "denied", ""))
        return Problem(
            403,
            "access.scope-missing",
            f"This needs the scope {scope}, which the role {self.session.role} does not have.",
        )

    def _event(self, action: Action, subject: str, outcome: Literal["success", "denied"], reason: str) -> AuditRecorded:
        return audit_event(self.session, action, subject, self.at, self.request, outcome=outcome, reason=reason)


def audit_event(
    session: Session,
    action: Action,
    subject: str,
    at: str,
    request: str,
    *,
    outcome: Literal["success", "denied", "failure"] = "success",
    reason: str = "",
) -> AuditRecorded:
    """Return an audit event; its id depends on the request, the action and the subject, so a repeat is the same one."""
    return AuditRecorded(
        id=derive("aud", (request, action, subject)),
        actor=session.actor,
        tenant=session.tenant,
        role=session.role,
        action=action,
        subject=subject,
        at=at,
        outcome=outcome,
        reason=reason,
        request=request,
    )
