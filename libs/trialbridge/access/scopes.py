"""Roles and the closed list of scopes, named ``noun:verb``; what is not granted here is refused."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from trialbridge.contracts.ids import TenantId


class Role(StrEnum):
    """In which capacity a person signs in; one per session."""

    PRACTICE = "practice"
    """Coordinates care and screening for one practice's own patients."""
    LAB = "lab"
    """Runs trials; sees counts, never a person."""
    AUDITOR = "auditor"
    """Reads what happened, by opaque ids; changes nothing."""
    OPERATOR = "operator"
    """Keeps the machinery running; sees no patient data."""


class Scope(StrEnum):
    """One thing that may be done."""

    WORKLIST_READ = "worklist:read"
    WORKLIST_MARK = "worklist:mark"
    MATCH_READ = "match:read"
    MATCH_REVIEW = "match:review"
    INBOX_READ = "inbox:read"
    INBOX_MARK = "inbox:mark"
    TRIAL_READ = "trial:read"
    TRIAL_LINT = "trial:lint"
    TRIAL_REGISTER = "trial:register"
    COUNTS_READ = "counts:read"
    HISTORY_READ = "history:read"
    HISTORY_EXPORT = "history:export"
    AUDIT_READ = "audit:read"
    OPERATION_READ = "operation:read"
    DEAD_LETTER_REPLAY = "dead_letter:replay"
    DEAD_LETTER_DISCARD = "dead_letter:discard"
    DELIVERY_REDELIVER = "delivery:redeliver"
    REGULATORY_SET = "regulatory:set"
    CODES_READ = "codes:read"
    CODES_REVIEW = "codes:review"
    """Decide what a local code means: a practice of its own feeds', an operator of any whose words are not withheld."""
    COMMAND_READ = "command:read"
    SESSION_SELF = "session:self"
    """Look at and end one's own session."""


GRANTS: Final = MappingProxyType(
    {
        Role.PRACTICE: frozenset(
            {
                Scope.WORKLIST_READ,
                Scope.WORKLIST_MARK,
                Scope.MATCH_READ,
                Scope.MATCH_REVIEW,
                Scope.INBOX_READ,
                Scope.INBOX_MARK,
                Scope.CODES_READ,
                Scope.CODES_REVIEW,
                Scope.COMMAND_READ,
                Scope.SESSION_SELF,
            }
        ),
        Role.LAB: frozenset(
            {
                Scope.TRIAL_READ,
                Scope.TRIAL_LINT,
                Scope.TRIAL_REGISTER,
                Scope.COUNTS_READ,
                Scope.COMMAND_READ,
                Scope.SESSION_SELF,
            }
        ),
        Role.AUDITOR: frozenset({Scope.HISTORY_READ, Scope.HISTORY_EXPORT, Scope.AUDIT_READ, Scope.SESSION_SELF}),
        Role.OPERATOR: frozenset(
            {
                Scope.OPERATION_READ,
                Scope.DEAD_LETTER_REPLAY,
                Scope.DEAD_LETTER_DISCARD,
                Scope.DELIVERY_REDELIVER,
                Scope.REGULATORY_SET,
                Scope.CODES_READ,
                Scope.CODES_REVIEW,
                Scope.COMMAND_READ,
                Scope.SESSION_SELF,
            }
        ),
    }
)
"""What each role may do. Nobody but a practice holds a scope that shows a person."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who is asking: an actor of one tenant in one role."""

    actor: str
    tenant: TenantId
    role: Role


def may(session: Session, scope: Scope) -> bool:
    """Return whether the session's role grants the scope."""
    return scope in GRANTS[session.role]


def sees_tenant(session: Session, tenants: tuple[str, ...]) -> bool:
    """Return whether something that belongs to ``tenants`` may be shown to this session as its own."""
    return session.tenant in tenants
