"""Who may sign in to the demo's portal with one click."""

from typing import Final, Literal

from services.portal.settings import DemoSignIn
from trialbridge.access.scopes import Role
from trialbridge.testkit.places import TENANTS, Tenant

_ROLES: Final[dict[Literal["practice", "hospital", "genomics", "lab"], Role]] = {
    "practice": Role.PRACTICE,
    "hospital": Role.PRACTICE,
    "lab": Role.LAB,
}
_WORDS: Final = {Role.PRACTICE: "coordinator", Role.LAB: "trial manager"}


def _sign_in(tenant: Tenant, role: Role) -> DemoSignIn:
    word = _WORDS[role]
    return DemoSignIn(
        actor=f"{word.split()[-1]}@{tenant.id}", tenant=tenant.id, role=role, label=f"{tenant.name}: {word}"
    )


SIGN_INS: Final = (
    *(_sign_in(tenant, _ROLES[tenant.role]) for tenant in TENANTS if tenant.role in _ROLES),
    DemoSignIn(actor="coordinator@own-data", tenant="own-data", role=Role.PRACTICE, label="Your own data: coordinator"),
    DemoSignIn(actor="auditor@network", tenant="network", role=Role.AUDITOR, label="Auditor of the network"),
    DemoSignIn(actor="operator@network", tenant="network", role=Role.OPERATOR, label="Operator"),
)
