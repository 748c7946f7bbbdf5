"""Roles, scopes and what they grant."""

import pytest

from trialbridge.access.scopes import GRANTS, Role, Scope, Session, may, sees_tenant
from trialbridge.contracts.ids import TenantId

SHOWS_A_PERSON = {Scope.WORKLIST_READ, Scope.MATCH_READ, Scope.INBOX_READ}


def session(role: Role) -> Session:
    return Session("someone", TenantId("north"), role)


@pytest.mark.parametrize("role", Role)
def test_each_role_may_end_its_own_session(role: Role) -> None:
    assert may(session(role), Scope.SESSION_SELF)


@pytest.mark.parametrize("scope", Scope)
def test_each_scope_is_granted_to_someone(scope: Scope) -> None:
    assert any(scope in granted for granted in GRANTS.values())


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.PRACTICE}))
@pytest.mark.parametrize("scope", sorted(SHOWS_A_PERSON))
def test_only_a_practice_sees_a_person(role: Role, scope: Scope) -> None:
    assert not may(session(role), scope)
    assert may(session(Role.PRACTICE), scope)


def test_an_auditor_changes_nothing() -> None:
    verbs = {scope.split(":")[1] for scope in GRANTS[Role.AUDITOR]}
    assert verbs == {"read", "export", "self"}


def test_only_a_lab_registers_trials() -> None:
    assert [role for role in Role if may(session(role), Scope.TRIAL_REGISTER)] == [Role.LAB]


def test_grants_cannot_be_widened_at_run_time() -> None:
    with pytest.raises(TypeError):
        GRANTS[Role.LAB] = frozenset(Scope)  # type: ignore[index]


def test_a_practice_sees_what_one_of_its_tenants_holds() -> None:
    assert sees_tenant(session(Role.PRACTICE), ("east", "north"))
    assert not sees_tenant(session(Role.PRACTICE), ("east",))
    assert not sees_tenant(session(Role.PRACTICE), ())
