"""The documents of a match: as it stands now, and one for each step of its life."""

from services.matchbook.reasons import explanation_of, reasons_of
from services.matchbook.tables import Standing
from trialbridge.contracts.documents import MatchDoc, MatchEventDoc


def match_doc(standing: Standing) -> MatchDoc:
    """Return the match as it stands."""
    match = standing.match
    explanation = explanation_of(standing)
    return MatchDoc(
        id=match.match,
        version=standing.version,
        network=match.network,
        tenants=match.tenants,
        patient=match.patient,
        trial=match.trial,
        trial_title=standing.title,
        lab=standing.lab,
        arm=match.arm or "",
        dose=match.dose or "",
        status=standing.status,
        outcome=match.outcome,
        gates=standing.gates,
        explanation=match.explanation,
        explanation_digest=match.explanation_digest,
        why_now=standing.why_now,
        cause=standing.cause,
        missing=len(explanation.missing) if explanation else 0,
        trial_version=match.trial_version,
        trial_digest=match.trial_digest,
        view_version=match.view_version,
        view_digest=match.view_digest,
        as_of=match.as_of,
        records=match.records,
        reasons=reasons_of(standing),
        changed=standing.changed,
    )


def event_doc(standing: Standing) -> MatchEventDoc:
    """Return the newest step; its id holds its number, so that no step overwrites another."""
    match = standing.match
    return MatchEventDoc(
        id=f"{match.match}/{standing.version}",
        version=1,
        network=match.network,
        match=match.match,
        tenants=match.tenants,
        patient=match.patient,
        trial=match.trial,
        seq=standing.version,
        status=standing.status,
        outcome=match.outcome,
        gates=standing.gates,
        explanation=match.explanation,
        explanation_digest=match.explanation_digest,
        why_now=standing.why_now,
        cause=standing.cause,
        trial_version=match.trial_version,
        trial_digest=match.trial_digest,
        view_version=match.view_version,
        view_digest=match.view_digest,
        as_of=match.as_of,
        records=match.records,
        at=standing.at,
    )
