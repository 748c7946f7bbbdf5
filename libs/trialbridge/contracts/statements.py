"""What a person says an authority said of a trial, on top of the statement in force: the body of ``set_regulatory``."""

from typing import Any, Literal, cast

import msgspec

from trialbridge.contracts.documents import RegulatoryDoc, TrialDoc
from trialbridge.contracts.errors import Place, Refused
from trialbridge.contracts.events import Site

Activation = Literal["active", "inactive"]


class Said(msgspec.Struct, frozen=True):
    """What changes; what is left out stays as it is in force."""

    authority: str
    approved: bool | None = None
    hold: bool | None = None
    reason: str = ""
    """Why it is held; needed to begin a hold."""
    sites: dict[str, str] = {}
    """``active`` or ``inactive`` by the site's id."""


def statement_of(trial: TrialDoc, known: RegulatoryDoc | None, said: Said) -> dict[str, Any]:
    """Return the next statement, whole, with the number that it takes: another one in between makes it be refused.

    Args:
        trial: As registered; its sites are those that may be named.
        known: The statement in force.
        said: What changes.

    Raises:
        Refused: ``regulatory.no-authority``, ``regulatory.no-reason``, ``regulatory.unknown-site``,
            ``regulatory.bad-site``, ``regulatory.nothing``.
    """
    if not said.authority.strip():
        raise Refused("regulatory.no-authority", "Say which authority says so.", Place(field="authority"))
    before = known or RegulatoryDoc(id=trial.id, version=0, approved=False, hold=False)
    hold = before.hold if said.hold is None else said.hold
    reason = (said.reason.strip() or (before.hold_reason if before.hold else "")) if hold else ""
    if hold and not reason:
        raise Refused("regulatory.no-reason", "Say why the trial is on hold.", Place(field="reason"))
    after = {
        "approved": before.approved if said.approved is None else said.approved,
        "hold": hold,
        "hold_reason": reason,
        "authority": said.authority.strip(),
        "sites": {**before.sites, **_sites(trial, said.sites)},
        "effective": before.effective,
    }
    if known is not None and all(getattr(known, name) == value for name, value in after.items()):
        raise Refused("regulatory.nothing", "The statement in force says this already; nothing was changed.")
    return {"trial": trial.id, "seq": before.version + 1, **after}


def told_of(statement: dict[str, Any]) -> str:
    """Return a statement in a few words, for the audit trail."""
    words = ["approved" if statement["approved"] else "not approved"]
    if statement["hold"]:
        words.append(f"on hold: {statement['hold_reason']}")
    words += [f"{site} {status}" for site, status in sorted(statement["sites"].items())]
    return f"{statement['authority']}: {', '.join(words)}"


def _sites(trial: TrialDoc, named: dict[str, str]) -> dict[str, Activation]:
    there = {site.id for site in msgspec.json.decode(trial.sites, type=tuple[Site, ...])}
    for site, status in named.items():
        if site not in there:
            raise Refused(
                "regulatory.unknown-site",
                f"The trial has no such site; it has {', '.join(sorted(there)) or 'none'}.",
                Place(field="sites"),
            )
        if status not in {"active", "inactive"}:
            raise Refused("regulatory.bad-site", "A site is active or inactive.", Place(field="sites"))
    return cast("dict[str, Activation]", named)
